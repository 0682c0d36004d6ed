/* Connects a stream: resolves its host name, and tries the addresses. */
#include <stdio.h>

#include "io/layer.h"
#include "io/connect/attempts.h"
#include "io/connect/connect.h"
#include "io/stream/limits.h"
#include "io/connect/resolver.h"
#include "io/stream/medium.h"

void tocsin__connecting_free(struct tocsin__busy *busy)
{
    struct tocsin__connecting *connecting = busy->connecting;

    if (!connecting)
        return;
    busy->connecting = NULL;
    tocsin__attempts_drop(connecting);
    tocsin__resolver_drop(connecting);
    tocsin__release(connecting);
}

/* Without a medium the socket is not connected yet; a file is being opened. */
void tocsin__connecting_serve(struct tocsin__stream *stream)
{
    if (stream->state == TOCSIN__STREAM_RESOLVING)
        tocsin__resolver_serve(stream);
    else if (!tocsin__medium_of(stream))
        tocsin__attempts_serve(stream);
    else if (!tocsin__medium_is_queued(stream))
        tocsin__connecting_handshake(stream);
}

static void layer_choose(struct tocsin__stream *stream, const struct tocsin__address *address)
{
    struct tocsin__connecting *connecting = stream->busy->connecting;
    const char *host = stream->settings->host ? stream->settings->host : address->host;

    connecting->layer = address->layer             ? address->layer
                        : stream->settings->tls.id ? tocsin__layer_find("tls", 3)
                                                   : NULL;
    if (connecting->layer)
        snprintf(connecting->host, sizeof connecting->host, "%s", host);
}

/* An address is connected in the next turn, not here, so that the result is announced after
   tocsin_stream_open has returned. */
int tocsin__connect_begin(struct tocsin__stream *stream, const struct tocsin__address *address,
                          const struct tocsin__address *local)
{
    struct tocsin__connecting *connecting;
    int err = tocsin__connecting_make(stream);

    if (err == 0)
        err = tocsin__limit_set(stream, stream->settings->open_ms, tocsin__connecting_timed_out);
    if (err < 0)
        return err;
    connecting = stream->busy->connecting;
    if (local)
        connecting->local = local->endpoint;
    stream->readiness.place = TOCSIN__PLACE_CLOSED;
    layer_choose(stream, address);
    connecting->error = TOCSIN_ENAME;
    if (!address->endpoint.size)
        return tocsin__resolver_begin(stream, address);
    connecting->endpoints[0] = address->endpoint;
    connecting->count = 1;
    tocsin__stream_set_state(stream, TOCSIN__STREAM_CONNECTING);
    tocsin__stream_wake(stream);
    return 0;
}
