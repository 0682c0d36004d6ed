/* The data that a stream sends: sending and queueing. */
#include <string.h>

#include "base/assert.h"
#include "base/refusal.h"
#include "delivery/owner_here.h"
#include "io/drops.h"
#include "io/stream/chunk.h"
#include "io/stream/limits.h"
#include "io/stream/medium.h"
#include "io/stream/output.h"
#include "io/stream/wire.h"
#include "loop/clock.h"

enum {
    PIECES_MOST = 64,   /* the most pieces in one call of sendmsg or writev */
    SENT_MOST = 1 << 18 /* the most bytes that one turn sends for one stream */
};

/* Counts bytes that wait, for the stream and for its owner, which may have changed meanwhile. */
static void waiting_change(struct tocsin__stream *stream, size_t change)
{
    struct tocsin__busy *busy = stream->busy;
    struct tocsin__owner *owner = tocsin__op_owner(tocsin__stream_op(stream));

    if (busy->waiting_bytes)
        tocsin__owner_uncharge(busy->waiting_owner, TOCSIN_RESOURCE_WAITING_BYTES,
                               busy->waiting_bytes);
    busy->waiting_bytes += change;
    busy->waiting_owner = owner;
    if (busy->waiting_bytes)
        tocsin__owner_charge_force(owner, TOCSIN_RESOURCE_WAITING_BYTES, busy->waiting_bytes);
}

void tocsin__output_drop(struct tocsin__stream *stream)
{
    struct tocsin__io *io = tocsin__stream_engine(stream)->io;
    struct tocsin__busy *busy = stream->busy;
    struct tocsin__chunk *chunk;

    waiting_change(stream, -busy->waiting_bytes);
    while ((chunk = busy->output)) {
        busy->output = chunk->next;
        tocsin__chunk_free(io, chunk);
    }
    busy->output_last = &busy->output;
}

/* The announcements */

static void output_note_stalled(struct tocsin__stream *stream)
{
    if (tocsin__stream_is(stream, TOCSIN__STREAM_STALLED) ||
        tocsin__stream_waiting(stream) <= stream->settings->high_bytes)
        return;
    tocsin__stream_unmark(stream, TOCSIN__STREAM_TELL_DRAINED);
    tocsin__stream_mark(stream, TOCSIN__STREAM_STALLED | TOCSIN__STREAM_TELL_STALLED);
    stream->busy->stalled_us = tocsin__now(tocsin__stream_engine(stream));
    tocsin__stream_wake(stream);
}

/* A write has returned 1, so stream.drained follows, also if stream.stalled was not announced yet.
 */
static void output_note_drained(struct tocsin__stream *stream)
{
    size_t waiting = tocsin__stream_waiting(stream);

    if (!tocsin__stream_is(stream, TOCSIN__STREAM_STALLED) ||
        (waiting && waiting >= stream->settings->low_bytes))
        return;
    tocsin__stream_unmark(stream, TOCSIN__STREAM_STALLED);
    if (stream->busy)
        stream->busy->stalled_us = tocsin__now(tocsin__stream_engine(stream)) -
                                   stream->busy->stalled_us;
    tocsin__stream_unmark(stream, TOCSIN__STREAM_TELL_STALLED);
    tocsin__stream_mark(stream, TOCSIN__STREAM_TELL_DRAINED);
    tocsin__stream_wake(stream);
}

void tocsin__output_limits_changed(struct tocsin__stream *stream)
{
    output_note_drained(stream);
    output_note_stalled(stream);
}

/* Sending */

/* Removes sent bytes from the queue. A drop may write to the stream, behind the queue. */
static void output_advance(struct tocsin__stream *stream, size_t sent)
{
    struct tocsin__busy *busy = stream->busy;
    struct tocsin__chunk *chunk;

    tocsin__assert(sent <= busy->waiting_bytes);
    waiting_change(stream, -sent);
    stream->closed.sent_bytes += sent;
    tocsin__limit_idle_refresh(stream);
    tocsin__fds_close(busy->output->fds, busy->output->fds_count);
    busy->output->fds = NULL;
    busy->output->fds_count = 0;
    while ((chunk = busy->output)) {
        tocsin__chunk_advance(chunk, &sent);
        if (chunk->at < chunk->count)
            break;
        busy->output = chunk->next;
        if (!busy->output)
            busy->output_last = &busy->output;
        tocsin__chunk_free(tocsin__stream_engine(stream)->io, chunk);
        if (!sent)
            break;
    }
}

/* Collects the pieces for the next system call, up to the next chunk that has descriptors to pass,
   since a call passes descriptors with its first byte only. */
static int output_gather(const struct tocsin__busy *busy, struct iovec *pieces)
{
    int count = 0;

    for (const struct tocsin__chunk *chunk = busy->output; chunk; chunk = chunk->next) {
        if (chunk != busy->output && chunk->fds)
            break;
        for (uint32_t i = chunk->at; i < chunk->count && count < PIECES_MOST; i++)
            pieces[count++] = chunk->pieces[i];
    }
    return count;
}

int tocsin__output_break(struct tocsin__stream *stream, int err)
{
    stream->out = TOCSIN__SIDE_BROKEN;
    stream->out_error = err;
    tocsin__stream_mark(stream, TOCSIN__STREAM_READABLE); /* the peer may have sent the reason */
    if (stream->busy)
        tocsin__output_drop(stream);
    tocsin__stream_wake(stream);
    return err;
}

/* Cuts the pieces to `most` bytes. Returns their number. */
static int pieces_cut(struct iovec *pieces, int count, size_t most)
{
    for (int i = 0; i < count; i++) {
        if (pieces[i].iov_len >= most) {
            pieces[i].iov_len = most;
            return i + 1;
        }
        most -= pieces[i].iov_len;
    }
    return count;
}

static size_t pieces_size(const struct iovec *pieces, int count)
{
    size_t size = 0;

    for (int i = 0; i < count; i++)
        size += pieces[i].iov_len;
    return size;
}

/* Sends as much as the rate and the kernel accept. 0: the stream must wait for its rate, or there
   is no memory to do so; -EAGAIN: the kernel accepts nothing; another -errno. */
static ssize_t send_at_rate(struct tocsin__stream *stream, struct iovec *pieces, int count,
                            const int *fds, uint32_t fds_count)
{
    size_t size = pieces_size(pieces, count);
    ssize_t most = tocsin__rate_take(stream, TOCSIN__RATE_OUT, size), sent;

    if (most <= 0)
        return 0;
    count = pieces_cut(pieces, count, (size_t)most);
    sent = tocsin__wire_send(stream, pieces, count, fds, fds_count);
    if (sent < most)
        tocsin__stream_unmark(stream, TOCSIN__STREAM_WRITABLE);
    tocsin__rate_give_back(stream, TOCSIN__RATE_OUT, (size_t)most - (sent > 0 ? (size_t)sent : 0));
    return sent;
}

int tocsin__output_send(struct tocsin__stream *stream)
{
    struct iovec pieces[PIECES_MOST];
    size_t total = 0;
    ssize_t sent;

    while (stream->busy && stream->busy->output && stream->state != TOCSIN__STREAM_OVER &&
           total < SENT_MOST) {
        const struct tocsin__chunk *first = stream->busy->output;
        int count = output_gather(stream->busy, pieces);

        sent = send_at_rate(stream, pieces, count, first->fds, first->fds_count);
        if (sent == 0 || sent == -EAGAIN)
            break;
        if (sent < 0)
            return tocsin__output_break(stream, (int)sent);
        output_advance(stream, (size_t)sent);
        total += (size_t)sent;
    }
    output_note_drained(stream);
    return 0;
}

/* Queueing */

static size_t outgoing_size(const struct tocsin_outgoing *outgoing)
{
    size_t size = 0;

    for (size_t i = 0; i < outgoing->count; i++)
        size += outgoing->parts[i].size;
    return size;
}

/* Stores the pieces of `outgoing` that remain after the first `sent` bytes. Returns their
   number. */
static uint32_t pieces_left(const struct tocsin_outgoing *outgoing, size_t sent,
                            struct iovec *pieces, size_t most)
{
    uint32_t count = 0;

    for (size_t i = 0; i < outgoing->count && count < most; i++) {
        size_t size = outgoing->parts[i].size, skip = sent < size ? sent : size;

        sent -= skip;
        if (size > skip)
            pieces[count++] = (struct iovec){ (char *)outgoing->parts[i].data + skip, size - skip };
    }
    return count;
}

static bool chunk_append(struct tocsin__busy *busy, const struct tocsin_outgoing *outgoing,
                         size_t sent, size_t size)
{
    struct tocsin__chunk *chunk =
        busy->output ? tocsin__container(busy->output_last, struct tocsin__chunk, next) : NULL;
    struct iovec *piece;

    if (!chunk || outgoing->drop || outgoing->fds_count || chunk->room < size)
        return false;
    piece = &chunk->pieces[0];
    for (size_t i = 0; i < outgoing->count; i++) {
        size_t skip = sent < outgoing->parts[i].size ? sent : outgoing->parts[i].size;

        sent -= skip;
        if (outgoing->parts[i].size == skip)
            continue;
        memcpy((char *)piece->iov_base + piece->iov_len,
               (const char *)outgoing->parts[i].data + skip, outgoing->parts[i].size - skip);
        piece->iov_len += outgoing->parts[i].size - skip;
    }
    chunk->room -= size;
    return true;
}

/* Queues the data after the first `sent` bytes. -ENOMEM: nothing was queued */
static int output_queue(struct tocsin__stream *stream, const struct tocsin_outgoing *outgoing,
                        size_t sent, size_t size, int *fds)
{
    struct tocsin__busy *busy = stream->busy;
    struct tocsin__chunk *chunk = NULL, **last = busy ? busy->output_last : NULL;

    if (!busy || !chunk_append(busy, outgoing, sent, size)) {
        chunk = tocsin__stream_occupy(stream) == 0 ? tocsin__chunk_new(outgoing, size) : NULL;
        if (!chunk)
            return -ENOMEM;
        busy = stream->busy;
        last = busy->output_last;
        *last = chunk;
        busy->output_last = &chunk->next;
        if (outgoing->drop)
            chunk->count = pieces_left(outgoing, sent, chunk->pieces, outgoing->count);
        else
            chunk_append(
                busy,
                &(struct tocsin_outgoing){ .parts = outgoing->parts, .count = outgoing->count },
                sent, size);
        tocsin__chunk_lend(chunk, outgoing);
        chunk->fds = fds;
        chunk->fds_count = fds ? (uint32_t)outgoing->fds_count : 0;
    }
    waiting_change(stream, size);
    output_note_stalled(stream);
    return 0;
}

/* Data that could be sent at once counts, too, since it is not known yet whether the kernel accepts
   it. */
static int owner_check(const struct tocsin__stream *stream, size_t size)
{
    struct tocsin__owner *owner = tocsin__op_owner(tocsin__stream_op(stream));
    uint64_t limit = tocsin__owner_limit_of(owner, TOCSIN_RESOURCE_WAITING_BYTES);
    int err;

    if (tocsin__likely(limit == UINT64_MAX))
        return 0;
    err = tocsin__owner_charge(owner, TOCSIN_RESOURCE_WAITING_BYTES, size);
    if (err == 0)
        tocsin__owner_uncharge(owner, TOCSIN_RESOURCE_WAITING_BYTES, size);
    else if (err == -EDQUOT)
        tocsin__owner_emit_limited(owner, TOCSIN_RESOURCE_WAITING_BYTES);
    return err == -EDQUOT ? err : 0; /* an owner that is being unloaded may still write */
}

static int output_check(const struct tocsin__stream *stream, size_t size)
{
    size_t waiting = tocsin__stream_waiting(stream);

    if (stream->out != TOCSIN__SIDE_OPEN || stream->state >= TOCSIN__STREAM_CLOSING ||
        stream->failure)
        return -EPIPE;
    if (waiting &&
        (size > stream->settings->limit_bytes || waiting > stream->settings->limit_bytes - size))
        return -EAGAIN;
    return owner_check(stream, size);
}

/* Sends at once if no data is queued. Returns the number of sent bytes, or -errno. */
static ssize_t output_try(struct tocsin__stream *stream, const struct tocsin_outgoing *outgoing)
{
    struct iovec pieces[PIECES_MOST];
    ssize_t sent;

    if (stream->state != TOCSIN__STREAM_OPEN || tocsin__stream_waiting(stream) ||
        tocsin__medium_is_queued(stream))
        return 0;
    sent = send_at_rate(stream, pieces, (int)pieces_left(outgoing, 0, pieces, PIECES_MOST),
                        outgoing->fds, (uint32_t)outgoing->fds_count);
    if (sent == -EAGAIN)
        sent = 0;
    if (sent > 0) {
        stream->closed.sent_bytes += (uint64_t)sent;
        tocsin__limit_idle_refresh(stream);
    }
    return sent;
}

/* Sends the data, and queues the bytes that cannot be sent at once. If they cannot be queued
   although some bytes were sent, the stream fails, since the peer has got incomplete data. */
static int output_send_or_queue(struct tocsin__stream *stream,
                                const struct tocsin_outgoing *outgoing, size_t size)
{
    ssize_t sent = output_try(stream, outgoing);
    int *fds = NULL, err;

    if (sent < 0) {
        tocsin__output_break(stream, (int)sent);
        return -EPIPE;
    }
    if ((size_t)sent == size)
        return 0;
    err = outgoing->fds_count && !sent ? tocsin__fds_copy(outgoing, &fds) : 0;
    if (err == 0)
        err = output_queue(stream, outgoing, (size_t)sent, size - (size_t)sent, fds);
    if (err < 0 && fds)
        tocsin__fds_close(fds, (uint32_t)outgoing->fds_count);
    if (err < 0 && (sent || (tocsin__medium_of(stream) && !tocsin__medium_is_queued(stream))))
        tocsin__stream_fail(stream, err);
    if (err < 0)
        return err;
    tocsin__stream_wake(stream); /* so that the loop watches the descriptor */
    return 1;
}

int tocsin__output_add(struct tocsin__stream *stream, const struct tocsin_outgoing *outgoing)
{
    size_t size = outgoing_size(outgoing);
    int result, err = output_check(stream, size);

    if (err == 0 && size)
        err = output_send_or_queue(stream, outgoing, size);
    result = err < 0 ? err : tocsin__stream_is(stream, TOCSIN__STREAM_STALLED) ? 1 : 0;
    if (err <= 0 && outgoing->drop)
        outgoing->drop(outgoing->arg); /* the last statement, since drop may free the stream */
    return result;
}

/* Lent data */

/* If there is no memory for a copy, the stream fails. */
static void stream_lent_return(struct tocsin__stream *stream, const struct tocsin__owner *owner)
{
    struct tocsin__chunk **link = &stream->busy->output;

    while (*link) {
        if (tocsin__chunk_own(tocsin__stream_engine(stream)->io, link, owner) < 0) {
            /* before any drop is called, so that a drop cannot write */
            tocsin__stream_fail(stream, -ENOMEM);
            tocsin__output_drop(stream);
            return;
        }
        link = &(*link)->next;
    }
    stream->busy->output_last = link;
}

void tocsin__outputs_lent_return(struct tocsin__ops *ops, const struct tocsin__owner *owner)
{
    struct tocsin__op *op;

    for (uint64_t id = 0; (op = tocsin__ops_listed_after(ops, &id));) {
        struct tocsin__stream *stream = tocsin__op_is_stream(op) ? tocsin__op_state_of(op) : NULL;

        if (stream && stream->busy)
            stream_lent_return(stream, owner);
    }
    if (ops->engine->io)
        tocsin__drops_call(ops->engine->io); /* called now, since the code will be unmapped */
}
