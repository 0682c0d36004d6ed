/* Closes a stream, or ends its outgoing side. */
#include "base/refusal.h"
#include "io/stream/limits.h"
#include "io/stream/stream_end.h"
#include "io/stream/stream_pipe.h"
#include "io/stream/stream_read.h"

int tocsin_stream_shutdown(struct tocsin_op id)
{
    struct tocsin__stream *stream;
    int err = tocsin__stream_find(id, &stream);

    if (err < 0)
        return tocsin__traced(err);
    if (stream->out != TOCSIN__SIDE_OPEN || stream->state >= TOCSIN__STREAM_CLOSING)
        return tocsin__traced(-EPIPE);
    tocsin__stream_mark(stream, TOCSIN__STREAM_USED);
    stream->out = TOCSIN__SIDE_SHUTTING;
    tocsin__stream_wake(stream);
    return 0;
}

/* Ends all reads and pipes of the stream. */
static void close_input(struct tocsin__stream *stream)
{
    while (stream->busy && stream->busy->reads)
        tocsin__read_end(stream->busy->reads, -ECANCELED);
    if (stream->busy && stream->busy->pipe)
        tocsin__pipe_source_over(stream->busy->pipe, -ECANCELED);
    while (stream->busy && stream->busy->pipes_in)
        tocsin__pipe_target_over(stream->busy->pipes_in, -ECANCELED);
    tocsin__rate_leave(stream, TOCSIN__RATE_IN);
}

/* A stream that is not connected yet still connects and sends the data that was written. Then it
   closes. */
int tocsin_stream_close(struct tocsin_op id)
{
    struct tocsin__stream *stream;
    int err = tocsin__stream_find(id, &stream);

    if (err == 0 && stream->state >= TOCSIN__STREAM_CLOSING)
        err = -EALREADY;
    if (err == 0 && stream->state == TOCSIN__STREAM_OPEN)
        err = tocsin__limit_close(stream);
    if (err < 0)
        return tocsin__traced(err);
    close_input(stream);
    tocsin__stream_mark(stream, TOCSIN__STREAM_READABLE); /* something may be unread */
    if (stream->state == TOCSIN__STREAM_OPEN)
        tocsin__stream_set_state(stream, TOCSIN__STREAM_CLOSING);
    else
        tocsin__stream_mark(stream, TOCSIN__STREAM_CLOSE_LATER);
    tocsin__stream_wake(stream);
    return 0;
}
