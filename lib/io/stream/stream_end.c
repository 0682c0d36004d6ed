/* The end of a stream. */
#include "io/stream/limits.h"
#include "io/stream/output.h"
#include "io/connect/connect.h"
#include "io/listen/crowd.h"
#include "io/stream/stream_end.h"
#include "io/stream/stream_flush.h"
#include "io/stream/stream_pipe.h"
#include "io/stream/stream_read.h"
#include "io/stream/window.h"
#include "io/stream/wire.h"
#include "loop/clock.h"
#include "op/complete.h"

static void end_operations(struct tocsin__stream *stream, int status, bool is_open)
{
    while (stream->busy && stream->busy->reads)
        tocsin__read_end(stream->busy->reads, status);
    if (is_open)
        tocsin__flushes_serve(stream); /* data that the kernel has accepted counts as flushed */
    tocsin__flushes_end(stream, status);
    if (stream->busy && stream->busy->pipe && status < 0)
        tocsin__pipe_source_over(stream->busy->pipe, status);
    else if (stream->busy && stream->busy->pipe)
        tocsin__pipe_finish(stream->busy->pipe);
    while (stream->busy && stream->busy->pipes_in)
        tocsin__pipe_target_over(stream->busy->pipes_in, status);
}

/* Unlinks the reads, flushes and pipes that are still linked to the stream. There are some when all
   operations of a loop are freed in any order (T8). */
static void forget_operations(struct tocsin__busy *busy)
{
    while (busy->reads) {
        busy->reads->stream = NULL;
        busy->reads = busy->reads->next;
    }
    while (busy->flushes) {
        busy->flushes->stream = NULL;
        busy->flushes = busy->flushes->next;
    }
    while (busy->pipes_in) {
        if (busy->pipes_in->from)
            busy->pipes_in->from->busy->pipe = NULL;
        busy->pipes_in->from = busy->pipes_in->to = NULL;
        busy->pipes_in = busy->pipes_in->next;
    }
    if (busy->pipe) {
        *busy->pipe->link = busy->pipe->next;
        if (busy->pipe->next)
            busy->pipe->next->link = busy->pipe->link;
        busy->pipe->from = busy->pipe->to = NULL;
    }
}

/* Completes the payload of the end. */
static void stream_finish(struct tocsin__stream *stream)
{
    tocsin__stream_set_state(stream, TOCSIN__STREAM_OVER);
    stream->closed.total_us = tocsin__now(tocsin__stream_engine(stream)) - stream->closed.total_us;
    if (!stream->closed.reason)
        stream->closed.reason = "";
}

void tocsin__stream_disarm(void *state)
{
    struct tocsin__stream *stream = state;
    struct tocsin__engine *engine = tocsin__stream_engine(stream);
    struct tocsin__busy *busy = stream->busy;

    if (stream->state != TOCSIN__STREAM_OVER)
        stream_finish(stream);
    tocsin__window_forget(engine->io, stream);
    tocsin__limit_idle_end(stream);
    tocsin__wire_close(stream);
    tocsin__crowd_leave(stream);
    if (busy) {
        tocsin__rate_leave(stream, TOCSIN__RATE_IN);
        tocsin__rate_leave(stream, TOCSIN__RATE_OUT);
        tocsin__limit_end(stream);
        tocsin__connecting_free(busy);
        forget_operations(busy);
        tocsin__wire_drop_passed(busy);
        tocsin__release(busy->kept.data);
        tocsin__output_drop(stream);
        tocsin__release(busy);
        stream->busy = NULL;
    }
    tocsin__settings_unref(stream->settings);
    stream->settings = NULL;
}

void tocsin__stream_end(struct tocsin__stream *stream, int status)
{
    bool is_open;

    if (stream->state == TOCSIN__STREAM_OVER)
        return;
    is_open = stream->state == TOCSIN__STREAM_OPEN || stream->state == TOCSIN__STREAM_CLOSING;
    stream->failure = status;
    stream_finish(stream);
    end_operations(stream, status, is_open);
    tocsin__stream_rest(stream);
    tocsin__stream_disarm(stream);
    tocsin__op_complete(tocsin__stream_op(stream), status, &stream->closed.tocsin);
}
