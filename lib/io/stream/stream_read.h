/* Reads of a stream, as operations: they wait in the order of their start. */
#ifndef TOCSIN_IO_STREAM_READ_H
#define TOCSIN_IO_STREAM_READ_H

#include "io/stream/stream.h"

/* The state of the operation. */
struct tocsin__read {
    struct tocsin_stream_taken taken;
    struct tocsin__stream *stream; /* NULL: it waits no longer */
    struct tocsin__read *next, **link;
    struct tocsin__part part;
    void *into;
    char *memory;   /* the bytes, if there is no into; NULL: none */
    char until[16]; /* a copy of a short delimiter; a longer one is allocated */
};

/* Ends the read with a part. -ENOMEM: it waits still, and has taken nothing. */
int tocsin__read_take(struct tocsin__read *read, const void *data, size_t size);
/* Ends the read without data. */
void tocsin__read_end(struct tocsin__read *read, int status);

#endif
