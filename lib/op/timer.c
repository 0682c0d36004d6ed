/* Timers: one that expires once, and one that ticks. */
#include <tocsin/timer.h>

#include "registry/catalogue.h"
#include "base/refusal.h"
#include "loop/clock.h"
#include "op/complete.h"
#include "op/lifecycle.h"
#include "op/op.h"
#include "op/progress.h"

static const int64_t delay_max_ms = 1000000000000;

struct state {
    struct tocsin_timer_expired expired;
    struct tocsin_timer_ticked ticked;
    struct tocsin__timer timer;
    struct tocsin__op *op;
    int64_t period_us; /* period; 0: the timer expires once, or ticks only when it is set */
    int64_t due_us;    /* time of the expiry or of the next tick */
    unsigned missed;   /* ticks to be merged into the next one */
};

static void timer_disarm(void *arg)
{
    struct state *state = arg;

    tocsin__timer_disarm(state->op->engine, &state->timer);
}

static int timer_cancel(struct tocsin_op op, void *arg, int reason)
{
    struct state *state = arg;

    (void)op;
    timer_disarm(state);
    tocsin__op_complete(state->op, reason, &state->expired.tocsin);
    return 0;
}

static void on_timer_expired(struct tocsin__timer *timer)
{
    struct state *state = tocsin__container(timer, struct state, timer);

    state->expired.late_us = tocsin__now(state->op->engine) - tocsin__timer_due(timer);
    tocsin__op_complete(state->op, 0, &state->expired.tocsin);
}

static unsigned timer_add_missed(unsigned missed, int64_t more)
{
    return more > (int64_t)(UINT32_MAX - missed) ? UINT32_MAX : missed + (unsigned)more;
}

/* Moves due_us to the last tick that is due, and counts the ticks before it as missed. */
static void timer_step(struct state *state, int64_t now)
{
    int64_t passed = state->period_us && now > state->due_us
                         ? (now - state->due_us) / state->period_us
                         : 0;

    state->missed = timer_add_missed(state->missed, passed);
    state->due_us += passed * state->period_us;
}

static void on_timer_tick(struct tocsin__timer *timer)
{
    struct state *state = tocsin__container(timer, struct state, timer);
    int64_t now = tocsin__now(state->op->engine);
    bool told;

    timer_step(state, now);
    if (!tocsin__op_has_progress(
            state->op)) /* otherwise the payload is being delivered, and must not change */
        state->ticked.late_us = now - state->due_us;
    told = tocsin__op_try_progress(state->op, 0, &state->ticked.tocsin, state->missed) == 1;
    state->missed = told ? 0 : timer_add_missed(state->missed, 1);
    state->due_us += state->period_us;
    if (state->period_us && (tocsin__op_has_progress(state->op) || !state->op->progress->refused))
        tocsin__timer_arm(state->op->engine, timer, state->due_us);
}

/* The timer was not armed while nobody wanted its ticks: counts the ticks of that time as missed,
   and delivers one. */
static void timer_resume(struct tocsin_op op, void *arg)
{
    struct state *state = arg;
    int64_t now = tocsin__now(state->op->engine);

    (void)op;
    if (tocsin__timer_armed(&state->timer) || !(state->period_us || state->missed))
        return;
    if (!state->period_us) {
        state->missed--; /* the last tick is not missed: it is delivered now */
        state->due_us = now;
    }
    while (state->period_us && state->due_us <= now) {
        timer_step(state, now);
        state->missed = timer_add_missed(state->missed, 1);
        state->due_us += state->period_us;
    }
    tocsin__timer_arm(state->op->engine, &state->timer, state->due_us);
}

static const struct tocsin_op_type once_type = {
    .done = &tocsin__timer_expired_spec,
    .state_size = sizeof(struct state),
    .cancel = timer_cancel,
    .flags = TOCSIN__OWN | TOCSIN__TIMERS << TOCSIN__COUNTED,
};

static const struct tocsin_op_type every_type = {
    .done = &tocsin__timer_expired_spec,
    .progress = { &tocsin__timer_ticked_spec },
    .state_size = sizeof(struct state),
    .cancel = timer_cancel,
    .resume = timer_resume,
    .flags = TOCSIN_PERSISTENT | TOCSIN__OWN | TOCSIN__GATHERS | TOCSIN__TICKERS << TOCSIN__COUNTED,
};

static int timer_start(const struct tocsin_op_type *type, int64_t delay_ms,
                       const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    struct tocsin__op *op;
    struct state *state;
    int err = delay_ms < 0 || delay_ms > delay_max_ms ? -EINVAL : tocsin__op_new(type, notify, &op);

    if (err < 0)
        return tocsin__op_failed(err, ret_op);
    state = (struct state *)op->state;
    state->op = op;
    op->disarm = timer_disarm;
    state->expired = tocsin_timer_expired_make();
    state->ticked = tocsin_timer_ticked_make();
    state->timer.fire = type == &once_type ? on_timer_expired : on_timer_tick;
    state->period_us = type == &once_type ? 0 : delay_ms * 1000;
    state->due_us = tocsin__now(op->engine) + delay_ms * 1000;
    if (type == &once_type || delay_ms > 0)
        tocsin__timer_arm(op->engine, &state->timer, state->due_us);
    return tocsin__op_started(op, 0, ret_op);
}

int tocsin_timer(int64_t delay_ms, const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    return tocsin__traced(timer_start(&once_type, delay_ms, notify, ret_op));
}

int tocsin_every(int64_t period_ms, const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    return tocsin__traced(timer_start(&every_type, period_ms, notify, ret_op));
}

int tocsin_timer_set(struct tocsin_op timer, int64_t delay_ms)
{
    struct tocsin__op *op;
    struct state *state;
    int err = delay_ms < -1 || delay_ms > delay_max_ms ? -EINVAL : tocsin__op_find(timer, &op);

    if (err < 0)
        return tocsin__traced(err);
    if (op->type != &once_type && op->type != &every_type)
        return tocsin__traced(-EINVAL);
    if (!tocsin__op_open(op))
        return tocsin__traced(-EALREADY);
    state = (struct state *)op->state;
    state->missed = 0;
    state->due_us = tocsin__now(op->engine) + delay_ms * 1000;
    if (delay_ms < 0)
        tocsin__timer_disarm(op->engine, &state->timer);
    else
        tocsin__timer_arm(op->engine, &state->timer, state->due_us);
    return 0;
}
