/* The operation type of streams, and the function that makes a stream. */
#include "io/stream/limits.h"
#include "io/stream/output.h"
#include "io/stream/reason.h"
#include "io/stream/medium.h"
#include "io/stream/stream_end.h"
#include "io/stream/stream_input.h"
#include "io/stream/stream_make.h"
#include "io/stream/stream_serve.h"
#include "loop/clock.h"
#include "op/dependent.h"
#include "registry/catalogue.h"

static int stream_cancel(struct tocsin_op op, void *state, int reason)
{
    (void)op;
    tocsin__stream_end(state, reason);
    return 0;
}

/* Called when the listeners can take progress again. */
static void stream_resume(struct tocsin_op op, void *state)
{
    (void)op;
    tocsin__stream_wake(state);
}

static void stream_drop(void *state)
{
    tocsin__reason_free(state);
}

/* Whether the stream has a notify or handlers that would be called. */
static bool stream_has_listeners(const struct tocsin__stream *stream)
{
    const struct tocsin__op *op = tocsin__stream_op(stream);

    return tocsin__op_has_notify(op) || tocsin__op_has_own_handlers(op) ||
           tocsin__input_admission(stream) != 0;
}

bool tocsin__stream_is_taken(const struct tocsin__stream *stream)
{
    return tocsin__stream_is(stream, TOCSIN__STREAM_USED) ||
           tocsin__op_has_dependents(tocsin__stream_op(stream)) || stream_has_listeners(stream);
}

/* Whether the program uses the stream in another way than by a fiber. */
static bool stream_is_used(const struct tocsin__stream *stream)
{
    const struct tocsin__busy *busy = stream->busy;

    return (busy && (busy->reads || busy->flushes || busy->pipe || busy->pipes_in)) ||
           stream_has_listeners(stream);
}

/* Closes an accepted stream when the fiber that was called for it has ended and nobody else uses
   the stream. A negative status cancels the stream. */
static void stream_unserved(void *state, int status)
{
    struct tocsin__stream *stream = state;
    struct tocsin_op id = { { tocsin__op_id(tocsin__stream_op(stream)) } };

    if (stream->state >= TOCSIN__STREAM_CLOSING || stream_is_used(stream))
        return;
    if (status < 0 || tocsin_stream_close(id) < 0)
        tocsin_cancel(id);
}

static const struct tocsin__own_type stream_type = {
    .type = { .done = &tocsin__stream_closed_spec,
              .progress = { &tocsin__stream_connected_spec, &tocsin__stream_received_spec,
                            &tocsin__stream_stalled_spec, &tocsin__stream_drained_spec },
              .state_size = sizeof(struct tocsin__stream),
              .cancel = stream_cancel,
              .resume = stream_resume,
              .drop = stream_drop,
              .flags = TOCSIN__OWN | TOCSIN__DISARMS | TOCSIN__THIN |
                       (unsigned)TOCSIN_RESOURCE_STREAMS << TOCSIN__COUNTED },
    .disarm = tocsin__stream_disarm,
    .unserved = stream_unserved,
    .payload_at = offsetof(struct tocsin__stream, closed),
};

/* Runs in a callback of libevent, so it only records what the descriptor reports, and wakes the
   stream. */
static void on_report(struct tocsin__readiness *readiness, unsigned what)
{
    struct tocsin__stream *stream = tocsin__container(readiness, struct tocsin__stream, readiness);

    /* a layer may read because it can write, and the other way round */
    if (what & (TOCSIN__READY_IN | TOCSIN__READY_OUT) && tocsin__medium_of(stream))
        what |= TOCSIN__READY_IN | TOCSIN__READY_OUT;
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
    *ret_stream = stream;
    err = tocsin__io_make(tocsin__op_engine(op));
    io = tocsin__op_engine(op)->io;
    if (err < 0)
        return err;
    io->stream_type = &stream_type.type;
    io->serve = tocsin__stream_serve;
    tocsin__ops(tocsin__op_engine(op))->lent_return = tocsin__outputs_lent_return;
    return tocsin__limit_idle_prepare(tocsin__op_engine(op), settings);
}
