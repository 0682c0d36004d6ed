/* The last steps of connecting a stream. */
#include <netinet/tcp.h>

#include "io/connect/connecting.h"
#include "io/connect/layered.h"
#include "io/stream/limits.h"
#include "io/stream/reason.h"

static int64_t now_of(const struct tocsin__stream *stream)
{
    return tocsin__now(tocsin__stream_engine(stream));
}

int tocsin__connecting_make(struct tocsin__stream *stream)
{
    struct tocsin__connecting *connecting = tocsin__stream_occupy(stream) == 0
                                                ? tocsin__alloc(sizeof *connecting)
                                                : NULL;

    if (!connecting)
        return -ENOMEM;
    connecting->stream = stream;
    connecting->began_us = connecting->resolved_us = now_of(stream);
    stream->busy->connecting = connecting;
    return 0;
}

static void established(struct tocsin__stream *stream)
{
    tocsin__limit_end(stream);
    stream->busy->connecting->secured_us = now_of(stream);
    tocsin__stream_set_state(stream, TOCSIN__STREAM_OPEN);
    tocsin__limit_idle_begin(stream);
    tocsin__stream_mark(stream, TOCSIN__STREAM_TELL_CONNECTED | TOCSIN__STREAM_WRITABLE);
    tocsin__stream_unmark(stream,
                          TOCSIN__STREAM_READABLE | TOCSIN__STREAM_LEFT | TOCSIN__STREAM_SHOCKED);
    if (stream->busy->connecting->layer) /* the handshake may have received data */
        tocsin__stream_mark(stream, TOCSIN__STREAM_READABLE);
    if (tocsin__stream_is(stream, TOCSIN__STREAM_CLOSE_LATER)) {
        tocsin__limit_close(stream); /* if there is no memory, the close has no limit */
        tocsin__stream_mark(stream, TOCSIN__STREAM_READABLE);
        tocsin__stream_set_state(stream, TOCSIN__STREAM_CLOSING);
    }
    tocsin__stream_wake(stream);
}

void tocsin__connecting_handshake(struct tocsin__stream *stream)
{
    int err = tocsin__layered_handshake(stream);

    if (err == 0)
        established(stream);
    else if (err != -EAGAIN)
        tocsin__stream_fail(stream, err);
}

/* Begins the layer, since the socket is connected. */
void tocsin__connecting_connected(struct tocsin__stream *stream)
{
    const struct tocsin__connecting *connecting = stream->busy->connecting;
    int err = 0;

    stream->busy->connecting->connected_us = now_of(stream);
    if (connecting->layer)
        err = tocsin__layered_begin(stream, connecting->layer, connecting->host);
    if (err < 0)
        tocsin__stream_fail(stream, err);
    else if (connecting->layer)
        tocsin__connecting_handshake(stream);
    else
        established(stream);
}

void tocsin__connecting_timed_out(struct tocsin__stream *stream)
{
    const struct tocsin__connecting *connecting = stream->busy->connecting;
    long long ms = stream->settings->open_ms;
    char address[128];

    if (stream->state == TOCSIN__STREAM_RESOLVING) {
        tocsin__reason_set(stream, "resolve %s: not resolved within %lld ms (open_ms)",
                           connecting->name, ms);
    } else if (connecting->count) {
        tocsin__address_text(&connecting->endpoints[connecting->at ? connecting->at - 1 : 0],
                             address, sizeof address);
        if (connecting->connected_us)
            tocsin__reason_set(stream, "handshake with %s: not complete within %lld ms (open_ms)",
                               address, ms);
        else
            tocsin__reason_set(stream, "connect to %s: not connected within %lld ms (open_ms)",
                               address, ms);
    } else {
        tocsin__reason_set(stream, "the file was not opened within %lld ms (open_ms)", ms);
    }
}

void tocsin__connecting_set_options(const struct tocsin__stream *stream, int fd)
{
    unsigned flags = stream->settings->flags;
    int on = 1;

    if (tocsin__stream_is(stream, TOCSIN__STREAM_UNIX))
        return;
    if (!(flags & TOCSIN_STREAM_GATHER))
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (flags & TOCSIN_STREAM_PROBE)
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

void tocsin__connecting_times(const struct tocsin__stream *stream,
                              struct tocsin_stream_connected *ret_connected)
{
    const struct tocsin__connecting *connecting = stream->busy ? stream->busy->connecting : NULL;

    if (!connecting)
        return;
    ret_connected->names_us = connecting->resolved_us - connecting->began_us;
    ret_connected->connect_us = connecting->connected_us - connecting->resolved_us;
    ret_connected->tls_us = connecting->layer ? connecting->secured_us - connecting->connected_us
                                              : 0;
}
