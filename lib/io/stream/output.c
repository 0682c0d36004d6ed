/* The data that a stream has to send. */
#include <fcntl.h>
#include <string.h>

#include "base/assert.h"
#include "base/cancel.h"
#include "base/refusal.h"
#include "io/drops.h"
#include "io/stream/limits.h"
#include "io/stream/medium.h"
#include "io/stream/output.h"
#include "io/stream/wire.h"
#include "loop/clock.h"

enum {
    PIECES_MOST = 64,   /* of one call of sendmsg */
    ROOM_LEAST = 2048,  /* bytes of a chunk, so that further small writes fit into it */
    SENT_MOST = 1 << 18 /* bytes that one turn sends for one stream */
};

/* Data that waits: pieces that are borrowed until drop, or one piece that is a copy. */
struct tocsin__chunk {
    struct tocsin__drop drop; /* the first member; drop.fn NULL: a copy */
    struct tocsin__chunk *next;
    int *fds; /* to pass along with the first byte; NULL: none */
    uint32_t fds_count;
    uint32_t count, at; /* pieces; those before `at` were sent */
    size_t room;        /* free bytes behind a copy */
    struct iovec pieces[];
};

static void fds_close(int *fds, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        tocsin__fd_close(fds[i]);
    tocsin__release(fds);
}

static void chunk_free(struct tocsin__io *io, struct tocsin__chunk *chunk)
{
    fds_close(chunk->fds, chunk->fds_count);
    if (chunk->drop.fn)
        tocsin__drops_add(io, &chunk->drop);
    else
        tocsin__release(chunk);
}

void tocsin__output_drop(struct tocsin__io *io, struct tocsin__busy *busy)
{
    struct tocsin__chunk *chunk;

    busy->waiting_bytes = 0;
    while ((chunk = busy->output)) {
        busy->output = chunk->next;
        chunk_free(io, chunk);
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

static void chunk_advance(struct tocsin__chunk *chunk, size_t *sent)
{
    while (chunk->at < chunk->count && *sent >= chunk->pieces[chunk->at].iov_len)
        *sent -= chunk->pieces[chunk->at++].iov_len;
    if (chunk->at < chunk->count && *sent) {
        chunk->pieces[chunk->at].iov_base = (char *)chunk->pieces[chunk->at].iov_base + *sent;
        chunk->pieces[chunk->at].iov_len -= *sent;
        *sent = 0;
    }
}

/* Removes sent bytes from the queue. */
static void output_advance(struct tocsin__stream *stream, size_t sent)
{
    struct tocsin__busy *busy = stream->busy;
    struct tocsin__chunk *chunk;

    tocsin__assert(sent <= busy->waiting_bytes);
    busy->waiting_bytes -= sent;
    stream->closed.sent_bytes += sent;
    tocsin__limit_idle_refresh(stream);
    fds_close(busy->output->fds, busy->output->fds_count);
    busy->output->fds = NULL;
    busy->output->fds_count = 0;
    while ((chunk = busy->output)) {
        chunk_advance(chunk, &sent);
        if (chunk->at < chunk->count)
            break;
        busy->output = chunk->next;
        if (!busy->output)
            busy->output_last = &busy->output;
        chunk_free(tocsin__stream_engine(stream)->io, chunk);
        if (!sent)
            break;
    }
}

/* The pieces of the next call: descriptors go with the first chunk only. */
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
    tocsin__stream_mark(stream, TOCSIN__STREAM_READABLE); /* the peer may have said why */
    if (stream->busy)
        tocsin__output_drop(tocsin__stream_engine(stream)->io, stream->busy);
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

/* Sends as much as the rate and the kernel accept. 0: it waits for the rate, or has no memory to
   wait. -EAGAIN: the kernel accepts nothing; another -errno. */
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

/* Calls fn for what is left of the pieces behind `sent` bytes. */
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

static struct tocsin__chunk *chunk_new(const struct tocsin_outgoing *outgoing, size_t size)
{
    size_t bytes = outgoing->drop      ? 0
                   : size > ROOM_LEAST ? size
                                       : ROOM_LEAST,
           count = outgoing->drop ? outgoing->count : 1;
    struct tocsin__chunk *chunk = tocsin__alloc(sizeof *chunk + count * sizeof(struct iovec) +
                                                bytes);

    if (chunk && !outgoing->drop) {
        chunk->pieces[0].iov_base = chunk->pieces + 1;
        chunk->count = 1;
        chunk->room = bytes;
    }
    return chunk;
}

/* Queues what is behind `sent` bytes. -ENOMEM: nothing was queued */
static int output_queue(struct tocsin__stream *stream, const struct tocsin_outgoing *outgoing,
                        size_t sent, size_t size, int *fds)
{
    struct tocsin__busy *busy = stream->busy;
    struct tocsin__chunk *chunk = NULL, **last = busy ? busy->output_last : NULL;

    if (!busy || !chunk_append(busy, outgoing, sent, size)) {
        chunk = tocsin__stream_occupy(stream) == 0 ? chunk_new(outgoing, size) : NULL;
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
        chunk->drop.fn = outgoing->drop;
        chunk->drop.arg = outgoing->arg;
        chunk->fds = fds;
        chunk->fds_count = fds ? (uint32_t)outgoing->fds_count : 0;
    }
    busy->waiting_bytes += size;
    output_note_stalled(stream);
    return 0;
}

static int fds_copy(const struct tocsin_outgoing *outgoing, int **ret_fds)
{
    int *fds = tocsin__alloc(outgoing->fds_count * sizeof *fds);

    if (!fds)
        return -ENOMEM;
    for (size_t i = 0; i < outgoing->fds_count; i++) {
        fds[i] = tocsin__fault() ? (errno = EMFILE, -1)
                                 : fcntl(outgoing->fds[i], F_DUPFD_CLOEXEC, 0);
        if (fds[i] < 0) {
            int err = -errno;

            fds_close(fds, (uint32_t)i);
            return err;
        }
    }
    *ret_fds = fds;
    return 0;
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
    return 0;
}

/* Sends at once if nothing waits. Returns the number of sent bytes, or -errno. */
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

/* Sends data, and queues the rest that cannot be sent at once. Data that was sent in part cannot be
   taken back. */
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
    err = outgoing->fds_count && !sent ? fds_copy(outgoing, &fds) : 0;
    if (err == 0)
        err = output_queue(stream, outgoing, (size_t)sent, size - (size_t)sent, fds);
    if (err < 0 && fds)
        fds_close(fds, (uint32_t)outgoing->fds_count);
    if (err < 0 && (sent || (tocsin__medium_of(stream) && !tocsin__medium_is_queued(stream))))
        tocsin__stream_fail(stream, err);
    if (err < 0)
        return err;
    tocsin__stream_wake(stream); /* it waits for the descriptor from now on */
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
        outgoing->drop(outgoing->arg); /* it may free the stream */
    return result;
}
