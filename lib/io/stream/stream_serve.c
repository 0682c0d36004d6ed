/* Serves streams. The loop serves a stream from its ready list: in a turn, and with no handler on
   the stack. All other code (a callback of libevent, a call of the program) only records what has
   happened and wakes the stream. */
#include "io/connect/connect.h"
#include "io/connect/connecting.h"
#include "io/names.h"
#include "io/stream/medium.h"
#include "io/stream/output.h"
#include "io/stream/reason.h"
#include "io/stream/stream_end.h"
#include "io/stream/stream_flush.h"
#include "io/stream/stream_input.h"
#include "io/stream/stream_pipe.h"
#include "io/stream/stream_serve.h"
#include "io/stream/wire.h"
#include "op/demand.h"
#include "op/dependent.h"
#include "op/pause.h"
#include "op/progress.h"

static bool is_alive(const struct tocsin__stream *stream)
{
    return !tocsin__inherited(tocsin__stream_engine(stream)->loop) &&
           stream->state != TOCSIN__STREAM_OVER;
}

/* Announcements */

/* Announces progress if it has listeners. false: the listeners cannot take it now, and it must be
   announced later. */
static bool tell(struct tocsin__stream *stream, enum tocsin__stream_progress which,
                 const struct tocsin_payload *payload)
{
    struct tocsin__op *op = tocsin__stream_op(stream);
    int wanted = tocsin__op_progress_admission(op, which);

    if (wanted == 1)
        wanted = tocsin__op_progress_now(op, which, payload);
    else if (wanted < 0)
        tocsin__op_pause(op);
    return wanted >= 0;
}

/* The names of peer and local address are looked up only if stream.connected has listeners. */
static void tell_connected(struct tocsin__stream *stream)
{
    struct tocsin_stream_connected connected = tocsin_stream_connected_make();
    struct tocsin_stream_facts facts;
    bool is_told = true;

    if (tocsin__op_progress_admission(tocsin__stream_op(stream), TOCSIN__STREAM_CONNECTED) != 0) {
        tocsin__names_get(stream->readiness.fd, &facts);
        tocsin__wire_describe(stream, &facts);
        connected.peer = facts.peer;
        connected.local = facts.local;
        connected.protocol = facts.protocol;
        tocsin__connecting_times(stream, &connected);
        is_told = tell(stream, TOCSIN__STREAM_CONNECTED, &connected.tocsin);
    }
    if (!is_told || stream->state == TOCSIN__STREAM_OVER)
        return;
    tocsin__stream_unmark(stream, TOCSIN__STREAM_TELL_CONNECTED);
    if (stream->busy)
        tocsin__connecting_free(stream->busy);
}

static void tell_stalled(struct tocsin__stream *stream)
{
    struct tocsin_stream_stalled stalled = tocsin_stream_stalled_make();

    stalled.waiting_bytes = tocsin__stream_waiting(stream);
    tocsin__stream_unmark(stream, TOCSIN__STREAM_TELL_STALLED);
    if (!tell(stream, TOCSIN__STREAM_IS_STALLED, &stalled.tocsin))
        tocsin__stream_mark(stream, TOCSIN__STREAM_TELL_STALLED);
}

static void tell_drained(struct tocsin__stream *stream)
{
    struct tocsin_stream_drained drained = tocsin_stream_drained_make();

    drained.waiting_bytes = tocsin__stream_waiting(stream);
    drained.stalled_us = stream->busy ? stream->busy->stalled_us : 0;
    tocsin__stream_unmark(stream, TOCSIN__STREAM_TELL_DRAINED);
    if (!tell(stream, TOCSIN__STREAM_IS_DRAINED, &drained.tocsin))
        tocsin__stream_mark(stream, TOCSIN__STREAM_TELL_DRAINED);
}

static void serve_announcements(struct tocsin__stream *stream)
{
    if (is_alive(stream) && tocsin__stream_is(stream, TOCSIN__STREAM_TELL_CONNECTED))
        tell_connected(stream);
    if (is_alive(stream) && tocsin__stream_is(stream, TOCSIN__STREAM_TELL_STALLED))
        tell_stalled(stream);
    if (is_alive(stream) && tocsin__stream_is(stream, TOCSIN__STREAM_TELL_DRAINED))
        tell_drained(stream);
}

/* Output */

static void serve_output(struct tocsin__stream *stream)
{
    uint64_t before = stream->closed.sent_bytes;
    int err;

    if (tocsin__stream_waiting(stream) && tocsin__stream_is(stream, TOCSIN__STREAM_WRITABLE))
        tocsin__output_send(stream);
    if (stream->state == TOCSIN__STREAM_OVER)
        return;
    tocsin__flushes_serve(stream);
    if (stream->closed.sent_bytes != before)
        tocsin__pipes_wake(stream);
    if (stream->out == TOCSIN__SIDE_SHUTTING && !tocsin__stream_waiting(stream)) {
        err = tocsin__wire_shutdown(stream);
        if (err == 0) {
            stream->out = TOCSIN__SIDE_SHUT;
            tocsin__pipes_in_finished(stream);
        } else if (err != -EAGAIN) {
            tocsin__output_break(stream, err);
        }
    }
}

static void stream_fail_by_peer(struct tocsin__stream *stream, int err)
{
    tocsin__reason_failed(stream, "connection to", err);
    tocsin__stream_fail(stream, err);
}

/* Fails the stream if the peer has reset the connection after its end was announced. If the end has
   not been read yet, the reset is reported later, by a read. */
static void serve_late_reset(struct tocsin__stream *stream)
{
    int err = stream->in == TOCSIN__SIDE_TOLD && tocsin__stream_is(stream, TOCSIN__STREAM_SHOCKED)
                  ? tocsin__wire_take_error(stream)
                  : 0;

    if (err < 0)
        stream_fail_by_peer(stream, err);
}

/* Whether the peer's end must wait until the program reads it. It must if the program has read the
   stream before, if a fiber serves the stream, or if the program has opened the stream and has no
   notify or handler that would be called. */
static bool end_waits(const struct tocsin__stream *stream)
{
    if (stream->settings->flags & TOCSIN_STREAM_HALF && tocsin__input_admission(stream) != 0)
        return true; /* the end must be announced later */
    return tocsin__stream_is(stream, TOCSIN__STREAM_PULLED) ||
           tocsin__op_has_dependents(tocsin__stream_op(stream)) ||
           !(tocsin__stream_is(stream, TOCSIN__STREAM_ACCEPTED) ||
             tocsin__op_has_notify(tocsin__stream_op(stream)) ||
             tocsin__op_has_own_handlers(tocsin__stream_op(stream)));
}

/* Handles a peer that has ended, or an error of the descriptor, while nobody reads the stream. If
   there is unread data, the stream stays open until somebody reads it. */
static void serve_departure(struct tocsin__stream *stream)
{
    int seen;

    if (!tocsin__stream_is(stream, TOCSIN__STREAM_LEFT | TOCSIN__STREAM_SHOCKED))
        return;
    if (stream->in == TOCSIN__SIDE_NONE) {
        if (tocsin__stream_is(stream, TOCSIN__STREAM_SHOCKED))
            stream_fail_by_peer(stream, tocsin__wire_error(stream));
        return;
    }
    serve_late_reset(stream);
    if (stream->in != TOCSIN__SIDE_OPEN || (stream->busy && stream->busy->kept.data) ||
        tocsin__input_is_wanted(stream))
        return;
    seen = tocsin__wire_peek(stream);
    if (seen < 0 && seen != -EAGAIN && tocsin__medium_of(stream) && end_waits(stream))
        tocsin__stream_mark(stream, TOCSIN__STREAM_READABLE); /* a read gets the error */
    else if (seen == 0)
        stream->in = TOCSIN__SIDE_ENDED;
    else if (seen == -EAGAIN && !tocsin__stream_is(stream, TOCSIN__STREAM_SHOCKED))
        tocsin__stream_unmark(stream, TOCSIN__STREAM_LEFT);
    else if (seen < 0)
        stream_fail_by_peer(stream, seen == -EAGAIN ? tocsin__wire_error(stream) : seen);
}

/* The end */

static bool both_have_ended(const struct tocsin__stream *stream)
{
    bool in = stream->in == TOCSIN__SIDE_TOLD || stream->in == TOCSIN__SIDE_NONE,
         out = stream->out == TOCSIN__SIDE_SHUT || stream->out == TOCSIN__SIDE_NONE;

    if (in && out)
        return true;
    return stream->in == TOCSIN__SIDE_TOLD && !(stream->settings->flags & TOCSIN_STREAM_HALF) &&
           !(stream->busy && stream->busy->pipes_in) && !tocsin__stream_waiting(stream);
}

static void stream_end_broken(struct tocsin__stream *stream)
{
    tocsin__reason_failed(stream, "write to", stream->out_error);
    tocsin__stream_end(stream, stream->out_error);
}

/* Ends the stream when its medium has nothing to do any more. */
static void end_well(struct tocsin__stream *stream)
{
    int err = tocsin__wire_finish(stream);

    if (err != -EAGAIN)
        tocsin__stream_end(stream, err);
}

static void serve_end(struct tocsin__stream *stream)
{
    bool has_kept = stream->busy && stream->busy->kept.data,
         is_read = tocsin__stream_is(stream, TOCSIN__STREAM_READABLE) &&
                   stream->in == TOCSIN__SIDE_OPEN && tocsin__input_is_wanted(stream);

    if (stream->in == TOCSIN__SIDE_ENDED && !has_kept && !end_waits(stream) &&
        !tocsin__input_is_wanted(stream))
        stream->in = TOCSIN__SIDE_TOLD;
    if (stream->failure)
        tocsin__stream_end(stream, stream->failure);
    else if (stream->out == TOCSIN__SIDE_BROKEN && !is_read)
        stream_end_broken(stream);
    else if (stream->state == TOCSIN__STREAM_OPEN && both_have_ended(stream))
        end_well(stream);
}

/* If the peer still sends, closing would reset the connection, and the peer could lose the last
   data. So only the outgoing side is ended, until the peer has ended its side (RFC 9112 section
   9.6). */
static bool closing_lingers(struct tocsin__stream *stream)
{
    if (!tocsin__stream_is(stream, TOCSIN__STREAM_LINGERS) || stream->in != TOCSIN__SIDE_OPEN ||
        !tocsin__stream_is(stream, TOCSIN__STREAM_SOCKET))
        return false;
    if (stream->out != TOCSIN__SIDE_SHUT)
        tocsin__wire_shutdown(stream);
    stream->out = TOCSIN__SIDE_SHUT;
    return true;
}

/* Reads and drops input, since closing a socket with unread input would reset the connection. */
static void serve_closing(struct tocsin__stream *stream)
{
    if (!tocsin__medium_is_queued(stream))
        tocsin__input_discard(stream);
    if (stream->out == TOCSIN__SIDE_BROKEN)
        stream_end_broken(stream);
    else if (stream->failure)
        tocsin__stream_end(stream, stream->failure);
    else if (!tocsin__stream_waiting(stream) && !closing_lingers(stream))
        end_well(stream);
}

/* What the stream waits for */

static unsigned wanted_of(struct tocsin__stream *stream)
{
    bool reads = stream->in == TOCSIN__SIDE_OPEN &&
                 (stream->state == TOCSIN__STREAM_CLOSING
                      ? !tocsin__medium_is_queued(stream)
                      : tocsin__input_is_wanted(stream) &&
                            !tocsin__rate_waits(stream, TOCSIN__RATE_IN)),
         writes = tocsin__stream_waiting(stream) > 0 &&
                  !tocsin__rate_waits(stream, TOCSIN__RATE_OUT);
    const struct tocsin__medium *medium = tocsin__medium_of(stream);
    unsigned wanted = (reads ? TOCSIN__READY_IN : 0u) | (writes ? TOCSIN__READY_OUT : 0u);

    if (medium)
        wanted = medium->want(stream, wanted);
    if ((reads && tocsin__stream_is(stream, TOCSIN__STREAM_READABLE)) ||
        (writes && tocsin__stream_is(stream, TOCSIN__STREAM_WRITABLE)))
        tocsin__stream_wake(stream);
    return wanted;
}

/* Whether the stream knows the peer's end. The kernel would report this end again and again, so
   such a stream waits for errors only. */
static bool end_is_known(const struct tocsin__stream *stream)
{
    return tocsin__stream_is(stream, TOCSIN__STREAM_LEFT) ||
           (stream->in != TOCSIN__SIDE_OPEN && stream->in != TOCSIN__SIDE_NONE);
}

/* Tells the loop what the stream waits for. A stream that is not read right now keeps its event
   until input comes, since the program often reads again a moment later. */
static void arm(struct tocsin__stream *stream)
{
    struct tocsin__engine *engine = tocsin__stream_engine(stream);
    struct tocsin__readiness *readiness = &stream->readiness;
    unsigned wanted = wanted_of(stream);
    int err = 0;

    if (!wanted && readiness->place == TOCSIN__PLACE_ACTIVE && stream->in == TOCSIN__SIDE_OPEN &&
        !tocsin__stream_is(stream, TOCSIN__STREAM_READABLE))
        wanted = TOCSIN__READY_IN;
    if (!wanted && tocsin__stream_is(stream, TOCSIN__STREAM_SHOCKED))
        tocsin__readiness_mute(engine, readiness);
    else
        err = tocsin__readiness_want(engine, readiness,
                                     wanted | (end_is_known(stream) ? TOCSIN__READY_BROKEN : 0u));
    if (err < 0)
        tocsin__stream_fail(stream, err);
}

static void serve_open(struct tocsin__stream *stream)
{
    serve_announcements(stream);
    if (is_alive(stream))
        serve_output(stream);
    if (!is_alive(stream))
        return;
    if (stream->state == TOCSIN__STREAM_CLOSING) {
        serve_closing(stream);
        return;
    }
    tocsin__input_serve(stream);
    if (!is_alive(stream) || stream->state == TOCSIN__STREAM_CLOSING)
        return;
    serve_departure(stream);
    if (stream->out == TOCSIN__SIDE_SHUTTING && !tocsin__stream_waiting(stream))
        serve_output(stream);
    serve_end(stream);
}

void tocsin__stream_serve(struct tocsin__node *node)
{
    struct tocsin__op *op = tocsin__container(node, struct tocsin__op, run.end_node);
    struct tocsin__stream *stream = tocsin__op_state_of(op);
    bool was_open = stream->state != TOCSIN__STREAM_CLOSING;

    tocsin__op_unready(op);
    if (!is_alive(stream) || tocsin__stream_engine(stream)->loop->life.thread_ended)
        return;
    if (stream->failure) {
        tocsin__stream_end(stream, stream->failure);
        return;
    }
    if (stream->state == TOCSIN__STREAM_RESOLVING || stream->state == TOCSIN__STREAM_CONNECTING)
        tocsin__connecting_serve(stream);
    if (stream->state != TOCSIN__STREAM_OPEN && stream->state != TOCSIN__STREAM_CLOSING)
        return;
    serve_open(stream);
    if (!is_alive(stream))
        return;
    if (was_open && stream->state == TOCSIN__STREAM_CLOSING && !tocsin__stream_waiting(stream) &&
        !tocsin__stream_is(stream, TOCSIN__STREAM_LINGERS))
        tocsin__stream_wake(stream);
    arm(stream);
    tocsin__stream_rest(stream);
}
