/* The functions that every file of this folder needs. */
#include "base/assert.h"
#include "io/stream/stream.h"
#include "op/complete.h"
#include "op/lifecycle.h"

int tocsin__stream_find(struct tocsin_op id, struct tocsin__stream **ret_stream)
{
    struct tocsin__op *op;
    int err = tocsin__op_find(id, &op);

    if (err < 0)
        return err;
    if (!tocsin__op_is_stream(op))
        return -EINVAL;
    *ret_stream = tocsin__op_state_of(op);
    return 0;
}

#define TO(state) (1u << TOCSIN__STREAM_##state)

/* The states that may follow each state; stream.h has a drawing. */
static const uint8_t states_next[] = {
    [TOCSIN__STREAM_MADE] = TO(RESOLVING) | TO(CONNECTING) | TO(OPEN) | TO(OVER),
    [TOCSIN__STREAM_RESOLVING] = TO(CONNECTING) | TO(OVER),
    [TOCSIN__STREAM_CONNECTING] = TO(OPEN) | TO(OVER),
    [TOCSIN__STREAM_OPEN] = TO(CLOSING) | TO(OVER),
    [TOCSIN__STREAM_CLOSING] = TO(OVER),
    [TOCSIN__STREAM_OVER] = 0,
};

#undef TO

void tocsin__stream_set_state(struct tocsin__stream *stream, enum tocsin__stream_state state)
{
    tocsin__assert(states_next[stream->state] & 1u << state);
    stream->state = (uint8_t)state;
}

void tocsin__stream_wake(struct tocsin__stream *stream)
{
    if (stream->state != TOCSIN__STREAM_OVER)
        tocsin__op_push_thin(tocsin__stream_op(stream), tocsin__stream_engine(stream)->io->serve);
}

void tocsin__stream_fail(struct tocsin__stream *stream, int status)
{
    if (!stream->failure)
        stream->failure = status;
    tocsin__stream_wake(stream);
}

int tocsin__stream_occupy(struct tocsin__stream *stream)
{
    struct tocsin__io *io = tocsin__stream_engine(stream)->io;
    struct tocsin__busy *busy = io->spare;

    if (stream->busy)
        return 0;
    if (busy) {
        stream->busy = busy;
        io->spare = NULL;
        return 0;
    }
    busy = tocsin__alloc(sizeof *busy);
    if (!busy)
        return -ENOMEM;
    busy->reads_last = &busy->reads;
    busy->flushes_last = &busy->flushes;
    busy->output_last = &busy->output;
    stream->busy = busy;
    return 0;
}

static bool is_at_rate(const struct tocsin__rate_wait *wait)
{
    return wait->link || wait->granted;
}

void tocsin__stream_rest(struct tocsin__stream *stream)
{
    struct tocsin__io *io = tocsin__stream_engine(stream)->io;
    struct tocsin__busy *busy = stream->busy;

    if (!busy || tocsin__stream_is(stream, TOCSIN__STREAM_TELL_DRAINED) || busy->kept.data ||
        busy->passed.fds || busy->reads || busy->flushes || busy->pipe || busy->pipes_in ||
        busy->output || busy->connecting || busy->medium || busy->limit ||
        is_at_rate(&busy->waits[TOCSIN__RATE_IN]) || is_at_rate(&busy->waits[TOCSIN__RATE_OUT]))
        return;
    stream->busy = NULL;
    if (!io || io->spare)
        tocsin__release(busy);
    else
        io->spare = busy;
}
