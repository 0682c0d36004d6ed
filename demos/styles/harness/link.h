/* Finds the page that a page names as its next one. */
#ifndef LINK_H
#define LINK_H

#include <stddef.h>
#include <tocsin/http.h>

/* Finds the next page: the target of "Link: <...>; rel=next" in the header (RFC 8288), or else
   of the first href to the same origin in the body. Returns 0 and sets next. Returns -ENOENT if
   there is none, or if it does not fit. */
int link_next(const struct tocsin_http_client_done *page, char *next, size_t size);

/* Returns NULL for an HTTP URL, otherwise what is wrong with the URL. */
const char *link_check(const char *url);

#endif
