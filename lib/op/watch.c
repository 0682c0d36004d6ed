#include <poll.h>

#include <tocsin/watch.h>

#include "core/catalogue.h"
#include "op/op.h"

struct state {
    struct tocsin_fd_done done;
    struct tocsin_fd_ready ready;
    struct tocsin__watch watch;
    struct tocsin__op *op;
    short events;                                      /* what the user watches for; the descriptor rests while nobody wants to know */
};

static int watch_cancel(struct tocsin_op op, void *arg, int reason)
{
    struct state *state = arg;

    (void)op;
    tocsin__watch_close(&state->watch);
    tocsin__op_complete(state->op, reason, &state->done.tocsin);
    return 0;
}

static void on_ready(struct tocsin__watch *watch, short events)
{
    struct state *state = tocsin__container(watch, struct state, watch);

    if (tocsin__op_wanted(state->op, 0)) {
        state->ready.events = events;
        tocsin__op_progress(state->op, 0, &state->ready.tocsin, 0);
    } else {
        tocsin__watch_for(watch, 0);
    }
}

/* What cannot be watched any more ends. */
static void watch_resume(struct tocsin_op op, void *arg)
{
    struct state *state = arg;
    int err = state->watch.event ? tocsin__watch_for(&state->watch, state->events) : 0;

    if (err < 0)
        watch_cancel(op, state, err);
}

static const struct tocsin_op_type watch_type = {
    .done = &tocsin__fd_done_spec, .progress = { &tocsin__fd_ready_spec }, .state_size = sizeof(struct state),
    .cancel = watch_cancel, .resume = watch_resume, .flags = TOCSIN_STANDING | TOCSIN__OWN,
};

static int watch_begin(struct tocsin__op *op, int fd, short events)
{
    struct state *state = (struct state *)op->state;
    int err;

    state->op = op;
    state->done = tocsin_fd_done_make();
    state->ready = tocsin_fd_ready_make();
    state->done.fd = state->ready.fd = fd;
    state->watch.ready = on_ready;
    err = tocsin__watch_open(op->engine, &state->watch, fd);
    if (err == 0)
        err = tocsin__watch_for(&state->watch, events);
    if (err < 0)
        tocsin__watch_close(&state->watch);
    state->events = events;
    return err;
}

int tocsin_watch(int fd, short poll_events, const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    struct tocsin__op *op;
    int err = poll_events & ~(POLLIN | POLLOUT) ? -EINVAL : fd < 0 ? -EBADF : tocsin__op_new(&watch_type, notify, &op);

    if (err < 0)
        return tocsin__op_failed(err, ret_op);
    return tocsin__op_started(op, watch_begin(op, fd, poll_events), ret_op);
}

int tocsin_watch_set(struct tocsin_op watch, short poll_events)
{
    struct tocsin__op *op;
    struct state *state;
    int err = poll_events & ~(POLLIN | POLLOUT) ? -EINVAL : tocsin__op_find(watch, &op);

    if (err < 0)
        return err;
    if (op->type != &watch_type)
        return -EINVAL;
    if (op->phase == TOCSIN__ENDED || !tocsin__op_open(op))
        return -EALREADY;
    state = (struct state *)op->state;
    err = tocsin__watch_for(&state->watch, poll_events);
    if (err == 0)
        state->events = poll_events;
    return err;
}
