/* The notify of an operation: checked at the start, called after the handlers (O9). */
#include "base/refusal.h"
#include "delivery/context.h"
#include "delivery/emit.h"
#include "op/lifecycle.h"
#include "op/notify.h"
#include "op/op_owner.h"
#include "op/pause.h"
#include "op/progress.h"

int tocsin__notify_check(const struct tocsin_notify *notify)
{
    unsigned how = notify->mode & ~(unsigned)(TOCSIN_BACKGROUND | TOCSIN_NO_INJECT),
             calls = how & (TOCSIN_AT_END | TOCSIN_AT_EACH);

    if (notify->mode & ~63u || notify->spare[0] || notify->spare[1])
        return tocsin__because(
            -EINVAL,
            "the notify has an unknown flag, or its spare words are not zero: is it initialized?");
    if (calls && !notify->fn)
        return tocsin__because(-EINVAL, "the notify's function is NULL");
    if (calls ? how != calls : how & (how - 1)) /* more than one bit */
        return tocsin__because(-EINVAL,
                               "the notify must have only one of these: a call, a queue, a future");
    return 0;
}

int tocsin__notify_check_type(const struct tocsin__op_type *kind, const struct tocsin_op_type *type,
                              const struct tocsin_notify *notify)
{
    unsigned how = notify ? notify->mode & ~(unsigned)TOCSIN_BACKGROUND : 0;
    const char *name = tocsin__signal(kind->done)->name;

    if (how == TOCSIN_AT_EACH && !kind->progress[0])
        return tocsin__because(-EINVAL,
                               "TOCSIN_EACH is called at progress, and an operation "
                               "that ends with '%s' emits none: use TOCSIN_CALL",
                               name);
    if (how == TOCSIN_KEEP && tocsin__type_is_persistent(type))
        return tocsin__because(-EINVAL,
                               "TOCSIN_FUTURE keeps the result of the end, and an operation "
                               "that ends with '%s' does not end by itself: use TOCSIN_EACH",
                               name);
    if (how == TOCSIN_AT_END && tocsin__type_is_persistent(type) && kind->progress[0])
        tocsin__remark(
            "TOCSIN_CALL is called only at the end, and an operation that ends with '%s' "
            "ends only when it is cancelled: use TOCSIN_EACH for each progress",
            name);
    return 0;
}

void tocsin__op_set_notify(struct tocsin__op *op, const struct tocsin_notify *notify)
{
    op->mode = (uint8_t)notify->mode;
    op->no_inject = notify->mode & TOCSIN_NO_INJECT;
    op->notify_arg = notify->arg;
    if (notify->mode & (TOCSIN_AT_END | TOCSIN_AT_EACH))
        op->notify = notify->fn;
    else if (notify->mode & TOCSIN_INTO_QUEUE)
        op->queue = notify->queue.id;
}

void tocsin__op_call(struct tocsin__op *op, const struct tocsin_info *info)
{
    struct tocsin__loop *loop = tocsin__op_engine(op)->loop;
    uint64_t parent = loop->parent;
    struct tocsin__context was;

    /* T6: the thread has ended, and only background operations are still notified */
    if (loop->life.thread_ended && !op->background)
        return;
    was = tocsin__context_enter(
        loop, (struct tocsin__activity){ (const void *)op->notify, info->name, op->source.id });
    tocsin__loop_enter(loop);
    tocsin__set_parent(loop, info->sequence);
    op->notify(info, op->notify_arg);
    tocsin__set_parent(loop, parent);
    tocsin__loop_leave_untidy(loop);
    tocsin__context_restore(loop, &was);
    if (loop->hooks.watch)
        loop->hooks.watch(loop);
    tocsin__tidy_at_rest(loop);
}

/* Whether the operation can have another notify now. */
static int notify_check_change(const struct tocsin__op *op, const struct tocsin_notify *notify)
{
    if (op->phase >= TOCSIN__OP_ENDING)
        return -EALREADY;
    if (tocsin__op_waiter(op))
        return tocsin__because(-EBUSY, "somebody waits for the result of the operation");
    if (tocsin__op_has_progress(op) && tocsin__op_progress(op)->info)
        return tocsin__because(-EBUSY, "progress is on its way to the queue of the old notify");
    if (notify->mode & TOCSIN_BACKGROUND && !op->background)
        return tocsin__because(-EINVAL, "the operation was started without TOCSIN_BACKGROUND");
    return tocsin__notify_check_type(op->kind, tocsin__op_type(op), notify);
}

/* Reserves a place for the end in the queue of the new notify. */
static int notify_reserve(struct tocsin__op *op, const struct tocsin_notify *notify)
{
    struct tocsin__sink *sink;
    void *queue;
    int err;

    if (!(notify->mode & TOCSIN_INTO_QUEUE))
        return 0;
    err = tocsin__loop_find(offsetof(struct tocsin__loop, ids.queues), notify->queue.id, &queue);
    if (err < 0)
        return err;
    sink = queue;
    err = sink->reserve(sink);
    if (err == -EAGAIN)
        sink->refused(sink, tocsin__signal(op->kind->done)->name);
    return err;
}

static int notify_change(struct tocsin__op *op, const struct tocsin_notify *notify)
{
    struct tocsin__sink *old = tocsin__op_sink(op);
    uint8_t kept = op->mode & TOCSIN_BACKGROUND;
    int err = notify_check_change(op, notify);

    if (err == 0)
        err = notify_reserve(op, notify);
    if (err < 0)
        return err;
    if (old)
        old->release(old);
    tocsin__op_set_notify(op, notify);
    op->mode |= kept;
    if (notify->fn)
        tocsin__op_set_owner(op, (const void *)notify->fn);
    tocsin__op_ask(op); /* a paused operation may be wanted now */
    return 0;
}

int tocsin_op_notify(struct tocsin_op id, const struct tocsin_notify *notify)
{
    static const struct tocsin_notify none;
    struct tocsin__op *op;
    int err = notify ? tocsin__notify_check(notify) : 0;

    if (err == 0)
        err = tocsin__op_find(id, &op);
    if (err == 0)
        err = notify_change(op, notify ? notify : &none);
    return tocsin__traced(err);
}
