/* What the starter of an operation can do with it while it runs. */
#include <tocsin/inspect.h>

#include "core/owner.h"
#include "op/op.h"

int tocsin__op_end(struct tocsin__op *op, int reason)
{
    struct tocsin_op id = { { op->source.id } };
    int err = 0;

    if (op->phase == TOCSIN__MADE)
        return -EINVAL;
    if (op->end_waits)
        tocsin__op_progress_drop(op);                  /* it has ended, but for what nobody wanted to hear */
    if (op->held_up) {
        tocsin__op_end_held(op, reason);               /* its work is done: nobody need be asked */
        return 0;
    }
    if (op->ending || op->phase >= TOCSIN__ENDS)
        return -EALREADY;
    op->ending = !tocsin__op_open(op) && tocsin__op_ask(op, reason);
    if (op->ending || !tocsin__op_open(op)) {
        op->crossed |= !op->ending;                    /* the real result is on its way: nothing holds that up any more */
        return op->ending ? 0 : -EALREADY;
    }
    if (op->type && !op->type->cancel)
        return -EBUSY;
    op->ending = true;
    if (op->type)
        err = op->type->cancel(id, op->state, reason);
    else
        tocsin__op_complete(op, reason, NULL);
    if (err < 0)
        op->ending = false;
    return err < 0 ? -EBUSY : 0;
}

int tocsin_cancel(struct tocsin_op id)
{
    struct tocsin__op *op;
    int err = tocsin__op_find(id, &op);

    return err < 0 ? err : tocsin__op_end(op, -ECANCELED);
}

static void on_deadline(struct tocsin__timer *timer)
{
    tocsin__op_end(tocsin__container(timer, struct tocsin__op, deadline), -ETIMEDOUT);
}

int tocsin_deadline(struct tocsin_op id, int64_t timeout_ms)
{
    struct tocsin__op *op;
    int err = timeout_ms < -1 ? -EINVAL : tocsin__op_find(id, &op);

    if (err < 0)
        return err;
    if (op->phase >= TOCSIN__ENDS)
        return -EALREADY;
    op->deadline.fire = on_deadline;
    if (timeout_ms < 0)
        tocsin__timer_disarm(op->engine, &op->deadline);
    else
        tocsin__timer_arm(op->engine, &op->deadline, tocsin__due_in(op->engine, timeout_ms));
    return 0;
}

int tocsin_op_status(struct tocsin_op id)
{
    struct tocsin__op *op;
    int err = tocsin__op_find(id, &op);

    return err < 0 ? err : op->phase == TOCSIN__ENDED ? op->status : -EINPROGRESS;
}

int tocsin__op_free(struct tocsin__op *op)
{
    op->notify.how &= ~(unsigned)TOCSIN_KEEP;
    if (op->phase == TOCSIN__ENDED)
        tocsin__op_gone(op);
    return 0;
}

int tocsin_op_free(struct tocsin_op id)
{
    struct tocsin__op *op;
    int err = tocsin__op_find(id, &op);

    if (err < 0)
        return err;
    if (op->phase == TOCSIN__MADE) {
        tocsin__op_started(op, -ECANCELED, NULL);
        return 0;
    }
    if (!(op->notify.how & TOCSIN_KEEP))
        return -EINVAL;
    return op->waiter ? -EBUSY : tocsin__op_free(op);
}

int tocsin_op_next(struct tocsin_op after, struct tocsin_op_facts *ret_facts)
{
    struct tocsin__source *source;
    uint64_t id = after.source.id;
    struct tocsin__op *op;

    if (!ret_facts || tocsin_id_error(id))
        return ret_facts ? tocsin_id_error(id) : -EINVAL;
    if (tocsin__inherited(tocsin__self))
        return -EOWNERDEAD;
    while ((source = tocsin__id_after(&tocsin__self->sources, id)) && tocsin__op_find((struct tocsin_op){ { source->id } }, &op) < 0)
        id = source->id;
    if (!source)
        return -ENOENT;
    *ret_facts = (struct tocsin_op_facts){
        .op = { { source->id } }, .name = tocsin__signal(op->kind->done)->name, .owner = op->owner->name,
        .status = op->phase == TOCSIN__ENDED ? op->status : -EINPROGRESS, .serving = op->serving,
    };
    return 0;
}
