/* Paused operations: their progress was refused, or is held. The loop asks them again when a
 * handler was connected or a queue has room. */
#include "loop/ready.h"
#include "base/assert.h"
#include "op/complete.h"
#include "op/demand.h"
#include "op/pause.h"
#include "op/progress.h"

static struct tocsin__paused *paused_of(struct tocsin__op *op)
{
    return tocsin__op_is_thin(op) ? &op->run.thin.paused : &tocsin__op_progress(op)->paused;
}

/* Once the end is announced, a thin operation has no place in a list any more. */
static bool pause_has_place(const struct tocsin__op *op)
{
    return op->kind->progress[0] && !(op->announced && tocsin__op_is_thin(op));
}

static bool pause_is_linked(struct tocsin__op *op)
{
    return pause_has_place(op) && paused_of(op)->link;
}

/* The list for the operation. Nobody listens: only a connection changes that. Otherwise a listener
   has no room: that may change at any time. */
static struct tocsin__op **pause_list(struct tocsin__ops *ops, const struct tocsin__op *op)
{
    bool is_unwanted = op->progress == TOCSIN__PROGRESS_IDLE &&
                       !(tocsin__op_type(op)->flags & TOCSIN__ASKS) && tocsin__op_demand(op) == 0;

    return is_unwanted ? &ops->unwanted : &ops->paused;
}

static void pause_link(struct tocsin__op *op)
{
    struct tocsin__ops *ops = tocsin__ops(tocsin__op_engine(op));
    struct tocsin__paused *paused = paused_of(op);
    struct tocsin__op **list;

    if (!pause_has_place(op) || paused->link)
        return;
    list = pause_list(ops, op);
    if (!ops->paused && !ops->unwanted) {
        ops->resumed_age = ops->engine->loop->age;
        ops->resumed_wide_age = ops->engine->loop->wide_age;
    }
    paused->next = *list;
    paused->link = list;
    if (paused->next)
        paused_of(paused->next)->link = &paused->next;
    *list = op;
}

static void pause_unlink(struct tocsin__op *op)
{
    struct tocsin__ops *ops = tocsin__ops(tocsin__op_engine(op));
    struct tocsin__paused *paused;

    if (!pause_is_linked(op))
        return;
    paused = paused_of(op);
    tocsin__assert(*paused->link == op);
    if (ops->resume_next == op)
        ops->resume_next = paused->next;
    *paused->link = paused->next;
    if (paused->next)
        paused_of(paused->next)->link = paused->link;
    paused->link = NULL;
}

void tocsin__op_pause(struct tocsin__op *op)
{
    op->refused = true;
    if (op->progress == TOCSIN__PROGRESS_IDLE)
        pause_link(op); /* otherwise tocsin__op_resume_refused resumes it after the delivery */
}

void tocsin__op_pause_end(struct tocsin__op *op)
{
    op->refused = false;
    pause_unlink(op);
}

void tocsin__op_ask(struct tocsin__op *op)
{
    struct tocsin__loop *loop = tocsin__op_engine(op)->loop;

    if (!pause_is_linked(op))
        return;
    pause_unlink(op);
    pause_link(op);
    tocsin__ops(tocsin__op_engine(op))->resume_wanted = true;
    if (loop->hooks.kick_pollers)
        loop->hooks.kick_pollers(loop);
}

void tocsin__op_heard(struct tocsin__source *source)
{
    if (source->is_op)
        tocsin__op_ask(tocsin__container(source, struct tocsin__op, source));
}

/* Whether resume may be called now. It is not called for an operation that was completed or asked
 * to end. While another thread copies the payload of a completion, the copy may still fail, so the
 * next turn asks again. */
static bool pause_may_resume(const struct tocsin__op *op)
{
    if (op->phase != TOCSIN__OP_RUNNING)
        return false;
    if (tocsin__op_copies(op))
        tocsin__ops(tocsin__op_engine(op))->resume_wanted = true;
    return tocsin__op_open(op);
}

static void pause_resume(struct tocsin__op *op)
{
    struct tocsin_op id = { { op->source.id } };

    tocsin__op_pause_end(op);
    if (tocsin__op_type(op)->resume)
        tocsin__op_type(op)->resume(id, tocsin__op_state(op));
}

void tocsin__op_resume_refused(struct tocsin__op *op)
{
    if (!op->refused)
        return;
    if (pause_may_resume(op) && tocsin__op_demand(op) == 1)
        pause_resume(op);
    else
        tocsin__op_pause(op);
}

void tocsin__op_cancel_refused(struct tocsin__op *op)
{
    if (pause_is_linked(op))
        tocsin__ops(tocsin__op_engine(op))->resume_wanted = true;
}

void tocsin__op_hold_progress(struct tocsin__op *op)
{
    op->progress = TOCSIN__PROGRESS_HELD;
    pause_link(op);
}

void tocsin__op_unhold_progress(struct tocsin__op *op)
{
    tocsin__assert(op->progress == TOCSIN__PROGRESS_HELD);
    op->progress = TOCSIN__PROGRESS_READY;
    pause_unlink(op);
}

/* Whether the paused operation goes on. */
static bool pause_ask(struct tocsin__op *op)
{
    if (op->progress == TOCSIN__PROGRESS_HELD) {
        if (!tocsin__op_progress_is_deliverable(op))
            return false;
        tocsin__op_unhold_progress(op);
        tocsin__ready_push(tocsin__op_engine(op), &tocsin__op_progress(op)->node);
        return true;
    }
    if (!pause_may_resume(op) ||
        (!(tocsin__op_type(op)->flags & TOCSIN__ASKS) && tocsin__op_demand(op) != 1))
        return false;
    pause_resume(op);
    return true;
}

/* Operations that pause now are linked before those that are asked. An operation that does not go
   on moves to the other list if the reason has changed. */
static void pause_ask_all(struct tocsin__ops *ops, struct tocsin__op **list)
{
    struct tocsin__op *op;

    ops->resume_next = *list;
    while ((op = ops->resume_next) && !tocsin__inherited(ops->engine->loop)) {
        ops->resume_next = paused_of(op)->next;
        if (pause_ask(op) || !pause_is_linked(op) || pause_list(ops, op) == list)
            continue;
        pause_unlink(op);
        pause_link(op);
    }
}

bool tocsin__resumable(struct tocsin__loop_client *loop_client)
{
    const struct tocsin__ops *ops = (const struct tocsin__ops *)loop_client;
    const struct tocsin__loop *loop = ops->engine->loop;

    return (ops->paused && (ops->resume_wanted || ops->resumed_age != loop->age)) ||
           (ops->unwanted && ops->resumed_wide_age != loop->wide_age);
}

/* resume is code of the provider. The loop counts it as a running handler, so nothing is freed
 * before resume returns. */
void tocsin__resume(struct tocsin__loop_client *loop_client)
{
    struct tocsin__ops *ops = (struct tocsin__ops *)loop_client;
    struct tocsin__loop *loop = ops->engine->loop;
    bool is_wide = ops->resumed_wide_age != loop->wide_age;

    ops->resume_wanted = false;
    ops->resumed_age = loop->age;
    ops->resumed_wide_age = loop->wide_age;
    tocsin__loop_enter(loop);
    pause_ask_all(ops, &ops->paused);
    if (is_wide)
        pause_ask_all(ops, &ops->unwanted);
    tocsin__loop_leave_untidy(loop);
}
