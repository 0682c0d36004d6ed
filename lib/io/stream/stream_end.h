/* The end of a stream. */
#ifndef TOCSIN_IO_STREAM_END_H
#define TOCSIN_IO_STREAM_END_H

#include "io/stream/stream.h"

/* Closes the descriptor, ends the operations on the stream, and announces its end. */
void tocsin__stream_end(struct tocsin__stream *stream, int status);
/* Closes the descriptor and frees everything without announcing the end. Runs at every kind of end,
   and may run several times. */
void tocsin__stream_disarm(void *state);

#endif
