/* Message framing: how a reply states where its body ends (RFC 9112 section 6.3). libcurl reads the
   body. The functions here refuse headers that libcurl may interpret differently from the RFC.
   Their caller checks the length of the body. */
#ifndef TOCSIN_NET_FRAMING_H
#define TOCSIN_NET_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tocsin__net_framing {
    uint64_t length; /* value of Content-Length; UINT64_MAX if the value is larger */
    bool has_length;
    bool coded;        /* the header has "Transfer-Encoding: chunked" */
    bool open;         /* true if the last line was one of the framing fields; then the next line
                          must not continue it */
    const char *fault; /* constant text about a fault; NULL: the header is well formed so far */
};

/* Reads the next header line, which has `size` bytes and no NUL at its end. */
void tocsin__net_framing_line(struct tocsin__net_framing *framing, const char *line, size_t size);

#endif
