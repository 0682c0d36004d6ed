/* Changing the options of a stream. */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/refusal.h"
#include "io/stream/limits.h"
#include "io/stream/output.h"
#include "io/stream/stream_pipe.h"
#include "io/stream/window.h"

/* A stream that is not connected yet gets the options of its socket then. */
static void socket_set(const struct tocsin__stream *stream)
{
    unsigned flags = stream->settings->flags;
    int nodelay = !(flags & TOCSIN_STREAM_GATHER), probe = !!(flags & TOCSIN_STREAM_PROBE);

    if (!tocsin__stream_is(stream, TOCSIN__STREAM_SOCKET) ||
        tocsin__stream_is(stream, TOCSIN__STREAM_UNIX) || stream->readiness.fd < 0)
        return;
    setsockopt(stream->readiness.fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, sizeof nodelay);
    setsockopt(stream->readiness.fd, SOL_SOCKET, SO_KEEPALIVE, &probe, sizeof probe);
}

/* Another delimiter is searched from the beginning. */
static void scan_again(struct tocsin__stream *stream)
{
    struct tocsin__window *window = &tocsin__stream_engine(stream)->io->window;

    if (window->stream == stream)
        window->scanned = 0;
    if (stream->busy)
        stream->busy->kept.scanned = 0;
}

static void settings_replace(struct tocsin__stream *stream, struct tocsin__settings *settings)
{
    tocsin__rate_leave(stream, TOCSIN__RATE_IN);
    tocsin__rate_leave(stream, TOCSIN__RATE_OUT);
    tocsin__settings_unref(stream->settings);
    stream->settings = settings;
    socket_set(stream);
    scan_again(stream);
    if (stream->state == TOCSIN__STREAM_OPEN || stream->state == TOCSIN__STREAM_CLOSING)
        tocsin__limit_idle_begin(stream);
    tocsin__output_limits_changed(stream);
    tocsin__pipes_wake(stream);
    tocsin__stream_wake(stream);
}

int tocsin_stream_set(struct tocsin_op id, const struct tocsin_stream_options *options)
{
    struct tocsin__settings *settings;
    struct tocsin__stream *stream;
    int err = tocsin__stream_find(id, &stream);

    if (err == 0 && stream->state == TOCSIN__STREAM_OVER)
        err = -EALREADY;
    if (err == 0)
        err = tocsin__settings_new(options, &settings);
    if (err < 0)
        return tocsin__traced(err);
    err = tocsin__limit_idle_prepare(tocsin__stream_engine(stream), settings);
    if (err == 0)
        settings_replace(stream, settings);
    else
        tocsin__settings_unref(settings);
    return tocsin__traced(err);
}
