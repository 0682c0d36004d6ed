/* Hands out the received data of a stream, in parts, to a read, a pipe or the listeners. */
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

/* Whether a read, a pipe or a listener wants data of the stream now. If not, the operation is
   paused. */
bool tocsin__input_is_wanted(struct tocsin__stream *stream);
/* Whether stream.received would be delivered now. 1: yes; 0: it has no listeners; -EAGAIN: the
   listeners cannot take it now. */
int tocsin__input_admission(const struct tocsin__stream *stream);
/* Reads from the descriptor at most once, and hands out parts as long as they are wanted. */
void tocsin__input_serve(struct tocsin__stream *stream);
/* Reads from the descriptor at most once, and drops the received data. */
void tocsin__input_discard(struct tocsin__stream *stream);

#endif
