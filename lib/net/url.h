/* URLs, by the rules of libcurl, so that what is judged here is what will be fetched. */
#ifndef TOCSIN_NET_URL_H
#define TOCSIN_NET_URL_H

#include <stdbool.h>
#include <stddef.h>

enum { TOCSIN__NET_HOST_MAX = 255 };

/* Where a URL leads. Two URLs with the same have the same origin (RFC 6454). */
struct tocsin__net_site {
    char host[TOCSIN__NET_HOST_MAX + 1];                   /* small letters; IPv6 in brackets */
    char port[6];
    bool secure;                                           /* https */
    bool numeric;                                          /* the host is an address */
};

/* 0, TOCSIN_EURL, TOCSIN_ESCHEME or -ENOMEM; ret_reason is constant text. */
int tocsin__net_url_site(const char *url, struct tocsin__net_site *ret_site, const char **ret_reason);

/* The bytes of url up to where its path begins: equal ones have equal sites. 0: no such URL. */
size_t tocsin__net_url_front(const char *url);

/* Where a Location of so many bytes leads, seen from base. ret_url is to be released. As tocsin__net_url_site. */
int tocsin__net_url_follow(const char *base, const char *location, size_t size, char **ret_url, const char **ret_reason);

#endif
