/* The operation that reads one part of a stream. */
#include <string.h>

#include "base/refusal.h"
#include "io/stream/stream_read.h"
#include "op/complete.h"
#include "registry/catalogue.h"

static void read_unlink(struct tocsin__read *read)
{
    struct tocsin__busy *busy = read->stream->busy;

    *read->link = read->next;
    if (read->next)
        read->next->link = read->link;
    else
        busy->reads_last = read->link;
    read->stream = NULL;
}

static void read_disarm(void *state)
{
    struct tocsin__read *read = state;

    if (read->stream)
        read_unlink(read);
}

void tocsin__read_end(struct tocsin__read *read, int status)
{
    read_disarm(read);
    tocsin__op_complete(tocsin__op_of_state(read), status, &read->taken.tocsin);
}

int tocsin__read_take(struct tocsin__read *read, const void *data, size_t size)
{
    if (read->into) {
        memcpy(read->into, data, size);
    } else {
        read->memory = tocsin__alloc(size + 1); /* one byte for a NUL behind the data */
        if (!read->memory)
            return -ENOMEM;
        read->taken.data = (struct tocsin_bytes){ memcpy(read->memory, data, size), size };
    }
    tocsin__read_end(read, (int)size);
    return 0;
}

static int read_cancel(struct tocsin_op op, void *state, int reason)
{
    struct tocsin__stream *stream = ((struct tocsin__read *)state)->stream;

    (void)op;
    tocsin__read_end(state, reason);
    if (stream)
        tocsin__stream_wake(stream);
    return 0;
}

static void read_drop(void *state)
{
    struct tocsin__read *read = state;

    tocsin__release(read->memory);
    if (read->part.until && read->part.until != read->until)
        tocsin__release((char *)read->part.until);
}

static const struct tocsin__own_type read_type = {
    .type = { .done = &tocsin__stream_taken_spec,
              .state_size = sizeof(struct tocsin__read),
              .cancel = read_cancel,
              .drop = read_drop,
              .flags = TOCSIN__OWN | TOCSIN__DISARMS },
    .disarm = read_disarm,
};

static int until_copy(struct tocsin__read *read)
{
    const char *until = read->part.until;
    char *copy = read->until;

    if (!until)
        return 0;
    if (read->part.until_size > sizeof read->until)
        copy = tocsin__alloc(read->part.until_size);
    read->part.until = copy;
    if (copy)
        memcpy(copy, until, read->part.until_size);
    return copy ? 0 : -ENOMEM;
}

static void read_link(struct tocsin__read *read, struct tocsin__stream *stream)
{
    struct tocsin__busy *busy = stream->busy;

    read->stream = stream;
    read->next = NULL;
    read->link = busy->reads_last;
    *busy->reads_last = read;
    busy->reads_last = &read->next;
    tocsin__stream_mark(stream, TOCSIN__STREAM_USED | TOCSIN__STREAM_PULLED);
    tocsin__stream_wake(stream);
}

/* Queues the read. If the stream has ended, the read ends with the stream's status; if it is being
   closed, with -ECANCELED. */
static int read_begin(struct tocsin__read *read, struct tocsin__stream *stream,
                      const struct tocsin__part *part, void *into)
{
    int err;

    read->taken = tocsin_stream_taken_make();
    read->taken.data.data = "";
    read->part = *part;
    read->into = into;
    err = until_copy(read);
    if (err == 0 && stream->state < TOCSIN__STREAM_CLOSING)
        err = tocsin__stream_occupy(stream);
    if (err < 0)
        return err;
    if (stream->state == TOCSIN__STREAM_OVER)
        tocsin__read_end(read, stream->failure);
    else if (stream->state == TOCSIN__STREAM_CLOSING)
        tocsin__read_end(read, -ECANCELED);
    else
        read_link(read, stream);
    return 0;
}

int tocsin_stream_read(struct tocsin_op id, const struct tocsin_part *part,
                       const struct tocsin_notify *notify, struct tocsin_op *ret_read)
{
    struct tocsin__stream *stream;
    struct tocsin__part rule;
    struct tocsin__op *op;
    int err = tocsin__stream_find(id, &stream);

    if (err == 0)
        err = tocsin__part_set(&rule, part);
    if (err == 0 && stream->in == TOCSIN__SIDE_NONE)
        err = tocsin__because(-EINVAL, "the descriptor of the stream cannot be read");
    if (err == 0)
        err = tocsin__op_new(&read_type.type, notify, &op);
    if (err < 0)
        return tocsin__traced(tocsin__op_failed(err, ret_read));
    err = read_begin(tocsin__op_state_of(op), stream, &rule, part ? part->into : NULL);
    return tocsin__traced(tocsin__op_started(op, err, ret_read));
}
