/* Parses URLs with libcurl, so that the check and the transfer agree about a URL. */
#ifndef TOCSIN_NET_URL_H
#define TOCSIN_NET_URL_H

#include <stdbool.h>
#include <stddef.h>

enum { TOCSIN__NET_HOST_MAX = 255 };

/* The origin of a URL (RFC 6454). */
struct tocsin__net_site {
    char host[TOCSIN__NET_HOST_MAX + 1]; /* lowercase ASCII; IPv6 in brackets */
    char port[6];
    bool secure;  /* https */
    bool numeric; /* the host is an IP address, not a name */
};

/* 0, TOCSIN_EURL, TOCSIN_ESCHEME or -ENOMEM; ret_reason is constant text. */
int tocsin__net_url_site(const char *url, struct tocsin__net_site *ret_site,
                         const char **ret_reason);

/* The length of the part before the path: URLs that are equal in it have equal sites. 0: it is no
   such URL. */
size_t tocsin__net_url_front(const char *url);

/* Resolves a Location, size bytes long, against base. Free ret_url with tocsin__net_release. Errors
   as tocsin__net_url_site. */
int tocsin__net_url_follow(const char *base, const char *location, size_t size, char **ret_url,
                           const char **ret_reason);

/* Replaces the host of the URL by host, which is ASCII. Free ret_text with curl_free; NULL: no
   change needed. Errors as tocsin__net_url_site. */
int tocsin__net_url_plain(const char *url, const char *host, char **ret_text);

#endif
