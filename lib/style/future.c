/* tocsin_wait and tocsin_then: an operation is the placeholder (future) of its own result (W1). */
#include <tocsin/future.h>

#include "base/refusal.h"
#include "loop/clock.h"
#include "loop/free.h"
#include "loop/turn.h"
#include "op/cancel.h"
#include "op/late.h"
#include "op/lifecycle.h"
#include "op/notify.h"
#include "op/op.h"
#include "op/op_owner.h"
#include "style/fiber.h"
#include "style/future.h"

int tocsin__future_find(struct tocsin_op id, struct tocsin__op **ret_op)
{
    int err = tocsin__op_find(id, ret_op);

    if (err < 0)
        return err;
    if (!((*ret_op)->mode & TOCSIN_KEEP) || tocsin__op_is_unstarted(*ret_op))
        return -EINVAL;
    return tocsin__op_waiter(*ret_op) ? -EBUSY : 0;
}

/* Waiting */

struct wait {
    struct tocsin__waiter waiter;
    struct tocsin__fiber *fiber; /* the waiting fiber; NULL: the wait runs turns of the loop */
    bool over;
};

static void wait_wake(struct tocsin__waiter *waiter, struct tocsin__op *op)
{
    struct wait *wait = tocsin__container(waiter, struct wait, waiter);

    (void)op;
    wait->over = true;
    if (wait->fiber)
        tocsin__fiber_resume(wait->fiber);
}

/* Runs turns until there is a result, and returns 0. After -ESHUTDOWN, the loop and op may have
 * been freed. */
static int wait_in_turns(struct tocsin__op *op, struct wait *wait)
{
    struct tocsin__engine *engine = tocsin__op_engine(op);
    struct tocsin__loop *loop = engine->loop;

    while (!wait->over) {
        int err = tocsin__turn_run(engine, -1);

        if (err < 0 || loop->life.free_wanted) {
            tocsin__op_forget_waiter(op);
            tocsin__free_if_wanted();
            return err < 0 ? err : -ESHUTDOWN;
        }
    }
    return 0;
}

/* Whether a wait for the operation would never end. On a fiber: the operation waits for this fiber.
 * Elsewhere: the loop cannot run turns now, for example because a handler runs. */
static bool wait_would_deadlock(const struct tocsin__op *op)
{
    const struct tocsin__fiber *fiber = tocsin__fiber_running(tocsin__op_engine(op));

    return fiber ? tocsin__fiber_is_awaited(fiber, op) : !tocsin__can_turn(tocsin__op_engine(op));
}

static int wait_for(struct tocsin__op *op)
{
    struct wait wait = { .waiter.wake = wait_wake,
                         .fiber = tocsin__fiber_running(tocsin__op_engine(op)) };

    op->waiter = &wait.waiter;
    if (!wait.fiber)
        return wait_in_turns(op, &wait);
    if (tocsin__fiber_is_cancelled(wait.fiber))
        tocsin__op_end(op, -ECANCELED);
    while (!wait.over)
        tocsin__fiber_suspend(wait.fiber, op);
    return 0;
}

/* Sets the deadline of the operation, unless it has an earlier one. Returns 0 or -ENOMEM. */
static int wait_set_deadline(struct tocsin__op *op, int64_t timeout_ms)
{
    struct tocsin_op id = { { op->source.id } };
    const struct tocsin__timer *deadline = op->rare ? &op->rare->deadline : NULL;
    int64_t left_us = deadline && tocsin__timer_armed(deadline)
                          ? tocsin__timer_due(deadline) - tocsin__now(tocsin__op_engine(op))
                          : INT64_MAX;

    return timeout_ms >= 0 && timeout_ms < left_us / 1000 ? tocsin_op_deadline(id, timeout_ms) : 0;
}

int tocsin_wait(struct tocsin_op id, int64_t timeout_ms, struct tocsin_info **ret_info)
{
    struct tocsin__op *op;
    int status;

    tocsin__check_jump();
    status = timeout_ms < -1 ? -EINVAL : tocsin__future_find(id, &op);
    if (status == 0 && op->phase != TOCSIN__OP_KEPT) {
        if (wait_would_deadlock(op))
            return tocsin__traced(tocsin__turn_refuse(tocsin__op_engine(op)));
        status = wait_set_deadline(op, timeout_ms);
        if (status == 0)
            status = wait_for(op);
    }
    if (status < 0)
        return tocsin__traced(status);
    status = op->status;
    if (status >= 0 && ret_info)
        *ret_info = tocsin_info_ref(&op->info.pub);
    tocsin__op_release(op);
    return status;
}

/* Then */

int tocsin_then(struct tocsin_op id, tocsin_fn fn, void *arg)
{
    struct tocsin__op *op;
    int err = fn ? tocsin__future_find(id, &op) : -EINVAL;

    if (err == 0 && tocsin__op_engine(op)->had_last_turn)
        err = -ESHUTDOWN;
    if (err < 0)
        return tocsin__traced(err);
    op->mode = TOCSIN_AT_END | (op->mode & (TOCSIN_BACKGROUND | TOCSIN_NO_INJECT));
    op->notify = fn;
    op->notify_arg = arg;
    tocsin__op_set_owner(op, (const void *)fn);
    if (op->phase == TOCSIN__OP_KEPT)
        tocsin__op_late(op);
    return 0;
}
