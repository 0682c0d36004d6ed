/* What comes in. Called by libcurl, so it is only asked for what it knows. They answer what its callbacks answer. */
#ifndef TOCSIN_NET_REPLY_H
#define TOCSIN_NET_REPLY_H

#include "net/fetch.h"

size_t tocsin__net_reply_header(struct tocsin__net_fetch *fetch, const char *line, size_t size);
size_t tocsin__net_reply_body(struct tocsin__net_fetch *fetch, const char *data, size_t size);

/* The value of a header line of the reply, of so many bytes; NULL: there is none. */
const char *tocsin__net_reply_find(const struct tocsin__net_fetch *fetch, const char *name, size_t *ret_size);

#endif
