/* Parses URLs with libcurl, so that the check and the transfer read a URL in the same way. */
#ifndef TOCSIN_NET_URL_H
#define TOCSIN_NET_URL_H

#include <stdbool.h>
#include <stddef.h>

enum { TOCSIN__NET_HOST_MAX = 255 };

/* The origin of a URL (RFC 6454). */
struct tocsin__net_site {
    char host[TOCSIN__NET_HOST_MAX + 1]; /* the host in lowercase ASCII; an IPv6 address is in
                                            brackets */
    char port[6];
    bool secure;  /* the scheme is https */
    bool numeric; /* the host is an IP address, not a name */
};

/* Reads the origin of a URL. Returns 0, TOCSIN_EURL, TOCSIN_ESCHEME or -ENOMEM. *ret_reason is set
 * to a constant text that explains the error. */
int tocsin__net_url_site(const char *url, struct tocsin__net_site *ret_site,
                         const char **ret_reason);

/* Returns the length of the part before the path. URLs that are equal in this part have the same
 * origin. Returns 0 if the text is not an http or https URL. */
size_t tocsin__net_url_front(const char *url);

/* Resolves a Location, which has `size` bytes, against the URL `base`. The caller must free
 *ret_url with tocsin__net_release. Returns 0, or an error as tocsin__net_url_site does. */
int tocsin__net_url_follow(const char *base, const char *location, size_t size, char **ret_url,
                           const char **ret_reason);

/* Replaces the host of the URL by `host`, which must be ASCII. *ret_text is NULL if no change is
   needed; otherwise the caller must free it with curl_free. Returns 0, or an error as
   tocsin__net_url_site does. */
int tocsin__net_url_plain(const char *url, const char *host, char **ret_text);

#endif
