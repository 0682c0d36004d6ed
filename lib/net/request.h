/* The request of a fetch that is more than a GET of a URL. */
#ifndef TOCSIN_NET_REQUEST_H
#define TOCSIN_NET_REQUEST_H

#include <stdbool.h>

#include <curl/curl.h>

#include <tocsin/http.h>

struct tocsin__net_request {
    const char *method;
    char *own_method;
    struct curl_slist *header; /* the header lines in the format of CURLOPT_HTTPHEADER */
    struct tocsin_bytes body;  /* the body, which belongs to the caller of the fetch */
    char *ca_file;
    unsigned flags;
};

/* Checks a request, except its URL. Returns 0, or -EINVAL if the request is malformed. */
int tocsin__net_request_check(const struct tocsin_http_request *asked);

/* Copies a request. *ret_request is set to the copy, or to NULL for a GET without anything else.
   Returns 0 or -ENOMEM. */
int tocsin__net_request_copy(const struct tocsin_http_request *asked,
                             struct tocsin__net_request **ret_request);
void tocsin__net_request_free(struct tocsin__net_request *request);

/* Returns true if the request may be sent again even if the peer has processed it already. If
   `request` is NULL, it is a GET without anything else. */
bool tocsin__net_request_is_idempotent(const struct tocsin__net_request *request);

/* Both functions are for redirects. tocsin__net_request_to_get makes the request a GET without a
   body. tocsin__net_request_to_stranger removes the credentials. */
void tocsin__net_request_to_get(struct tocsin__net_request *request);
void tocsin__net_request_to_stranger(struct tocsin__net_request *request);

#endif
