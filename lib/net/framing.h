/* Message framing: how a reply states where its body ends (RFC 9112 section 6.3). libcurl reads
   the body. This file refuses headers that libcurl may interpret differently, and the caller
   checks the length. */
#ifndef TOCSIN_NET_FRAMING_H
#define TOCSIN_NET_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tocsin__net_framing {
    uint64_t length; /* Content-Length; UINT64_MAX if larger */
    bool has_length;
    bool coded;        /* Transfer-Encoding: chunked */
    bool open;         /* the last line was such a field: the next line must not continue it */
    const char *fault; /* constant text; NULL: well formed so far */
};

/* Reads the next header line of size bytes, not NUL-terminated. */
void tocsin__net_framing_line(struct tocsin__net_framing *framing, const char *line, size_t size);

#endif
