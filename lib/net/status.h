/* Maps error codes of other libraries to statuses. There is one function for each kind of code, and
   t/net/status tests every row. The caller also passes the errno and the phase, because the code
   does not contain them. */
#ifndef TOCSIN_NET_STATUS_H
#define TOCSIN_NET_STATUS_H

#include <stdbool.h>

#include <curl/curl.h>

/* The facts about a failed transfer that choose its status. */
struct tocsin__net_failure {
    CURLcode code;
    const char *text; /* the message of libcurl */
    int number;       /* the errno that libcurl recorded; 0: none */
    int open_error;   /* -errno if a socket could not be created; 0: none */
    long verdict;     /* result of the check of the peer's certificate: X509_V_… */
    bool begun;       /* true if the request was sent */
    bool in_header;   /* true if the header of the reply is incomplete */
};

int tocsin__net_status_of_curl(const struct tocsin__net_failure *failure);
/* Returns the status for an error of curl_easy_setopt or curl_global_init. */
int tocsin__net_status_of_option(CURLcode code);
int tocsin__net_status_of_multi(CURLMcode code);
int tocsin__net_status_of_url(CURLUcode code);
int tocsin__net_status_of_verdict(long verdict);
int tocsin__net_status_of_name(int error, int number); /* `error` is EAI_…; `number` is the errno */

#endif
