/* Reads of a stream, as operations: they wait in the order of their start. */
#ifndef TOCSIN_IO_STREAM_READ_H
#define TOCSIN_IO_STREAM_READ_H

#include "io/stream/stream.h"

/* A read: the state of its operation. */
struct tocsin__read {
    struct tocsin_stream_taken taken;
    struct tocsin__stream *stream; /* NULL: the read has ended */
    struct tocsin__read *next, **link;
    struct tocsin__part part;
    void *into;
    char *memory;   /* the bytes that were read, if into is NULL */
    char until[16]; /* the copy of a short delimiter; the copy of a longer one is allocated */
};

/* Ends the read with these bytes. -ENOMEM: the read has taken nothing, and still waits. */
int tocsin__read_take(struct tocsin__read *read, const void *data, size_t size);
/* Ends the read without data. */
void tocsin__read_end(struct tocsin__read *read, int status);

#endif
