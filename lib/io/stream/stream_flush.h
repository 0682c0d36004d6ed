/* Flushes of a stream, as operations. */
#ifndef TOCSIN_IO_STREAM_FLUSH_H
#define TOCSIN_IO_STREAM_FLUSH_H

#include "io/stream/stream.h"

/* The state of the operation. */
struct tocsin__flush {
    struct tocsin_stream_flushed flushed;
    struct tocsin__stream *stream; /* NULL: it waits no longer */
    struct tocsin__flush *next, **link;
    uint64_t until; /* it ends when so many bytes were sent */
};

/* Ends the flushes whose data was sent. */
void tocsin__flushes_serve(struct tocsin__stream *stream);
/* The stream has ended with this status: ends all flushes. */
void tocsin__flushes_end(struct tocsin__stream *stream, int status);

#endif
