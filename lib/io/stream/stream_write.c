/* The public functions that write to a stream. */
#include "base/refusal.h"
#include "io/stream/output.h"
#include "io/stream/wire.h"

/* A write marks an accepted stream as taken, so the stream is not closed after listener.accepted
   was delivered. */
static int write_to(struct tocsin_op id, const struct tocsin_outgoing *outgoing)
{
    struct tocsin__stream *stream;
    int err = tocsin__stream_find(id, &stream);

    if (err == 0 && stream->out == TOCSIN__SIDE_NONE)
        err = tocsin__because(-EINVAL, "the descriptor of the stream cannot be written");
    if (err == 0 && outgoing->fds_count && stream->state == TOCSIN__STREAM_OPEN &&
        !tocsin__stream_is(stream, TOCSIN__STREAM_UNIX))
        err = tocsin__because(-EINVAL, "only a Unix stream passes descriptors");
    if (err < 0) {
        if (outgoing->drop)
            outgoing->drop(outgoing->arg);
        return err;
    }
    tocsin__stream_mark(stream, TOCSIN__STREAM_USED);
    return tocsin__output_add(stream, outgoing);
}

int tocsin_stream_write(struct tocsin_op stream, const void *data, size_t size)
{
    const struct tocsin_bytes part = { data, size };
    const struct tocsin_outgoing outgoing = { .parts = &part, .count = 1 };

    return tocsin__traced_but(-EAGAIN, !data && size ? -EINVAL : write_to(stream, &outgoing));
}

static int outgoing_check(const struct tocsin_outgoing *outgoing)
{
    size_t size = 0;

    if (!outgoing || outgoing->spare[0] || outgoing->spare[1] ||
        (outgoing->count && !outgoing->parts) || (outgoing->fds_count && !outgoing->fds))
        return -EINVAL;
    for (size_t i = 0; i < outgoing->count; i++) {
        size += outgoing->parts[i].size;
        if (outgoing->parts[i].size && !outgoing->parts[i].data)
            return -EINVAL;
    }
    if (outgoing->fds_count > TOCSIN__PASSED_MOST)
        return tocsin__because(-EINVAL, "one write passes at most %d descriptors",
                               TOCSIN__PASSED_MOST);
    if (outgoing->fds_count && !size)
        return tocsin__because(-EINVAL, "descriptors are passed with at least one byte");
    return 0;
}

int tocsin_stream_write_with(struct tocsin_op stream, const struct tocsin_outgoing *outgoing)
{
    int err = outgoing_check(outgoing);

    if (err < 0 && outgoing && outgoing->drop)
        outgoing->drop(outgoing->arg);
    return tocsin__traced_but(-EAGAIN, err < 0 ? err : write_to(stream, outgoing));
}
