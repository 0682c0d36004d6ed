/* Pipes from one stream into another. */
#include "base/refusal.h"
#include "io/stream/output.h"
#include "io/stream/reason.h"
#include "io/stream/stream_pipe.h"
#include "op/complete.h"
#include "registry/catalogue.h"

static void pipe_leave_source(struct tocsin__pipe *pipe)
{
    if (!pipe->from)
        return;
    pipe->from->busy->pipe = NULL;
    tocsin__stream_wake(pipe->from);
    pipe->from = NULL;
}

static void pipe_disarm(void *state)
{
    struct tocsin__pipe *pipe = state;

    if (!pipe->to)
        return;
    pipe_leave_source(pipe);
    *pipe->link = pipe->next;
    if (pipe->next)
        pipe->next->link = pipe->link;
    tocsin__stream_wake(pipe->to);
    pipe->to = NULL;
}

static void pipe_end(struct tocsin__pipe *pipe, int status)
{
    pipe_disarm(pipe);
    tocsin__op_complete(tocsin__op_of_state(pipe), status, &pipe->piped.tocsin);
}

size_t tocsin__pipe_room(const struct tocsin__pipe *pipe)
{
    const struct tocsin__settings *settings = pipe->to->settings;
    size_t waiting = tocsin__stream_waiting(pipe->to),
           most = settings->high_bytes < settings->limit_bytes ? settings->high_bytes
                                                               : settings->limit_bytes;

    return pipe->to->state < TOCSIN__STREAM_CLOSING && waiting < most ? most - waiting : 0;
}

int tocsin__pipe_take(struct tocsin__pipe *pipe, const void *data, size_t size)
{
    int err = tocsin__output_add(
        pipe->to,
        &(struct tocsin_outgoing){ .parts = &(struct tocsin_bytes){ data, size }, .count = 1 });

    if (err >= 0)
        pipe->piped.moved_bytes += size;
    else if (err == -EPIPE)
        pipe_end(pipe, pipe->to->out_error ? pipe->to->out_error : -EPIPE);
    return err < 0 ? err : 0;
}

void tocsin__pipe_finish(struct tocsin__pipe *pipe)
{
    struct tocsin__stream *to = pipe->to;

    if (to->out == TOCSIN__SIDE_OPEN)
        to->out = TOCSIN__SIDE_SHUTTING;
    if (to->out == TOCSIN__SIDE_SHUTTING && to->state < TOCSIN__STREAM_CLOSING) {
        pipe_leave_source(pipe);
        tocsin__stream_wake(to);
    } else {
        pipe_end(pipe, to->out == TOCSIN__SIDE_BROKEN ? to->out_error : 0);
    }
}

void tocsin__pipes_in_finished(struct tocsin__stream *target)
{
    struct tocsin__pipe *pipe = target->busy ? target->busy->pipes_in : NULL, *next;

    for (; pipe; pipe = next) {
        next = pipe->next;
        if (!pipe->from)
            pipe_end(pipe, 0);
    }
}

void tocsin__pipe_source_over(struct tocsin__pipe *pipe, int status)
{
    struct tocsin__stream *to = pipe->to;

    pipe_end(pipe, status);
    tocsin__reason_set(to, "the source of the pipe has ended: %s", tocsin__reason_text(status));
    tocsin__stream_mark(to, TOCSIN__STREAM_RESETS);
    tocsin__stream_fail(to, -ECANCELED);
}

void tocsin__pipe_target_over(struct tocsin__pipe *pipe, int status)
{
    pipe_end(pipe, status < 0 ? status : -EPIPE);
}

void tocsin__pipes_wake(struct tocsin__stream *target)
{
    for (struct tocsin__pipe *pipe = target->busy ? target->busy->pipes_in : NULL; pipe;
         pipe = pipe->next)
        if (pipe->from)
            tocsin__stream_wake(pipe->from);
}

/* Data that the pipe has moved before stays in the target. */
static int pipe_cancel(struct tocsin_op op, void *state, int reason)
{
    (void)op;
    pipe_end(state, reason);
    return 0;
}

static const struct tocsin__own_type pipe_type = {
    .type = { .done = &tocsin__stream_piped_spec,
              .state_size = sizeof(struct tocsin__pipe),
              .cancel = pipe_cancel,
              .flags = TOCSIN__OWN | TOCSIN__DISARMS },
    .disarm = pipe_disarm,
};

static int pipe_begin(struct tocsin__pipe *pipe, struct tocsin__stream *from,
                      struct tocsin__stream *to)
{
    if (from->busy && from->busy->pipe)
        return tocsin__because(-EBUSY, "a pipe takes the data of this stream already");
    if (tocsin__stream_occupy(from) < 0 || tocsin__stream_occupy(to) < 0)
        return -ENOMEM;
    pipe->from = from;
    pipe->to = to;
    from->busy->pipe = pipe;
    pipe->next = to->busy->pipes_in;
    pipe->link = &to->busy->pipes_in;
    if (pipe->next)
        pipe->next->link = &pipe->next;
    to->busy->pipes_in = pipe;
    tocsin__stream_mark(from, TOCSIN__STREAM_USED | TOCSIN__STREAM_PULLED);
    tocsin__stream_mark(to, TOCSIN__STREAM_USED);
    tocsin__stream_wake(from);
    return 0;
}

/* Starts the pipe. If the source or the target is closing or has ended, the pipe ends at once. */
static int pipe_start(struct tocsin__op *op, struct tocsin__stream *from, struct tocsin__stream *to)
{
    struct tocsin__pipe *pipe = tocsin__op_state_of(op);

    pipe->piped = tocsin_stream_piped_make();
    pipe->piped.from.source.id = tocsin__op_id(tocsin__stream_op(from));
    pipe->piped.to.source.id = tocsin__op_id(tocsin__stream_op(to));
    if (from->state < TOCSIN__STREAM_CLOSING && to->state < TOCSIN__STREAM_CLOSING)
        return pipe_begin(pipe, from, to);
    if (from->state >= TOCSIN__STREAM_CLOSING && from->failure < 0) {
        tocsin__reason_set(to, "the source of the pipe has ended: %s",
                           tocsin__reason_text(from->failure));
        tocsin__stream_fail(to, -ECANCELED);
    }
    tocsin__op_complete(op,
                        from->failure ? from->failure
                        : to->failure ? to->failure
                                      : -EPIPE,
                        &pipe->piped.tocsin);
    return 0;
}

int tocsin_stream_pipe(struct tocsin_op from_id, struct tocsin_op to_id,
                       const struct tocsin_notify *notify, struct tocsin_op *ret_pipe)
{
    struct tocsin__stream *from, *to;
    struct tocsin__op *op;
    int err = tocsin__stream_find(from_id, &from);

    if (err == 0)
        err = tocsin__stream_find(to_id, &to);
    if (err == 0 && (from->in == TOCSIN__SIDE_NONE || to->out == TOCSIN__SIDE_NONE))
        err = tocsin__because(-EINVAL, "the source cannot be read, or the target not be written");
    if (err == 0)
        err = tocsin__op_new(&pipe_type.type, notify, &op);
    if (err < 0)
        return tocsin__traced(tocsin__op_failed(err, ret_pipe));
    return tocsin__traced(tocsin__op_started(op, pipe_start(op, from, to), ret_pipe));
}
