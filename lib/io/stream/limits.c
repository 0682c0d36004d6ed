/* The time limits of a stream: for opening, for closing, and for being idle. Opening and closing
   use the same timer, since they never overlap. */
#include <poll.h>

#include "base/cancel.h"
#include "io/stream/limits.h"
#include "io/stream/reason.h"
#include "io/stream/medium.h"
#include "io/stream/stream_input.h"
#include "loop/clock.h"

struct limit {
    struct tocsin__timer timer; /* the first member */
    struct tocsin__stream *stream;
    void (*give_reason)(struct tocsin__stream *stream);
};

enum { CLOSE_MS = 10000 };

/* Called when all was sent, but the peer has not ended its side in time: the stream ends as if it
   had. */
static bool linger_ends(struct tocsin__stream *stream)
{
    if (stream->state != TOCSIN__STREAM_CLOSING || tocsin__stream_waiting(stream) ||
        !tocsin__stream_is(stream, TOCSIN__STREAM_LINGERS))
        return false;
    stream->in = TOCSIN__SIDE_TOLD;
    tocsin__stream_wake(stream);
    return true;
}

static void on_limit(struct tocsin__timer *timer)
{
    struct tocsin__stream *stream = ((struct limit *)timer)->stream;

    if (linger_ends(stream))
        return;
    ((struct limit *)timer)->give_reason(stream);
    tocsin__stream_fail(stream, -ETIMEDOUT);
}

int tocsin__limit_set(struct tocsin__stream *stream, int64_t ms,
                      void (*give_reason)(struct tocsin__stream *stream))
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
    limit->give_reason = give_reason;
    stream->busy->limit = &limit->timer;
    tocsin__timer_arm(engine, &limit->timer, tocsin__due_in(engine, ms));
    return 0;
}

static void close_timed_out(struct tocsin__stream *stream)
{
    char peer[112];

    tocsin__reason_set(stream, "%zu bytes to %s were not sent within %d s of the close",
                       tocsin__stream_waiting(stream), tocsin__reason_peer(stream, peer),
                       CLOSE_MS / 1000);
}

/* A file gets no limit, since it has no peer that could stall. */
int tocsin__limit_close(struct tocsin__stream *stream)
{
    return tocsin__medium_is_queued(stream) ? 0
                                            : tocsin__limit_set(stream, CLOSE_MS, close_timed_out);
}

void tocsin__limit_end(struct tocsin__stream *stream)
{
    if (!stream->busy || !stream->busy->limit)
        return;
    tocsin__timer_disarm(tocsin__stream_engine(stream), stream->busy->limit);
    tocsin__release(stream->busy->limit);
    stream->busy->limit = NULL;
}

/* Idle limits */

/* Asks the kernel whether the stream can read or write now. The limit may have passed while data
   was waiting in the kernel: the loop may have been blocked, and one turn handles only some of the
   parked descriptors. */
static bool idle_has_work(struct tocsin__stream *stream)
{
    bool reads = stream->state == TOCSIN__STREAM_CLOSING || tocsin__input_is_wanted(stream);
    struct pollfd now = { .fd = stream->readiness.fd };
    int cancel, count;

    if (reads && stream->in == TOCSIN__SIDE_OPEN)
        now.events |= POLLIN;
    if (tocsin__stream_waiting(stream))
        now.events |= POLLOUT;
    if (!now.events || tocsin__fault())
        return false;
    cancel = tocsin__cancel_off();
    count = poll(&now, 1, 0);
    tocsin__cancel_back(cancel);
    if (count > 0 && now.revents & (POLLIN | POLLHUP | POLLERR))
        tocsin__stream_mark(stream, TOCSIN__STREAM_READABLE);
    if (count > 0 && now.revents & (POLLOUT | POLLHUP | POLLERR))
        tocsin__stream_mark(stream, TOCSIN__STREAM_WRITABLE);
    return count > 0;
}

static void on_idle(struct tocsin__idle *idle)
{
    struct tocsin__stream *stream = tocsin__container(idle, struct tocsin__stream, idle);
    char peer[112];

    if (linger_ends(stream))
        return;
    if (idle_has_work(stream)) {
        tocsin__limit_idle_begin(stream);
        tocsin__stream_wake(stream);
        return;
    }
    tocsin__reason_set(stream, "no data to or from %s for %lld ms (idle_ms)",
                       tocsin__reason_peer(stream, peer), (long long)stream->settings->idle_ms);
    tocsin__stream_fail(stream, -ETIMEDOUT);
}

int tocsin__limit_idle_prepare(struct tocsin__engine *engine,
                               const struct tocsin__settings *settings)
{
    struct tocsin__io *io = engine->io;

    if (!settings->idle_ms || io->idle)
        return 0;
    io->idle = tocsin__alloc(sizeof *io->idle);
    if (!io->idle)
        return -ENOMEM;
    tocsin__idle_init(io->idle, engine, on_idle);
    return 0;
}

void tocsin__limit_idle_begin(struct tocsin__stream *stream)
{
    if (stream->settings->idle_ms)
        tocsin__idle_put(tocsin__stream_engine(stream)->io->idle, &stream->idle,
                         stream->settings->idle_ms);
    else
        tocsin__limit_idle_end(stream);
}

void tocsin__limit_idle_end(struct tocsin__stream *stream)
{
    if (tocsin__idle_is_in(&stream->idle))
        tocsin__idle_remove(tocsin__stream_engine(stream)->io->idle, &stream->idle);
}
