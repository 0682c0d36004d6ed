/* Transfers: each has an easy handle of libcurl. Idle transfers are kept and used again. */
#ifndef TOCSIN_NET_TRANSFER_H
#define TOCSIN_NET_TRANSFER_H

#include "net/fetch.h"

struct tocsin__net_transfer {
    CURL *easy;
    struct tocsin__net_client *client;
    struct tocsin__net_fetch *fetch;   /* the fetch that uses the handle; NULL: the handle is
                                          idle */
    struct tocsin__net_transfer *next; /* the next idle transfer */
    struct curl_slist *resolve;
    bool added;     /* the easy handle was added to the multi handle */
    unsigned sent;  /* how often the request was sent, or is about to be sent */
    bool asked;     /* true if libcurl needed addresses that it did not have */
    bool refused;   /* true if a repetition of the request was refused */
    bool altered;   /* true if options besides the URL were set for a request */
    int open_error; /* -errno of the last socket that could not be opened; 0: none */
    char error[CURL_ERROR_SIZE];
};

/* Begins the transfer of a fetch. `names` is the list for CURLOPT_RESOLVE, which the transfer then
   owns. Returns 0, -ENOMEM or an error of the clock. */
int tocsin__net_transfer_start(struct tocsin__net_fetch *fetch, struct curl_slist *names);

/* Ends the transfer and sets fetch->transfer to NULL. If the reply is incomplete, its connection is
   closed. */
void tocsin__net_transfer_end(struct tocsin__net_fetch *fetch);

/* Frees the idle transfers. */
void tocsin__net_transfers_free(struct tocsin__net_client *client);

#endif
