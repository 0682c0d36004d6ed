/* Decodes the chunked transfer coding (RFC 9112 section 7.1). libcurl does not do this here,
   because it accepts a body whose last byte is missing. */
#ifndef TOCSIN_NET_CHUNKS_H
#define TOCSIN_NET_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The part of the coding to which the next byte belongs. */
enum tocsin__net_chunk_part {
    TOCSIN__NET_CHUNK_SIZE,   /* the first digit of a chunk size */
    TOCSIN__NET_CHUNK_DIGITS, /* further digits of a chunk size */
    TOCSIN__NET_CHUNK_EXTENSION,
    TOCSIN__NET_CHUNK_DATA,
    TOCSIN__NET_CHUNK_DATA_END, /* the line end after the data */
    TOCSIN__NET_CHUNK_TRAILER,  /* the first byte of a trailer line, or of the final empty line */
    TOCSIN__NET_CHUNK_TRAILER_LINE,
    TOCSIN__NET_CHUNK_TRAILER_END, /* the line feed of the final empty line */
    TOCSIN__NET_CHUNK_OVER
};

struct tocsin__net_chunks {
    enum tocsin__net_chunk_part part;
    uint64_t left;     /* bytes of the chunk's data that have not arrived yet */
    unsigned overhead; /* bytes of extensions in this line so far, or of the trailer */
    bool returned;     /* the last byte was a CR, so an LF must follow */
};

/* Decodes `size` bytes at `in`. ret_data must have room for `size` bytes, and receives *ret_size
   bytes of the body. Bytes after the end of the body are ignored. Returns NULL, or a constant text
   that says what is malformed. */
const char *tocsin__net_chunks_read(struct tocsin__net_chunks *chunks, const char *in, size_t size,
                                    char *ret_data, size_t *ret_size);

#endif
