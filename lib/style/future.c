/* W1: the operation is the placeholder. Waiting for its result, and having it called. */
#include <tocsin/future.h>

#include "op/op.h"
#include "style/fiber.h"
#include "style/future.h"

int tocsin__future_find(struct tocsin_op id, struct tocsin__op **ret_op)
{
    int err = tocsin__op_find(id, ret_op);

    if (err < 0)
        return err;
    if (!((*ret_op)->notify.how & TOCSIN_KEEP) || (*ret_op)->phase == TOCSIN__MADE)
        return -EINVAL;
    return (*ret_op)->waiter ? -EBUSY : 0;
}

/* Waiting */

struct wait {
    struct tocsin__waiter waiter;
    struct tocsin__fiber *fiber;                       /* NULL: on the loop's own stack */
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

/* 0: the result is there; op may be gone if the loop was freed meanwhile (-ESHUTDOWN). */
static int wait_here(struct tocsin__op *op, struct wait *wait)
{
    struct tocsin__engine *engine = op->engine;
    struct tocsin__loop *loop = engine->loop;

    while (!wait->over) {
        int err = tocsin__turn(engine, -1);

        if (err < 0 || loop->free_wanted) {
            op->waiter = NULL;
            tocsin__free_if_wanted();
            return err < 0 ? err : -ESHUTDOWN;
        }
    }
    return 0;
}

/* It would block in a handler, or wait for a fiber that waits for it. */
static bool deadlocks(const struct tocsin__op *op)
{
    const struct tocsin__fiber *fiber = tocsin__fiber_running(op->engine);

    return fiber ? tocsin__fiber_awaited(fiber, op) : !tocsin__may_turn(op->engine);
}

static int wait_for(struct tocsin__op *op)
{
    struct wait wait = { .waiter.wake = wait_wake, .fiber = tocsin__fiber_running(op->engine) };

    op->waiter = &wait.waiter;
    if (!wait.fiber)
        return wait_here(op, &wait);
    if (tocsin__fiber_cancelled(wait.fiber))
        tocsin__op_end(op, -ECANCELED);
    while (!wait.over)
        tocsin__fiber_suspend(wait.fiber, op);
    return 0;
}

static void deadline(struct tocsin__op *op, int64_t timeout_ms)
{
    struct tocsin_op id = { { op->source.id } };
    int64_t left_us = tocsin__timer_armed(&op->deadline) ? tocsin__timer_due(&op->deadline) - tocsin__now(op->engine) : INT64_MAX;

    if (timeout_ms >= 0 && timeout_ms < left_us / 1000)
        tocsin_deadline(id, timeout_ms);
}

int tocsin_wait(struct tocsin_op id, int64_t timeout_ms, struct tocsin_info **ret_info)
{
    struct tocsin__op *op;
    int status = timeout_ms < -1 ? -EINVAL : tocsin__future_find(id, &op);

    if (status == 0 && op->phase != TOCSIN__ENDED) {
        if (deadlocks(op))
            return -EDEADLK;
        deadline(op, timeout_ms);
        status = wait_for(op);
    }
    if (status < 0)
        return status;
    status = op->status;
    if (status >= 0 && ret_info)
        *ret_info = tocsin_info_ref(&op->info.seen);
    tocsin__op_gone(op);
    return status;
}

/* Then */

static void on_then(struct tocsin__node *node)
{
    struct tocsin__op *op = tocsin__container(node, struct tocsin__op, end_node);

    tocsin__op_call(op, &op->info.seen);
    tocsin__op_gone(op);
}

int tocsin_then(struct tocsin_op id, tocsin_fn fn, void *arg)
{
    struct tocsin__op *op;
    int err = fn ? tocsin__future_find(id, &op) : -EINVAL;

    if (err < 0)
        return err;
    op->notify.how = TOCSIN_AT_END | (op->notify.how & TOCSIN_SERVING);
    op->notify.fn = fn;
    op->notify.arg = arg;
    tocsin__op_owned(op, (const void *)fn);
    if (op->phase == TOCSIN__ENDED) {
        op->end_node.run = on_then;
        tocsin__ready(op->engine, &op->end_node);
    }
    return 0;
}
