/* Takes the reply from libcurl, line by line and part by part. Called inside of callbacks of
   libcurl, so these functions end no transfer: they return what the callbacks return. */
#ifndef TOCSIN_NET_REPLY_H
#define TOCSIN_NET_REPLY_H

#include "net/fetch.h"

size_t tocsin__net_reply_header(struct tocsin__net_fetch *fetch, const char *line, size_t size);
size_t tocsin__net_reply_body(struct tocsin__net_fetch *fetch, const char *data, size_t size);

/* Checks a reply after libcurl ended the transfer without an error. 0: complete by its own
   framing; else a status, and ret_fault is a constant text. */
int tocsin__net_reply_check(const struct tocsin__net_fetch *fetch, const char **ret_fault);

/* Returns the value of a header line, *ret_size bytes long; NULL: there is no such line. */
const char *tocsin__net_reply_find(const struct tocsin__net_fetch *fetch, const char *name,
                                   size_t *ret_size);

#endif
