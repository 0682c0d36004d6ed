/* The operation that ends when the data written so far has been sent. */
#ifndef TOCSIN_IO_STREAM_FLUSH_H
#define TOCSIN_IO_STREAM_FLUSH_H

#include "io/stream/stream.h"

/* A flush: the state of its operation. */
struct tocsin__flush {
    struct tocsin_stream_flushed flushed;
    struct tocsin__stream *stream; /* NULL: the flush has ended */
    struct tocsin__flush *next, **link;
    uint64_t until; /* the flush ends when sent_bytes of the stream reaches this number */
};

/* Ends the flushes whose data has been sent. */
void tocsin__flushes_serve(struct tocsin__stream *stream);
/* The stream has ended with this status: ends all flushes. */
void tocsin__flushes_end(struct tocsin__stream *stream, int status);

#endif
