/* Takes the reply from libcurl, line by line and part by part. Callbacks of libcurl call these
   functions. So they do not end a transfer, but return the value that the callback must return. */
#ifndef TOCSIN_NET_REPLY_H
#define TOCSIN_NET_REPLY_H

#include "net/fetch.h"

size_t tocsin__net_reply_header(struct tocsin__net_fetch *fetch, const char *line, size_t size);
size_t tocsin__net_reply_body(struct tocsin__net_fetch *fetch, const char *data, size_t size);

/* Checks a reply after libcurl ended the transfer without an error. Returns 0 if the reply is
   complete according to its own framing. Otherwise returns a status, and sets *ret_fault to a
   constant text. */
int tocsin__net_reply_check(const struct tocsin__net_fetch *fetch, const char **ret_fault);

/* Returns the value of a header line, and sets *ret_size to its length. Returns NULL if there is no
   such line. */
const char *tocsin__net_reply_find(const struct tocsin__net_fetch *fetch, const char *name,
                                   size_t *ret_size);

#endif
