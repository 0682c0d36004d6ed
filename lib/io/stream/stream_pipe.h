/* Pipes: all data of one stream is moved into another one, by copying. */
#ifndef TOCSIN_IO_STREAM_PIPE_H
#define TOCSIN_IO_STREAM_PIPE_H

#include "io/stream/stream.h"

/* The state of the operation. */
struct tocsin__pipe {
    struct tocsin_stream_piped piped;
    struct tocsin__stream *from;       /* NULL: all of its data was moved, or the pipe has ended */
    struct tocsin__stream *to;         /* NULL: the pipe has ended */
    struct tocsin__pipe *next, **link; /* links in the list of the pipes whose target is `to` */
};

/* How many bytes the target takes now. */
size_t tocsin__pipe_room(const struct tocsin__pipe *pipe);
/* Moves a part. -EAGAIN, -ENOMEM: nothing was moved; -EPIPE: the target is broken, and the pipe
   ends. */
int tocsin__pipe_take(struct tocsin__pipe *pipe, const void *data, size_t size);
/* The source has ended without an error: ends the target's outgoing side. The pipe ends when that
   side has ended, so everything was sent, and a replaced file is in place. */
void tocsin__pipe_finish(struct tocsin__pipe *pipe);
/* Ends the pipe out of a stream that ends with this status: the target is cancelled, so that cut
   data never looks complete. */
void tocsin__pipe_source_over(struct tocsin__pipe *pipe, int status);
/* The outgoing side of the target has ended: ends the pipes whose source has ended. */
void tocsin__pipes_in_finished(struct tocsin__stream *target);
/* Ends a pipe into a stream that ends with this status. */
void tocsin__pipe_target_over(struct tocsin__pipe *pipe, int status);
/* The target has sent data: its sources are served again. */
void tocsin__pipes_wake(struct tocsin__stream *target);

#endif
