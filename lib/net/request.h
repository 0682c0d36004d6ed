/* The request of a fetch, if it is more than GET and a URL. */
#ifndef TOCSIN_NET_REQUEST_H
#define TOCSIN_NET_REQUEST_H

#include <stdbool.h>

#include <curl/curl.h>

#include <tocsin/http.h>

struct tocsin__net_request {
    const char *method;
    char *own_method;
    struct curl_slist *header; /* header lines in the format of CURLOPT_HTTPHEADER */
    struct tocsin_bytes body;  /* belongs to the caller */
    char *ca_file;
    unsigned flags;
};

/* Returns 0, or -EINVAL if the request is malformed. Does not check the URL. */
int tocsin__net_request_check(const struct tocsin_http_request *asked);

/* 0 and ret_request set, to NULL for a plain GET, or -ENOMEM. */
int tocsin__net_request_copy(const struct tocsin_http_request *asked,
                             struct tocsin__net_request **ret_request);
void tocsin__net_request_free(struct tocsin__net_request *request);

/* Whether the request may be sent again if the peer may have processed it already. request NULL:
   a plain GET. */
bool tocsin__net_request_is_idempotent(const struct tocsin__net_request *request);

/* For redirects: makes the request a GET without a body; removes the credentials. */
void tocsin__net_request_to_get(struct tocsin__net_request *request);
void tocsin__net_request_to_stranger(struct tocsin__net_request *request);

#endif
