/* The sentence of stream.closed. A reason that is not empty is allocated. */
#define _GNU_SOURCE /* strerrordesc_np */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "io/names.h"
#include "io/stream/reason.h"

void tocsin__reason_set(struct tocsin__stream *stream, const char *format, ...)
{
    char text[512];
    va_list values;

    if (stream->failure || stream->closed.reason)
        return;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    stream->closed.reason = tocsin__copy_text(text);
}

const char *tocsin__reason_text(int err)
{
    const char *text = strerrordesc_np(-err);

    return text ? text : tocsin_strerror(err);
}

const char *tocsin__reason_peer(const struct tocsin__stream *stream, char buffer[112])
{
    struct tocsin_stream_facts facts;

    tocsin__names_get(stream->readiness.fd, &facts);
    if (*facts.peer && strcmp(facts.peer, "unix:") != 0)
        strcpy(buffer, facts.peer);
    else
        strcpy(buffer, strncmp(facts.local, "fd:", 3) == 0 ? facts.local : "the peer");
    return buffer;
}

void tocsin__reason_failed(struct tocsin__stream *stream, const char *what, int err)
{
    char peer[112];

    if (!stream->failure && !stream->closed.reason)
        tocsin__reason_set(stream, "%s %s: %s", what, tocsin__reason_peer(stream, peer),
                           tocsin__reason_text(err));
}

void tocsin__reason_free(struct tocsin__stream *stream)
{
    if (stream->closed.reason && *stream->closed.reason)
        tocsin__release((char *)stream->closed.reason);
    stream->closed.reason = NULL;
}
