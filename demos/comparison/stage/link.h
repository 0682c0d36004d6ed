/* What a page names as its next. */
#ifndef LINK_H
#define LINK_H

#include <stddef.h>
#include <tocsin/http.h>

/* The target of "Link: <...>; rel=next" in its header (RFC 8288), else of the first href of the same origin in its body.
   0 and next set; -ENOENT: there is none, or it does not fit. */
int link_next(const struct tocsin_http_client_done *page, char *next, size_t size);

/* 0: it is a URL of HTTP; else what is wrong with it. */
const char *link_check(const char *url);

#endif
