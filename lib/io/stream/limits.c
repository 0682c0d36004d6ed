/* Time limits of a stream: one at a time, of opening or of closing. */
#include "io/stream/limits.h"
#include "loop/clock.h"

struct limit {
    struct tocsin__timer timer; /* the first member */
    struct tocsin__stream *stream;
};

static void on_limit(struct tocsin__timer *timer)
{
    struct tocsin__stream *stream = ((struct limit *)timer)->stream;

    tocsin__stream_fail(stream, -ETIMEDOUT);
}

int tocsin__limit_set(struct tocsin__stream *stream, int64_t ms)
{
    struct tocsin__engine *engine = tocsin__stream_engine(stream);
    struct limit *limit;

    tocsin__limit_end(stream);
    if (ms < 0)
        return 0;
    limit = tocsin__stream_occupy(stream) == 0 ? tocsin__alloc(sizeof *limit) : NULL;
    if (!limit)
        return -ENOMEM;
    limit->timer.fire = on_limit;
    limit->stream = stream;
    stream->busy->limit = &limit->timer;
    tocsin__timer_arm(engine, &limit->timer, tocsin__due_in(engine, ms));
    return 0;
}

void tocsin__limit_end(struct tocsin__stream *stream)
{
    if (!stream->busy || !stream->busy->limit)
        return;
    tocsin__timer_disarm(tocsin__stream_engine(stream), stream->busy->limit);
    tocsin__release(stream->busy->limit);
    stream->busy->limit = NULL;
}
