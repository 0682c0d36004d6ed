/* What a fetch was asked to send, beyond GET and a URL. */
#ifndef TOCSIN_NET_REQUEST_H
#define TOCSIN_NET_REQUEST_H

#include <curl/curl.h>

#include <tocsin/http.h>

struct tocsin__net_request {
    const char *method;
    char *own_method;
    struct curl_slist *header;                             /* as CURLOPT_HTTPHEADER wants it */
    struct tocsin_bytes body;                              /* lent by the caller */
    char *ca_file;
    unsigned flags;
};

/* 0 or -EINVAL: whether it is well formed. The URL is not looked at. */
int  tocsin__net_request_check(const struct tocsin_http_request *asked);

/* 0 and ret_request set, to NULL for a plain GET, or -ENOMEM. */
int  tocsin__net_request_copy(const struct tocsin_http_request *asked, struct tocsin__net_request **ret_request);
void tocsin__net_request_free(struct tocsin__net_request *request);

/* What a redirect does to it: it becomes a GET; it leaves the origin that its credentials are for. */
void tocsin__net_request_to_get(struct tocsin__net_request *request);
void tocsin__net_request_to_stranger(struct tocsin__net_request *request);

#endif
