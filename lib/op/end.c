/* The delivery of an operation's end: the handlers, then the notify, then the waiter. */
#include "delivery/emit.h"
#include "remote/completion_message.h"
#include "remote/inject.h"
#include "loop/ready.h"
#include "op/end.h"
#include "op/inject.h"
#include "op/lifecycle.h"
#include "op/notify.h"
#include "op/pause.h"
#include "op/progress.h"
#include "op/reserve.h"

static void end_fill_info(struct tocsin__op *op)
{
    struct tocsin_info *seen = &op->info.pub;

    seen->signo = op->kind->done;
    seen->code = TOCSIN_DONE;
    seen->status = op->status;
    seen->name = tocsin__signal(op->kind->done)->name;
    seen->source.id = op->source.id;
    seen->parent = op->parent;
    op->info.data = op->source.data;
}

static void end_notify(struct tocsin__op *op)
{
    struct tocsin__sink *sink = tocsin__op_sink(op);

    if (op->notify.mode & TOCSIN_AT_END)
        tocsin__op_call(op, &op->info.pub);
    if (sink)
        sink->put(sink, tocsin_info_ref(&op->info.pub));
}

/* TOCSIN_FUTURE: keeps the result until it is taken, and wakes the waiter. */
static void end_keep_result(struct tocsin__op *op)
{
    struct tocsin__waiter *waiter = op->waiter;

    tocsin__op_set_phase(op, TOCSIN__OP_KEPT);
    if (waiter)
        waiter->wake(waiter, op);
}

/* Ends the delivery after the handlers. If a jump has left the notify, the notify is not called a
 * second time. */
static void end_finish(struct tocsin__op *op)
{
    if (op->phase == TOCSIN__OP_ENDING) {
        tocsin__op_set_phase(op, TOCSIN__OP_NOTIFYING);
        end_notify(op);
    }
    if (op->notify.mode & TOCSIN_KEEP)
        end_keep_result(op);
    else
        tocsin__op_release(op);
}

static void end_handlers_done(struct tocsin__op *op, int result)
{
    struct tocsin__ops *ops = tocsin__ops(op->engine);

    ops->ending = NULL;
    tocsin__completion_messages_drop(op->engine->loop);
    if (result != TOCSIN_PENDED)
        tocsin__ops_unexpect(ops, op->kind->done);
}

/* The end is not pending any more: it was delivered to the handlers, or dropped. */
static void on_end_unpended(struct tocsin__pending *pending)
{
    struct tocsin__op *op = tocsin__container(pending, struct tocsin__op, end_pending);

    tocsin__ops_unexpect(tocsin__ops(op->engine), op->kind->done);
    if (op->phase == TOCSIN__OP_OVER)
        tocsin__op_release(op);
}

static void end_deliver(struct tocsin__op *op)
{
    struct tocsin__ops *ops = tocsin__ops(op->engine);
    struct tocsin__loop *loop = op->engine->loop;
    int result;

    tocsin__op_deadline_free(op);
    tocsin__op_pause_end(op);
    tocsin__op_set_phase(op, TOCSIN__OP_ENDING);
    end_fill_info(op);
    ops->ending = op;
    op->end_pending.gone = on_end_unpended;
    result = tocsin__announce(loop, op->kind->done, &op->source, &op->info, &op->end_pending,
                              op->notify.mode & (TOCSIN_AT_END | TOCSIN_INTO_QUEUE | TOCSIN_KEEP));
    end_handlers_done(op, result);
    end_finish(op);
}

/* In the turn after a jump that left the handlers or the notify. */
static void on_end_left(struct tocsin__node *node)
{
    struct tocsin__op *op = tocsin__container(node, struct tocsin__op, end_node);

    if (op->phase == TOCSIN__OP_ENDING)
        end_handlers_done(op, TOCSIN_DELIVERED);
    end_finish(op);
}

void tocsin__op_left(struct tocsin__op *op)
{
    op->end_node.run = on_end_left;
    tocsin__ready_push(op->engine, &op->end_node);
}

/* Allocates the messages that carry the end to other loops. false: no memory. */
static bool end_has_messages(struct tocsin__op *op)
{
    struct tocsin__loop *loop = op->engine->loop;
    struct tocsin__signal *signal = tocsin__signal(op->kind->done);

    return !tocsin__has_other_listeners(signal, tocsin__loop_signal(loop, signal->signo)) ||
           tocsin__completion_messages_make(loop, signal) == 0;
}

static void end_announce(struct tocsin__op *op)
{
    if (end_has_messages(op))
        end_deliver(op);
    else
        tocsin__ready_push(op->engine, &op->end_node); /* no memory: retry in the next turn */
}

void tocsin__op_deliver_end(struct tocsin__node *node)
{
    struct tocsin__op *op = tocsin__container(node, struct tocsin__op, end_node);

    tocsin__op_disarm(op);
    if (op->status < 0)
        tocsin__op_progress_drop(op);
    if (tocsin__op_has_progress(op)) { /* deliver that first */
        op->progress->end_waits = true;
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
