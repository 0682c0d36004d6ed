/* Hands out received data: to waiting reads, to a pipe, or to the listeners of stream.received. */
#include "base/cancel.h"
#include "io/stream/reason.h"
#include "io/stream/stream_input.h"
#include "io/stream/stream_pipe.h"
#include "io/stream/stream_read.h"
#include "io/stream/window.h"
#include "io/stream/wire.h"
#include "op/demand.h"
#include "op/pause.h"
#include "op/progress.h"

/* The most reads for one stream in one turn, of 64 KiB each. */
enum { FILLS_MOST = 4 };

enum consumer { NOBODY, A_READ, A_PIPE, LISTENERS };

int tocsin__input_admission(const struct tocsin__stream *stream)
{
    const struct tocsin__op *op = tocsin__stream_op(stream);

    if (tocsin__stream_is(stream, TOCSIN__STREAM_PULLED) || tocsin__op_notifies_progress(op))
        return tocsin__op_progress_own_admission(op, TOCSIN__STREAM_RECEIVED);
    return tocsin__op_progress_admission(op, TOCSIN__STREAM_RECEIVED);
}

static enum consumer consumer_of(struct tocsin__stream *stream)
{
    const struct tocsin__busy *busy = stream->busy;

    if (stream->state != TOCSIN__STREAM_OPEN || stream->failure)
        return NOBODY;
    if (busy && busy->reads)
        return A_READ;
    if (stream->in > TOCSIN__SIDE_ENDED)
        return NOBODY;
    if (busy && busy->pipe)
        return tocsin__pipe_room(busy->pipe) ? A_PIPE : NOBODY;
    if (tocsin__stream_is(stream, TOCSIN__STREAM_STALLED) &&
        !(stream->settings->flags & TOCSIN_STREAM_DUPLEX))
        return NOBODY;
    if (tocsin__input_admission(stream) == 1)
        return LISTENERS;
    tocsin__op_pause(tocsin__stream_op(stream));
    return NOBODY;
}

bool tocsin__input_is_wanted(struct tocsin__stream *stream)
{
    return consumer_of(stream) != NOBODY;
}

/* The rule by which the next part for this consumer is cut. */
static struct tocsin__part rule_of(const struct tocsin__stream *stream, enum consumer consumer)
{
    size_t room;

    if (consumer == A_READ)
        return stream->busy->reads->part;
    if (consumer == LISTENERS)
        return stream->settings->part;
    room = tocsin__pipe_room(stream->busy->pipe);
    return (struct tocsin__part){ .kind = TOCSIN__PART_AS_IT_COMES, .size = room };
}

/* Announces received data, the next received descriptor, or the peer's end (size 0). false: the
   listeners could not take it, so it must be announced again later. */
static bool announce(struct tocsin__stream *stream, size_t size)
{
    struct tocsin__window *window = &tocsin__stream_engine(stream)->io->window;
    struct tocsin__busy *busy = stream->busy;
    struct tocsin_stream_received received = tocsin_stream_received_make();
    int err, passed = -1;

    if (busy && busy->passed.at < busy->passed.count)
        passed = busy->passed.fds[busy->passed.at++];
    received.passed = passed;
    received.data = (struct tocsin_bytes){
        window->data ? (const void *)(window->data + window->begin) : "", size
    };
    tocsin__window_seal(window, size);
    window->begin += size;
    err = tocsin__op_progress_now(tocsin__stream_op(stream), TOCSIN__STREAM_RECEIVED,
                                  &received.tocsin);
    tocsin__window_unseal(window);
    if (err < 0 && window->stream == stream) {
        window->begin -= size;
        if (passed >= 0)
            busy->passed.at--;
        return false;
    }
    if (passed >= 0)
        tocsin__fd_close(passed);
    return true;
}

/* Announces the descriptors after the first one, each with empty data. */
static bool announce_passed(struct tocsin__stream *stream)
{
    while (stream->busy && stream->busy->passed.at < stream->busy->passed.count &&
           consumer_of(stream) == LISTENERS)
        if (!announce(stream, 0))
            return false;
    if (stream->busy && stream->busy->passed.at == stream->busy->passed.count)
        tocsin__wire_drop_passed(stream->busy);
    return true;
}

/* Gives a part to the consumer. false: the consumer could not take it, so its bytes stay in the
   window. */
static bool take(struct tocsin__stream *stream, enum consumer consumer, size_t size)
{
    struct tocsin__window *window = &tocsin__stream_engine(stream)->io->window;
    const void *data = window->data + window->begin;
    int err;

    window->scanned = 0;
    if (consumer == LISTENERS)
        return announce(stream, size) && announce_passed(stream);
    tocsin__wire_drop_passed(stream->busy);
    err = consumer == A_READ ? tocsin__read_take(stream->busy->reads, data, size)
                             : tocsin__pipe_take(stream->busy->pipe, data, size);
    if (err == 0)
        window->begin += size;
    if (err == -ENOMEM && consumer == A_READ)
        tocsin__read_end(stream->busy->reads, -ENOMEM);
    return err == 0;
}

/* Fails the read or the stream because the received data breaks the rule. */
static void reject(struct tocsin__stream *stream, enum consumer consumer,
                   const struct tocsin__part *rule, int err)
{
    char peer[112];

    if (consumer == A_READ) {
        tocsin__read_end(stream->busy->reads, err);
        return;
    }
    tocsin__reason_peer(stream, peer);
    if (err == TOCSIN_ETRUNCATED)
        tocsin__reason_set(stream, "fewer than %zu bytes, then the end, from %s", rule->size, peer);
    else
        tocsin__reason_set(stream, "more than %zu bytes %s from %s", rule->size,
                           rule->kind == TOCSIN__PART_UNTIL ? "without a delimiter" : "to the end",
                           peer);
    tocsin__stream_fail(stream, err);
}

/* Tells the consumer that the peer has ended. false: the consumer cannot take this now. */
static bool tell_end(struct tocsin__stream *stream, enum consumer consumer)
{
    if (consumer == LISTENERS && stream->settings->flags & TOCSIN_STREAM_HALF &&
        !announce(stream, 0))
        return false;
    if (stream->state != TOCSIN__STREAM_OPEN)
        return true;
    if (consumer == A_READ)
        tocsin__read_end(stream->busy->reads, 0);
    else if (consumer == A_PIPE)
        tocsin__pipe_finish(stream->busy->pipe);
    stream->in = TOCSIN__SIDE_TOLD;
    return true;
}

/* A part that reaches to the end (TOCSIN_TO_END) also tells the consumer that the peer has
   ended. */
static bool tell_taken_to_end(struct tocsin__stream *stream)
{
    if (stream->state == TOCSIN__STREAM_OPEN)
        stream->in = TOCSIN__SIDE_TOLD;
    return true;
}

static size_t unused(ssize_t most, ssize_t count)
{
    return most < 0 ? 0 : (size_t)most - (count > 0 ? (size_t)count : 0);
}

/* Reads from the descriptor into the window. false: nothing can be read now. */
static bool fill(struct tocsin__stream *stream, struct tocsin__io *io)
{
    ssize_t count, most;

    if (!tocsin__stream_is(stream, TOCSIN__STREAM_READABLE))
        return false;
    most = tocsin__rate_take(stream, TOCSIN__RATE_IN, TOCSIN__BUFFER);
    if (most == 0)
        return false; /* the stream waits for its rate */
    count = most < 0 ? most : tocsin__window_fill(io, (size_t)most);
    tocsin__rate_give_back(stream, TOCSIN__RATE_IN, unused(most, count));
    if (count == 0) {
        stream->in = TOCSIN__SIDE_ENDED;
        tocsin__stream_unmark(stream, TOCSIN__STREAM_READABLE);
    } else if (count == -ENOMEM) {
        tocsin__stream_wake(stream); /* retries in the next turn */
    } else if (count < 0 && count != -EAGAIN) {
        tocsin__reason_failed(stream, "read from", (int)count);
        tocsin__stream_fail(stream, (int)count);
    }
    return count >= 0;
}

/* Hands out one part, or reads from the descriptor. false: nothing more can be done now. */
static bool input_step(struct tocsin__stream *stream, enum consumer consumer, int *fills)
{
    struct tocsin__io *io = tocsin__stream_engine(stream)->io;
    struct tocsin__window *window = &io->window;
    struct tocsin__part rule = rule_of(stream, consumer);
    bool ended = stream->in >= TOCSIN__SIDE_ENDED;
    size_t left = tocsin__window_size(window);
    int64_t size = left ? tocsin__part_cut(&rule, window->data + window->begin, left, ended,
                                           &window->scanned)
                        : 0;

    if (size > 0)
        return take(stream, consumer, (size_t)size) &&
               (rule.kind != TOCSIN__PART_TO_END || tell_taken_to_end(stream));
    if (size < 0) {
        reject(stream, consumer, &rule, (int)size);
        return true;
    }
    if (ended)
        return tell_end(stream, consumer);
    if (*fills == FILLS_MOST)
        return false;
    ++*fills;
    return fill(stream, io);
}

void tocsin__input_serve(struct tocsin__stream *stream)
{
    struct tocsin__engine *engine = tocsin__stream_engine(stream);
    enum consumer consumer = consumer_of(stream);
    int fills = 0;

    if (consumer == NOBODY)
        return;
    tocsin__window_open(stream);
    while (consumer != NOBODY && input_step(stream, consumer, &fills)) {
        if (tocsin__inherited(engine->loop))
            return;
        if (fills && stream->in == TOCSIN__SIDE_OPEN &&
            !tocsin__stream_is(stream, TOCSIN__STREAM_READABLE) &&
            !tocsin__window_size(&engine->io->window))
            break; /* all that was read has been handed out */
        consumer = consumer_of(stream);
    }
    tocsin__window_close(engine->io);
}

void tocsin__input_discard(struct tocsin__stream *stream)
{
    struct tocsin__io *io = tocsin__stream_engine(stream)->io;
    ssize_t count = 0;

    tocsin__window_open(stream);
    if (tocsin__stream_is(stream, TOCSIN__STREAM_READABLE) && stream->in == TOCSIN__SIDE_OPEN)
        count = tocsin__window_fill(io, TOCSIN__BUFFER);
    else
        count = -EAGAIN;
    if (stream->busy)
        tocsin__wire_drop_passed(stream->busy);
    io->window.begin = io->window.end;
    if (count > 0)
        tocsin__stream_mark(stream, TOCSIN__STREAM_LINGERS);
    if (count == 0 || (count < 0 && count != -EAGAIN && count != -ENOMEM))
        stream->in = TOCSIN__SIDE_TOLD;
    tocsin__window_close(io);
}
