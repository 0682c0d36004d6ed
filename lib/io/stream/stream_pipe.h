/* Pipes: all data of one stream is moved into another one, by copying. */
#ifndef TOCSIN_IO_STREAM_PIPE_H
#define TOCSIN_IO_STREAM_PIPE_H

#include "io/stream/stream.h"

/* A pipe: the state of its operation. */
struct tocsin__pipe {
    struct tocsin_stream_piped piped;
    struct tocsin__stream *from;       /* NULL: all its data was moved, or the pipe has ended */
    struct tocsin__stream *to;         /* NULL: the pipe has ended */
    struct tocsin__pipe *next, **link; /* links in the list of the pipes whose target is `to` */
};

/* Returns how many bytes the target accepts now. */
size_t tocsin__pipe_room(const struct tocsin__pipe *pipe);
/* Writes received data to the target. -EAGAIN, -ENOMEM: nothing was written; -EPIPE: the target
   cannot be written any more, and the pipe ends. */
int tocsin__pipe_take(struct tocsin__pipe *pipe, const void *data, size_t size);
/* Called when the source has ended without an error: shuts down the target's outgoing side. The
   pipe ends when the shutdown is done: then all data was sent, and a file that is replaced is in
   place. */
void tocsin__pipe_finish(struct tocsin__pipe *pipe);
/* Called when the source of the pipe fails with this status: ends the pipe, and cancels the target,
   since otherwise truncated data would look complete to the target's peer. */
void tocsin__pipe_source_over(struct tocsin__pipe *pipe, int status);
/* Called when the outgoing side of the target has ended: ends the pipes whose source has ended,
   too. */
void tocsin__pipes_in_finished(struct tocsin__stream *target);
/* Called when the target of the pipe ends with this status: ends the pipe. */
void tocsin__pipe_target_over(struct tocsin__pipe *pipe, int status);
/* Called when the target has sent data, and so has room: wakes the sources of its pipes. */
void tocsin__pipes_wake(struct tocsin__stream *target);

#endif
