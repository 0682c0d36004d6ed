/* The type of streams, and their making. */
#include "io/stream/limits.h"
#include "io/stream/output.h"
#include "io/stream/reason.h"
#include "io/stream/stream_end.h"
#include "io/stream/stream_make.h"
#include "io/stream/stream_serve.h"
#include "loop/clock.h"
#include "registry/catalogue.h"

static int stream_cancel(struct tocsin_op op, void *state, int reason)
{
    (void)op;
    tocsin__stream_end(state, reason);
    return 0;
}

/* Somebody wants progress again. */
static void stream_resume(struct tocsin_op op, void *state)
{
    (void)op;
    tocsin__stream_wake(state);
}

static void stream_drop(void *state)
{
    tocsin__reason_free(state);
}

static const struct tocsin__own_type stream_type = {
    .type = { .done = &tocsin__stream_closed_spec,
              .progress = { &tocsin__stream_connected_spec, &tocsin__stream_received_spec,
                            &tocsin__stream_stalled_spec, &tocsin__stream_drained_spec },
              .state_size = sizeof(struct tocsin__stream),
              .cancel = stream_cancel,
              .resume = stream_resume,
              .drop = stream_drop,
              .flags = TOCSIN__OWN | TOCSIN__DISARMS |
                       (unsigned)TOCSIN_RESOURCE_STREAMS << TOCSIN__COUNTED },
    .disarm = tocsin__stream_disarm,
};

/* Runs in a callback of libevent: it only records. */
static void on_report(struct tocsin__readiness *readiness, unsigned what)
{
    struct tocsin__stream *stream = tocsin__container(readiness, struct tocsin__stream, readiness);

    if (what & (TOCSIN__READY_IN | TOCSIN__READY_LEFT | TOCSIN__READY_BROKEN))
        tocsin__stream_mark(stream, TOCSIN__STREAM_READABLE);
    if (what & (TOCSIN__READY_OUT | TOCSIN__READY_BROKEN))
        tocsin__stream_mark(stream, TOCSIN__STREAM_WRITABLE);
    if (what & TOCSIN__READY_LEFT)
        tocsin__stream_mark(stream, TOCSIN__STREAM_LEFT);
    if (what & TOCSIN__READY_BROKEN)
        tocsin__stream_mark(stream, TOCSIN__STREAM_SHOCKED);
    tocsin__stream_wake(stream);
}

int tocsin__stream_make(struct tocsin__settings *settings, const struct tocsin_notify *notify,
                        struct tocsin__stream **ret_stream)
{
    struct tocsin__stream *stream;
    struct tocsin__io *io;
    struct tocsin__op *op;
    int err = tocsin__op_new(&stream_type.type, notify, &op);

    if (err < 0)
        return err;
    stream = tocsin__op_state_of(op);
    stream->closed = tocsin_stream_closed_make();
    stream->closed.total_us = tocsin__now(tocsin__op_engine(op));
    stream->settings = tocsin__settings_ref(settings);
    stream->readiness.fd = -1;
    stream->readiness.report = on_report;
    stream->node.run = tocsin__stream_serve;
    *ret_stream = stream;
    err = tocsin__io_make(tocsin__op_engine(op));
    io = tocsin__op_engine(op)->io;
    if (err < 0)
        return err;
    io->stream_type = &stream_type.type;
    tocsin__ops(tocsin__op_engine(op))->lent_return = tocsin__outputs_lent_return;
    return tocsin__limit_idle_prepare(tocsin__op_engine(op), settings);
}
