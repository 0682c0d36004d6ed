/* An operation that reports when a descriptor is readable or writable. */
#include <poll.h>

#include <tocsin/watch.h>

#include "registry/catalogue.h"
#include "base/refusal.h"
#include "op/complete.h"
#include "op/lifecycle.h"
#include "op/op.h"
#include "op/progress.h"

struct state {
    struct tocsin_fd_done done;
    struct tocsin_fd_ready ready;
    struct tocsin__watch watch;
    struct tocsin__op *op;
    /* the events that the program wants. While the operation is paused, the descriptor is watched
     * for no events */
    short events;
};

static void watch_disarm(void *arg)
{
    tocsin__watch_close(&((struct state *)arg)->watch);
}

static int watch_cancel(struct tocsin_op op, void *arg, int reason)
{
    struct state *state = arg;

    (void)op;
    watch_disarm(state);
    tocsin__op_complete(state->op, reason, &state->done.tocsin);
    return 0;
}

static void on_watch_ready(struct tocsin__watch *watch, short events)
{
    struct state *state = tocsin__container(watch, struct state, watch);
    int err;

    if (events & POLLNVAL) {
        watch_cancel((struct tocsin_op){ { 0 } }, state, -EBADF);
        return;
    }
    if (!tocsin__op_has_progress(state->op)) /* progress that is not delivered yet uses the payload
                                              * in the state, so the payload must not change */
        state->ready.events = events;
    err = tocsin__op_try_progress(state->op, 0, &state->ready.tocsin, 0);
    if (err == 0 || err == -EAGAIN)
        /* the progress was refused: the descriptor is not watched until resume is called */
        tocsin__watch_for(watch, 0);
}

/* Watches the descriptor again. If this fails, the operation ends. */
static void watch_resume(struct tocsin_op op, void *arg)
{
    struct state *state = arg;
    int err = state->watch.event ? tocsin__watch_for(&state->watch, state->events) : 0;

    if (err < 0)
        watch_cancel(op, state, err);
}

static const struct tocsin__own_type watch_type = {
    .type = { .done = &tocsin__fd_done_spec,
              .progress = { &tocsin__fd_ready_spec },
              .state_size = sizeof(struct state),
              .cancel = watch_cancel,
              .resume = watch_resume,
              .flags = TOCSIN_PERSISTENT | TOCSIN__OWN | TOCSIN__DISARMS |
                       TOCSIN__WATCHES << TOCSIN__COUNTED },
    .disarm = watch_disarm,
};

static int watch_open(struct tocsin__op *op, int fd, short events)
{
    struct state *state = (struct state *)op->state;
    int err;

    state->op = op;
    state->done = tocsin_fd_done_make();
    state->ready = tocsin_fd_ready_make();
    state->done.fd = state->ready.fd = fd;
    state->watch.ready = on_watch_ready;
    err = tocsin__watch_open(tocsin__op_engine(op), &state->watch, fd);
    if (err == 0)
        err = tocsin__watch_for(&state->watch, events);
    if (err < 0)
        tocsin__watch_close(&state->watch);
    state->events = events;
    return err;
}

int tocsin_watch(int fd, short poll_events, const struct tocsin_notify *notify,
                 struct tocsin_op *ret_op)
{
    struct tocsin__op *op;
    int err = poll_events & ~(POLLIN | POLLOUT) ? -EINVAL
              : fd < 0                          ? -EBADF
                                                : tocsin__op_new(&watch_type.type, notify, &op);

    if (err < 0)
        return tocsin__traced(tocsin__op_failed(err, ret_op));
    return tocsin__traced(tocsin__op_started(op, watch_open(op, fd, poll_events), ret_op));
}

int tocsin_watch_set(struct tocsin_op watch, short poll_events)
{
    struct tocsin__op *op;
    struct state *state;
    int err = poll_events & ~(POLLIN | POLLOUT) ? -EINVAL : tocsin__op_find(watch, &op);

    if (err < 0)
        return tocsin__traced(err);
    if (tocsin__op_type(op) != &watch_type.type)
        return tocsin__traced(-EINVAL);
    if (!tocsin__op_open(op))
        return tocsin__traced(-EALREADY);
    state = (struct state *)op->state;
    err = tocsin__watch_for(&state->watch, poll_events);
    if (err == 0)
        state->events = poll_events;
    return tocsin__traced(err);
}
