/* Transfers: libcurl's easy handles, kept and used again. */
#ifndef TOCSIN_NET_TRANSFER_H
#define TOCSIN_NET_TRANSFER_H

#include "net/fetch.h"

struct tocsin__net_transfer {
    CURL *easy;
    struct tocsin__net_client *client;
    struct tocsin__net_fetch *fetch;                       /* NULL: it is idle */
    struct tocsin__net_transfer *next;                     /* among the idle */
    struct curl_slist *resolve;
    bool added;                                            /* to the multi handle */
    bool altered;                                          /* by a request: more than the URL is set */
    char error[CURL_ERROR_SIZE];
};

/* Begins the transfer of a fetch. names: for CURLOPT_RESOLVE, taken over. 0; -ENOMEM, or whatever the clock answers. */
int  tocsin__net_transfer_start(struct tocsin__net_fetch *fetch, struct curl_slist *names);

/* Ends it, wherever it is; a connection whose reply is not complete is closed. fetch->transfer is NULL then. */
void tocsin__net_transfer_end(struct tocsin__net_fetch *fetch);

void tocsin__net_transfers_free(struct tocsin__net_client *client);               /* the idle ones */

#endif
