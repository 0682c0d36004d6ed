/* The notify of an operation. It is checked when the operation starts, and called after the
 * handlers (O9). */
#include "base/refusal.h"
#include "delivery/context.h"
#include "delivery/emit.h"
#include "delivery/hooks.h"
#include "op/lifecycle.h"
#include "op/notify.h"
#include "op/op_owner.h"
#include "op/pause.h"
#include "op/progress.h"
#include "registry/catalogue.h"

/* the bits of a mode that do not say how it notifies */
#define FLAGS ((unsigned)(TOCSIN_BACKGROUND | TOCSIN_NO_INJECT | TOCSIN_ON_FIBER))

int tocsin__notify_check(const struct tocsin_notify *notify)
{
    unsigned how = notify->mode & ~FLAGS, calls = how & (TOCSIN_AT_END | TOCSIN_AT_EACH);

    if (notify->mode & ~127u || notify->spare[0] || notify->spare[1])
        return tocsin__because(
            -EINVAL,
            "the notify has an unknown flag, or its spare words are not zero: is it initialized?");
    if (calls && !notify->fn)
        return tocsin__because(-EINVAL, "the notify's function is NULL");
    if (calls ? how != calls : how & (how - 1)) /* more than one bit is set, which is not allowed */
        return tocsin__because(-EINVAL,
                               "the notify must have only one of these: a call, a queue, a future");
    if (notify->mode & TOCSIN_ON_FIBER && how != TOCSIN_AT_EACH)
        return tocsin__because(-EINVAL, "TOCSIN_ON_FIBER is for the calls at progress alone: use "
                                        "TOCSIN_FIBERS, and a notify without it for the end");
    return 0;
}

int tocsin__notify_check_type(const struct tocsin__op_type *kind, const struct tocsin_op_type *type,
                              const struct tocsin_notify *notify)
{
    unsigned how = notify ? notify->mode & ~FLAGS : 0;
    const char *name = tocsin__signal(kind->done)->name;

    if (how == TOCSIN_AT_EACH && !kind->progress[0])
        return tocsin__because(-EINVAL,
                               "TOCSIN_EACH is called at progress, and an operation "
                               "that ends with '%s' emits none: use TOCSIN_CALL",
                               name);
    if (how == TOCSIN_KEEP && tocsin__type_is_persistent(type))
        return tocsin__because(-EINVAL,
                               "TOCSIN_FUTURE keeps the result of an operation, and one with the "
                               "terminal signal '%s' never ends by itself: use TOCSIN_EACH",
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

/* The function was not called, since its fiber could not begin. */
static void notify_failed(const struct tocsin__op *op, const struct tocsin_info *info, int err)
{
    int signo = tocsin__catalogue_signo(&tocsin__handler_failed_spec);

    if (tocsin_has_listeners(signo) > 0)
        tocsin_emit(signo, TOCSIN_PAYLOAD(tocsin_handler_failed, .signal = info->name, .error = err,
                                          .where = "", .owner = op->owner->name));
}

int tocsin__op_call(struct tocsin__op *op, const struct tocsin_info *info)
{
    struct tocsin__loop *loop = tocsin__op_engine(op)->loop;
    uint64_t parent = loop->parent;
    struct tocsin__context was;
    int err = 0;

    /* the thread has ended (T6): only background operations are still notified */
    if (loop->life.thread_ended && !op->background)
        return 0;
    was = tocsin__context_enter(
        loop, (struct tocsin__activity){ (const void *)op->notify, info->name, op->source.id });
    tocsin__loop_enter(loop);
    tocsin__set_parent(loop, info->sequence);
    if (op->mode & TOCSIN_ON_FIBER)
        err = tocsin__hooks.fiber_call(info, op->notify, op->notify_arg, NULL);
    else
        op->notify(info, op->notify_arg);
    if (err < 0)
        notify_failed(op, info, err);
    tocsin__set_parent(loop, parent);
    tocsin__loop_leave_untidy(loop);
    tocsin__context_restore(loop, &was);
    if (loop->hooks.watch)
        loop->hooks.watch(loop);
    tocsin__tidy_at_rest(loop);
    return err;
}

/* Whether the operation may get another notify in its current phase. Returns 0 or an error. */
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

/* Reserves a place for the end of the operation in the queue of the new notify. */
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
