/* The medium of a stream with a layer. */
#include <errno.h>

#include "base/mem.h"
#include "io/connect/layered.h"
#include "io/stream/reason.h"

struct layered {
    const struct tocsin__medium *medium; /* the first member */
    const struct tocsin_layer_type *type;
    void *state;
    unsigned read_wants, write_wants; /* event for which the last call waits: TOCSIN_LAYER_… */
    unsigned shutdown_wants;          /* 0: no shutdown is waiting */
    int failed;                       /* the error of a read; 0: none */
    unsigned char ahead;              /* a byte that was received to look for the end */
    bool has_ahead;
};

static struct layered *layered_of(const struct tocsin__stream *stream)
{
    return (struct layered *)stream->busy->medium;
}

static unsigned events_of(unsigned wants)
{
    return (wants & TOCSIN_LAYER_READ ? TOCSIN__READY_IN : 0u) |
           (wants & TOCSIN_LAYER_WRITE ? TOCSIN__READY_OUT : 0u);
}

/* Stores the text of an error. */
static int64_t layered_result(struct tocsin__stream *stream, int64_t result)
{
    const struct layered *layered = layered_of(stream);

    const char *text = result < 0 && result != -EAGAIN && layered->type->reason
                           ? layered->type->reason(layered->state)
                           : NULL;

    if (text)
        tocsin__reason_set(stream, "%s", text);
    return result;
}

/* If the layer does not say for which event it waits, it waits for the direction of the call. */
static unsigned wants_or(unsigned wants, unsigned usual)
{
    wants &= TOCSIN_LAYER_READ | TOCSIN_LAYER_WRITE;
    return wants ? wants : usual;
}

static ssize_t layered_receive(struct tocsin__stream *stream, void *buffer, size_t size)
{
    struct layered *layered = layered_of(stream);
    unsigned wants = 0;
    int64_t count;

    if (layered->failed)
        return layered->failed;
    if (layered->has_ahead) {
        layered->has_ahead = false;
        *(unsigned char *)buffer = layered->ahead;
        return 1;
    }
    count = layered->type->read(layered->state, buffer, size, &wants);
    layered->read_wants = wants_or(wants, TOCSIN_LAYER_READ);
    if (count < 0 && count != -EAGAIN)
        layered->failed = (int)count; /* a layer need not return the error twice */
    return (ssize_t)layered_result(stream, count);
}

static ssize_t layered_send(struct tocsin__stream *stream, const struct iovec *pieces, int count)
{
    struct layered *layered = layered_of(stream);
    ssize_t total = 0;

    for (int i = 0; i < count; i++) {
        unsigned wants = 0;
        int64_t sent = layered->type->write(layered->state, pieces[i].iov_base, pieces[i].iov_len,
                                            &wants);

        layered->write_wants = wants_or(wants, TOCSIN_LAYER_WRITE);
        if (sent < 0)
            return total ? total : (ssize_t)layered_result(stream, sent);
        total += (ssize_t)sent;
        if ((size_t)sent < pieces[i].iov_len)
            break;
    }
    return total;
}

static int layered_peek(struct tocsin__stream *stream)
{
    struct layered *layered = layered_of(stream);
    ssize_t count = layered->has_ahead ? 1 : layered_receive(stream, &layered->ahead, 1);

    layered->has_ahead = count == 1;
    return (int)count;
}

static int layered_finish(struct tocsin__stream *stream)
{
    struct layered *layered = layered_of(stream);
    unsigned wants = 0;
    int err = layered->type->shutdown(layered->state, &wants);

    layered->shutdown_wants = err == -EAGAIN ? wants_or(wants, TOCSIN_LAYER_WRITE) : 0;
    return err;
}

static unsigned layered_want(struct tocsin__stream *stream, unsigned wanted)
{
    const struct layered *layered = layered_of(stream);

    return (wanted & TOCSIN__READY_IN ? events_of(layered->read_wants) : 0u) |
           (wanted & TOCSIN__READY_OUT ? events_of(layered->write_wants) : 0u) |
           events_of(layered->shutdown_wants);
}

static void layered_describe(const struct tocsin__stream *stream, struct tocsin_stream_facts *facts)
{
    const struct layered *layered = layered_of(stream);

    if (layered->type->get)
        layered->type->get(layered->state, facts);
}

static void layered_close(struct tocsin__stream *stream)
{
    struct layered *layered = layered_of(stream);

    stream->busy->medium = NULL;
    layered->type->free(layered->state);
    tocsin__release(layered);
}

static const struct tocsin__medium layered_medium = {
    .receive = layered_receive,
    .send = layered_send,
    .peek = layered_peek,
    .finish = layered_finish,
    .want = layered_want,
    .describe = layered_describe,
    .close = layered_close,
};

int tocsin__layered_begin(struct tocsin__stream *stream, const struct tocsin_layer_type *type,
                          const char *host)
{
    struct layered *layered = tocsin__stream_occupy(stream) == 0 ? tocsin__alloc(sizeof *layered)
                                                                 : NULL;
    int err;

    if (!layered)
        return -ENOMEM;
    layered->medium = &layered_medium;
    layered->type = type;
    layered->read_wants = TOCSIN_LAYER_READ;
    layered->write_wants = TOCSIN_LAYER_WRITE;
    err = type->open(stream->settings->tls.id, host, stream->readiness.fd, &layered->state);
    if (err < 0) {
        tocsin__release(layered);
        return err;
    }
    stream->busy->medium = &layered->medium;
    return 0;
}

int tocsin__layered_handshake(struct tocsin__stream *stream)
{
    struct layered *layered = layered_of(stream);
    unsigned wants = 0;
    int err = layered->type->handshake(layered->state, &wants);

    if (err == -EAGAIN && tocsin__readiness_want(tocsin__stream_engine(stream), &stream->readiness,
                                                 events_of(wants_or(wants, TOCSIN_LAYER_READ))) < 0)
        return -ENOMEM;
    return (int)layered_result(stream, err);
}
