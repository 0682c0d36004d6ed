/* Finds the page that another page names as its next page. */
#ifndef LINK_H
#define LINK_H

#include <stddef.h>
#include <tocsin/http.h>

/* Finds the next page. This is the target of "Link: <...>; rel=next" in the header (RFC 8288), or
   else of the first href to the same origin in the body. Returns 0 and sets next. Returns -ENOENT
   if there is no next page, or if its URL does not fit. */
int link_next(const struct tocsin_http_client_done *page, char *next, size_t size);

/* Returns NULL for an HTTP URL. Otherwise returns a text that says what is wrong with the URL. */
const char *link_check(const char *url);

#endif
