/* Flushes of a stream. */
#include "base/refusal.h"
#include "io/stream/stream_flush.h"
#include "op/complete.h"
#include "registry/catalogue.h"

static void flush_disarm(void *state)
{
    struct tocsin__flush *flush = state;

    if (!flush->stream)
        return;
    *flush->link = flush->next;
    if (flush->next)
        flush->next->link = flush->link;
    else
        flush->stream->busy->flushes_last = flush->link;
    flush->stream = NULL;
}

static void flush_end(struct tocsin__flush *flush, int status)
{
    flush_disarm(flush);
    tocsin__op_complete(tocsin__op_of_state(flush), status, &flush->flushed.tocsin);
}

void tocsin__flushes_serve(struct tocsin__stream *stream)
{
    while (stream->busy && stream->busy->flushes &&
           stream->busy->flushes->until <= stream->closed.sent_bytes) {
        stream->busy->flushes->flushed.sent_bytes = stream->closed.sent_bytes;
        flush_end(stream->busy->flushes, 0);
    }
}

/* After an end without an error, data that was not sent was given up. */
void tocsin__flushes_end(struct tocsin__stream *stream, int status)
{
    while (stream->busy && stream->busy->flushes)
        flush_end(stream->busy->flushes, status < 0 ? status : -EPIPE);
}

static int flush_cancel(struct tocsin_op op, void *state, int reason)
{
    (void)op;
    flush_end(state, reason);
    return 0;
}

static const struct tocsin__own_type flush_type = {
    .type = { .done = &tocsin__stream_flushed_spec,
              .state_size = sizeof(struct tocsin__flush),
              .cancel = flush_cancel,
              .flags = TOCSIN__OWN | TOCSIN__DISARMS },
    .disarm = flush_disarm,
};

static void flush_link(struct tocsin__flush *flush, struct tocsin__stream *stream)
{
    struct tocsin__busy *busy = stream->busy;

    flush->stream = stream;
    flush->link = busy->flushes_last;
    *busy->flushes_last = flush;
    busy->flushes_last = &flush->next;
    tocsin__stream_mark(stream, TOCSIN__STREAM_USED);
    tocsin__stream_wake(stream);
}

static int flush_begin(struct tocsin__flush *flush, struct tocsin__stream *stream)
{
    flush->flushed = tocsin_stream_flushed_make();
    flush->until = stream->closed.sent_bytes + tocsin__stream_waiting(stream);
    if (stream->state == TOCSIN__STREAM_OVER)
        flush_end(flush, stream->failure);
    else if (stream->out == TOCSIN__SIDE_BROKEN)
        flush_end(flush, stream->out_error); /* a write has failed, perhaps unseen by its caller */
    else if (tocsin__stream_occupy(stream) < 0)
        return -ENOMEM;
    else
        flush_link(flush, stream);
    return 0;
}

int tocsin_stream_flush(struct tocsin_op id, const struct tocsin_notify *notify,
                        struct tocsin_op *ret_flush)
{
    struct tocsin__stream *stream;
    struct tocsin__op *op;
    int err = tocsin__stream_find(id, &stream);

    if (err == 0)
        err = tocsin__op_new(&flush_type.type, notify, &op);
    if (err < 0)
        return tocsin__traced(tocsin__op_failed(err, ret_flush));
    err = flush_begin(tocsin__op_state_of(op), stream);
    return tocsin__traced(tocsin__op_started(op, err, ret_flush));
}
