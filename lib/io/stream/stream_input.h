/* Who takes the received data of a stream, and how it is cut for them. */
#ifndef TOCSIN_IO_STREAM_INPUT_H
#define TOCSIN_IO_STREAM_INPUT_H

#include "io/stream/stream.h"

/* The progress signals of a stream, in the order of its type. */
enum tocsin__stream_progress {
    TOCSIN__STREAM_CONNECTED,
    TOCSIN__STREAM_RECEIVED,
    TOCSIN__STREAM_IS_STALLED,
    TOCSIN__STREAM_IS_DRAINED
};

/* Whether somebody wants data of the stream now. If not, the operation is paused. */
bool tocsin__input_is_wanted(struct tocsin__stream *stream);
/* Whether stream.received is wanted now: 1, 0 or -EAGAIN. */
int tocsin__input_admission(const struct tocsin__stream *stream);
/* Reads from the kernel at most once, and hands out parts while they are wanted. */
void tocsin__input_serve(struct tocsin__stream *stream);
/* Reads from the kernel at most once, and drops what was received. */
void tocsin__input_discard(struct tocsin__stream *stream);

#endif
