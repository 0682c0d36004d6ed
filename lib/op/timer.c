#include <tocsin/timer.h>

#include "core/catalogue.h"
#include "op/op.h"

static const int64_t delay_max_ms = 1000000000000;

struct state {
    struct tocsin_timer_expired expired;
    struct tocsin_timer_ticked ticked;
    struct tocsin__timer timer;
    struct tocsin__op *op;
    int64_t period_us, due_us;
    unsigned missed;                                   /* ticks that are merged into the next */
};

static int timer_cancel(struct tocsin_op op, void *arg, int reason)
{
    struct state *state = arg;

    (void)op;
    tocsin__timer_disarm(state->op->engine, &state->timer);
    tocsin__op_complete(state->op, reason, &state->expired.tocsin);
    return 0;
}

static void on_expired(struct tocsin__timer *timer)
{
    struct state *state = tocsin__container(timer, struct state, timer);

    state->expired.late_us = tocsin__now(state->op->engine) - tocsin__timer_due(timer);
    tocsin__op_complete(state->op, 0, &state->expired.tocsin);
}

static unsigned add_missed(unsigned missed, int64_t more)
{
    return more > (int64_t)(UINT32_MAX - missed) ? UINT32_MAX : missed + (unsigned)more;
}

/* The next tick after now; those that were passed over are counted. */
static void step(struct state *state, int64_t now)
{
    int64_t passed = state->period_us && now > state->due_us ? (now - state->due_us) / state->period_us : 0;

    state->missed = add_missed(state->missed, passed);
    state->due_us += passed * state->period_us;
}

static void on_tick(struct tocsin__timer *timer)
{
    struct state *state = tocsin__container(timer, struct state, timer);
    int64_t now = tocsin__now(state->op->engine);
    bool told = tocsin__op_wanted(state->op, 0);

    step(state, now);
    if (told) {
        state->ticked.late_us = now - state->due_us;
        told = tocsin__op_progress(state->op, 0, &state->ticked.tocsin, state->missed) == 1;
    }
    state->missed = told ? 0 : add_missed(state->missed, 1);
    state->due_us += state->period_us;
    if (state->period_us && (state->op->progress_waits || !state->op->progress_refused))
        tocsin__timer_arm(state->op->engine, timer, state->due_us);
}

/* It stood still while nobody wanted its ticks. */
static void timer_resume(struct tocsin_op op, void *arg)
{
    struct state *state = arg;
    int64_t now = tocsin__now(state->op->engine);

    (void)op;
    if (tocsin__timer_armed(&state->timer) || !(state->period_us || state->missed))
        return;
    if (!state->period_us) {
        state->missed--;                               /* the one that is told now */
        state->due_us = now;
    }
    while (state->period_us && state->due_us <= now) {
        step(state, now);
        state->missed = add_missed(state->missed, 1);
        state->due_us += state->period_us;
    }
    tocsin__timer_arm(state->op->engine, &state->timer, state->due_us);
}

static const struct tocsin_op_type once_type = {
    .done = &tocsin__timer_expired_spec, .state_size = sizeof(struct state), .cancel = timer_cancel,
    .flags = TOCSIN__OWN,
};

static const struct tocsin_op_type every_type = {
    .done = &tocsin__timer_expired_spec, .progress = { &tocsin__timer_ticked_spec }, .state_size = sizeof(struct state),
    .cancel = timer_cancel, .resume = timer_resume, .flags = TOCSIN_STANDING | TOCSIN__OWN | TOCSIN__GATHERS,
};

static int timer_start(const struct tocsin_op_type *type, int64_t delay_ms, const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    struct tocsin__op *op;
    struct state *state;
    int err = delay_ms < 0 || delay_ms > delay_max_ms ? -EINVAL : tocsin__op_new(type, notify, &op);

    if (err < 0)
        return tocsin__op_failed(err, ret_op);
    state = (struct state *)op->state;
    state->op = op;
    state->expired = tocsin_timer_expired_make();
    state->ticked = tocsin_timer_ticked_make();
    state->timer.fire = type == &once_type ? on_expired : on_tick;
    state->period_us = type == &once_type ? 0 : delay_ms * 1000;
    state->due_us = tocsin__now(op->engine) + delay_ms * 1000;
    if (type == &once_type || delay_ms > 0)
        tocsin__timer_arm(op->engine, &state->timer, state->due_us);
    return tocsin__op_started(op, 0, ret_op);
}

int tocsin_timer(int64_t delay_ms, const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    return timer_start(&once_type, delay_ms, notify, ret_op);
}

int tocsin_every(int64_t period_ms, const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    return timer_start(&every_type, period_ms, notify, ret_op);
}

int tocsin_timer_set(struct tocsin_op timer, int64_t delay_ms)
{
    struct tocsin__op *op;
    struct state *state;
    int err = delay_ms < -1 || delay_ms > delay_max_ms ? -EINVAL : tocsin__op_find(timer, &op);

    if (err < 0)
        return err;
    if (op->type != &once_type && op->type != &every_type)
        return -EINVAL;
    if (op->phase == TOCSIN__ENDED || !tocsin__op_open(op))
        return -EALREADY;
    state = (struct state *)op->state;
    state->missed = 0;
    state->due_us = tocsin__now(op->engine) + delay_ms * 1000;
    if (delay_ms < 0)
        tocsin__timer_disarm(op->engine, &state->timer);
    else
        tocsin__timer_arm(op->engine, &state->timer, state->due_us);
    return 0;
}
