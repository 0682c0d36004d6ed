/* Delivers the end of an operation: first to the handlers, then to the notify, then to the
 * waiter. */
#include "delivery/emit.h"
#include "remote/completion_message.h"
#include "remote/inject.h"
#include "loop/ready.h"
#include "op/complete.h"
#include "op/dependent.h"
#include "op/end.h"
#include "op/inject.h"
#include "op/late.h"
#include "op/lifecycle.h"
#include "op/notify.h"
#include "op/pause.h"
#include "op/progress.h"
#include "op/reserve.h"

static void end_notify(struct tocsin__op *op)
{
    struct tocsin__sink *sink = tocsin__op_sink(op);

    if (op->mode & TOCSIN_AT_END)
        tocsin__op_call(op, &op->info.pub);
    if (sink)
        sink->put(sink, tocsin_info_ref(&op->info.pub));
}

/* TOCSIN_FUTURE: keeps the result until the program takes it, and wakes the waiter. */
static void end_keep_result(struct tocsin__op *op)
{
    struct tocsin__waiter *waiter = tocsin__op_waiter(op);

    tocsin__op_set_phase(op, TOCSIN__OP_KEPT);
    if (waiter)
        waiter->wake(waiter, op);
}

/* Does what follows the handlers: the notify, then the waiter or the release. If a jump (longjmp)
 * has left the notify, the notify is not called again. */
static void end_finish(struct tocsin__op *op)
{
    if (op->phase == TOCSIN__OP_ENDING) {
        tocsin__op_set_phase(op, TOCSIN__OP_NOTIFYING);
        end_notify(op);
    }
    if (op->mode & TOCSIN_KEEP)
        end_keep_result(op);
    else
        tocsin__op_release(op);
}

static void end_handlers_done(struct tocsin__op *op, int result)
{
    struct tocsin__ops *ops = tocsin__ops(tocsin__op_engine(op));

    ops->ending = NULL;
    tocsin__completion_messages_drop(tocsin__op_engine(op)->loop);
    if (result != TOCSIN_PENDED)
        tocsin__ops_unexpect(ops, op->kind->done);
}

/* The pending end of the operation has left the pending list: it was delivered to the handlers, or
 * dropped. */
static void on_end_unpended(struct tocsin__pending *pending)
{
    struct tocsin__op *op = tocsin__container(pending, struct tocsin__op_rare, end_pending)->op;

    tocsin__ops_unexpect(tocsin__ops(tocsin__op_engine(op)), op->kind->done);
    if (op->phase == TOCSIN__OP_OVER)
        tocsin__op_release(op);
}

static void end_deliver(struct tocsin__op *op)
{
    struct tocsin__ops *ops = tocsin__ops(tocsin__op_engine(op));
    bool notified = op->mode & (TOCSIN_AT_END | TOCSIN_INTO_QUEUE | TOCSIN_KEEP);
    struct tocsin__pending *place = op->rare ? &op->rare->end_pending : NULL;
    int result;

    tocsin__op_deadline_end(op);
    tocsin__op_pause_end(op);
    tocsin__op_dependents_end(op, op->status);
    tocsin__op_set_phase(op, TOCSIN__OP_ENDING);
    tocsin__op_make_info(op);
    ops->ending = op;
    if (place)
        place->gone = on_end_unpended;
    result = tocsin__announce(ops->engine->loop, op->kind->done, &op->source, &op->info, place,
                              TOCSIN__IS_END | (notified ? TOCSIN__NOTIFIED : 0));
    end_handlers_done(op, result);
    end_finish(op);
}

/* Continues in a later turn, after a jump (longjmp) has left the handlers or the notify. */
static void end_go_on(struct tocsin__op *op)
{
    if (op->phase == TOCSIN__OP_ENDING)
        end_handlers_done(op, TOCSIN_DELIVERED);
    end_finish(op);
}

/* Calls the function that the program passed to tocsin_then after the operation had ended. */
static void end_call_then(struct tocsin__op *op)
{
    tocsin__op_call(op, &op->info.pub);
    tocsin__op_release(op);
}

void tocsin__ops_run_late(struct tocsin__node *node)
{
    struct tocsin__ops *ops = tocsin__container(node, struct tocsin__ops, late_node);

    ops->late_is_ready = false;
    for (uint32_t count = ops->late_count; count && ops->late; count--) {
        struct tocsin__op *op = ops->late;

        tocsin__op_late_forget(op);
        if (op->phase == TOCSIN__OP_KEPT)
            end_call_then(op);
        else
            end_go_on(op);
    }
    tocsin__ops_late_ready(ops);
}

/* Allocates the messages that carry the end to other loops. Returns false if there is no memory. */
static bool end_has_messages(struct tocsin__op *op)
{
    struct tocsin__loop *loop = tocsin__op_engine(op)->loop;
    struct tocsin__signal *signal = tocsin__signal(op->kind->done);

    return !tocsin__has_other_listeners(signal, tocsin__loop_signal(loop, signal->signo)) ||
           tocsin__completion_messages_make(loop, signal) == 0;
}

/* Allocates the place of the end in the pending list, if its signal may be held back. Returns false
 * if there is no memory. */
static bool end_has_place(struct tocsin__op *op)
{
    struct tocsin__loop *loop = tocsin__op_engine(op)->loop;
    struct tocsin__loop_signal *loop_signal;

    if (tocsin__signal(op->kind->done)->unresolved)
        tocsin__patterns_resolve(loop);
    loop_signal = tocsin__loop_signal(loop, op->kind->done);
    return !loop_signal || !(loop_signal->state & ~(uint32_t)TOCSIN__GATED) || tocsin__op_rare(op);
}

static void end_announce(struct tocsin__op *op)
{
    if (end_has_place(op) && end_has_messages(op))
        end_deliver(op);
    else
        tocsin__op_push_end(op); /* no memory: retry in the next turn */
}

void tocsin__op_deliver_end(struct tocsin__node *node)
{
    struct tocsin__op *op = tocsin__container(node, struct tocsin__op, run.end_node);

    op->is_ready = false;
    tocsin__op_disarm(op);
    if (op->status < 0)
        tocsin__op_progress_drop(op);
    if (tocsin__op_has_progress(op)) { /* deliver that first */
        op->end_waits = true;
        return;
    }
    switch (op->phase) {
    case TOCSIN__OP_UNDONE: tocsin__op_release(op); return;
    case TOCSIN__OP_MADE: tocsin__op_set_phase(op, TOCSIN__OP_EARLY); return;
    case TOCSIN__OP_RUNNING:
        if (tocsin__is_injecting() && tocsin__op_inject_delay(op))
            return;
        break;
    default: break;
    }
    end_announce(op);
}
