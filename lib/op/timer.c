/* Timers as operations: one type expires once, the other one ticks periodically. */
#include <tocsin/timer.h>

#include "registry/catalogue.h"
#include "base/refusal.h"
#include "loop/clock.h"
#include "op/complete.h"
#include "op/lifecycle.h"
#include "op/op.h"
#include "op/progress.h"

static const int64_t delay_max_ms = 1000000000000;

/* The state of a ticking timer. A timer that expires once has no state: it uses the timer in
 * op->run, and the empty terminal payload of the operation. */
struct state {
    struct tocsin_timer_ticked ticked;
    int64_t period_us; /* period; 0: the timer ticks only when tocsin_timer_set arms it */
    int64_t due_us;    /* time at which the next tick is due */
    /* ticks that were due and were not delivered; they are merged into the next tick */
    unsigned missed;
};

static void timer_disarm(void *state)
{
    struct tocsin__op *op = tocsin__op_of_state(state);

    tocsin__timer_disarm(tocsin__op_engine(op), &op->run.timer);
}

static int timer_cancel(struct tocsin_op id, void *state, int reason)
{
    (void)id;
    timer_disarm(state);
    tocsin__op_complete(tocsin__op_of_state(state), reason, NULL);
    return 0;
}

static struct tocsin__op *op_of_timer(struct tocsin__timer *timer)
{
    return tocsin__container(timer, struct tocsin__op, run.timer);
}

static void on_timer_expired(struct tocsin__timer *timer)
{
    struct tocsin__op *op = op_of_timer(timer);
    struct tocsin_payload *expired = tocsin__op_empty_payload(op);

    ((struct tocsin_timer_expired *)expired)->late_us = tocsin__now(tocsin__op_engine(op)) -
                                                        tocsin__timer_due(timer);
    tocsin__op_complete(op, 0, NULL);
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
    struct tocsin__op *op = op_of_timer(timer);
    struct state *state = (struct state *)op->state;
    int64_t now = tocsin__now(tocsin__op_engine(op));
    bool accepted;

    timer_step(state, now);
    /* progress that is not delivered yet uses the payload in the state, so the payload must not
     * change */
    if (!tocsin__op_has_progress(op))
        state->ticked.late_us = now - state->due_us;
    accepted = tocsin__op_try_progress(op, 0, &state->ticked.tocsin, state->missed) == 1;
    state->missed = accepted ? 0 : timer_add_missed(state->missed, 1);
    state->due_us += state->period_us;
    if (state->period_us && (tocsin__op_has_progress(op) || !op->refused))
        tocsin__timer_arm(tocsin__op_engine(op), timer, state->due_us);
}

/* Called when a listener wants ticks again. The timer was not armed meanwhile. Counts the ticks of
 * that time as missed, and delivers one tick. */
static void timer_resume(struct tocsin_op id, void *arg)
{
    struct tocsin__op *op = tocsin__op_of_state(arg);
    struct state *state = arg;
    int64_t now = tocsin__now(tocsin__op_engine(op));

    (void)id;
    if (tocsin__timer_armed(&op->run.timer) || !(state->period_us || state->missed))
        return;
    if (!state->period_us) {
        state->missed--; /* the last one of these ticks is not missed: it is delivered now */
        state->due_us = now;
    }
    while (state->period_us && state->due_us <= now) {
        timer_step(state, now);
        state->missed = timer_add_missed(state->missed, 1);
        state->due_us += state->period_us;
    }
    tocsin__timer_arm(tocsin__op_engine(op), &op->run.timer, state->due_us);
}

static const struct tocsin__own_type once_type = {
    .type = { .done = &tocsin__timer_expired_spec,
              .cancel = timer_cancel,
              .flags = TOCSIN__OWN | TOCSIN__DISARMS | TOCSIN__TIMERS << TOCSIN__COUNTED },
    .disarm = timer_disarm,
};

static const struct tocsin__own_type every_type = {
    .type = { .done = &tocsin__timer_expired_spec,
              .progress = { &tocsin__timer_ticked_spec },
              .state_size = sizeof(struct state),
              .cancel = timer_cancel,
              .resume = timer_resume,
              .flags = TOCSIN_PERSISTENT | TOCSIN__OWN | TOCSIN__DISARMS | TOCSIN__GATHERS |
                       TOCSIN__TICKERS << TOCSIN__COUNTED },
    .disarm = timer_disarm,
};

/* Arms the timer, for its next tick or for its expiry. */
static void timer_set(struct tocsin__op *op, int64_t delay_ms)
{
    int64_t due_us = tocsin__now(tocsin__op_engine(op)) + delay_ms * 1000;

    if (tocsin__op_type(op) == &every_type.type)
        ((struct state *)op->state)->due_us = due_us;
    tocsin__timer_arm(tocsin__op_engine(op), &op->run.timer, due_us);
}

static int timer_start(const struct tocsin__own_type *type, int64_t delay_ms,
                       const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    struct tocsin__op *op;
    int err = delay_ms < 0 || delay_ms > delay_max_ms ? -EINVAL
                                                      : tocsin__op_new(&type->type, notify, &op);

    if (err < 0)
        return tocsin__op_failed(err, ret_op);
    op->run.timer.fire = on_timer_expired;
    if (type == &every_type) {
        struct state *state = (struct state *)op->state;

        op->run.timer.fire = on_timer_tick;
        state->ticked = tocsin_timer_ticked_make();
        state->period_us = delay_ms * 1000;
    }
    if (type == &once_type || delay_ms > 0)
        timer_set(op, delay_ms);
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
    int err = delay_ms < -1 || delay_ms > delay_max_ms ? -EINVAL : tocsin__op_find(timer, &op);

    if (err < 0)
        return tocsin__traced(err);
    if (tocsin__op_type(op) != &once_type.type && tocsin__op_type(op) != &every_type.type)
        return tocsin__traced(-EINVAL);
    if (!tocsin__op_open(op))
        return tocsin__traced(-EALREADY);
    if (tocsin__op_type(op) == &every_type.type)
        ((struct state *)op->state)->missed = 0;
    if (delay_ms < 0)
        timer_disarm(op->state);
    else
        timer_set(op, delay_ms);
    return 0;
}
