/* Paused operations: their progress was refused, or is held. The loop asks them again when a
 * handler was connected or a queue has room. */
#include "loop/ready.h"
#include "base/assert.h"
#include "op/complete.h"
#include "op/demand.h"
#include "op/pause.h"
#include "op/progress.h"

static void pause_link(struct tocsin__progress *progress)
{
    struct tocsin__ops *ops = tocsin__ops(tocsin__op_engine(progress->op));

    if (progress->paused_link)
        return;
    if (!ops->paused)
        ops->resumed_age = tocsin__op_engine(progress->op)->loop->age;
    progress->paused_next = ops->paused;
    progress->paused_link = &ops->paused;
    if (progress->paused_next)
        progress->paused_next->paused_link = &progress->paused_next;
    ops->paused = progress;
}

static void pause_unlink(struct tocsin__progress *progress)
{
    struct tocsin__ops *ops = tocsin__ops(tocsin__op_engine(progress->op));

    if (!progress->paused_link)
        return;
    tocsin__assert(*progress->paused_link == progress);
    if (ops->resume_next == progress)
        ops->resume_next = progress->paused_next;
    *progress->paused_link = progress->paused_next;
    if (progress->paused_next)
        progress->paused_next->paused_link = progress->paused_link;
    progress->paused_link = NULL;
}

void tocsin__op_pause(struct tocsin__op *op)
{
    tocsin__op_progress(op)->refused = true;
    if (tocsin__op_progress(op)->state == TOCSIN__PROGRESS_IDLE)
        pause_link(tocsin__op_progress(
            op)); /* if progress is being delivered now, tocsin__op_resume_refused resumes the
                   * operation afterwards */
}

void tocsin__op_pause_end(struct tocsin__op *op)
{
    if (!tocsin__op_progress(op))
        return;
    tocsin__op_progress(op)->refused = false;
    pause_unlink(tocsin__op_progress(op));
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
        tocsin__op_type(op)->resume(id, op->state);
}

void tocsin__op_resume_refused(struct tocsin__op *op)
{
    if (!tocsin__op_progress(op)->refused)
        return;
    if (pause_may_resume(op) && tocsin__op_has_demand(op))
        pause_resume(op);
    else
        tocsin__op_pause(op);
}

void tocsin__op_cancel_refused(struct tocsin__op *op)
{
    if (tocsin__op_progress(op) && tocsin__op_progress(op)->paused_link)
        tocsin__ops(tocsin__op_engine(op))->resume_wanted = true;
}

void tocsin__op_hold_progress(struct tocsin__op *op)
{
    tocsin__op_progress(op)->state = TOCSIN__PROGRESS_HELD;
    pause_link(tocsin__op_progress(op));
}

void tocsin__op_unhold_progress(struct tocsin__op *op)
{
    tocsin__assert(tocsin__op_progress(op)->state == TOCSIN__PROGRESS_HELD);
    tocsin__op_progress(op)->state = TOCSIN__PROGRESS_READY;
    pause_unlink(tocsin__op_progress(op));
}

static void pause_ask(struct tocsin__op *op)
{
    if (tocsin__op_progress(op)->state == TOCSIN__PROGRESS_HELD) {
        if (!tocsin__op_progress_is_deliverable(op))
            return;
        tocsin__op_unhold_progress(op);
        tocsin__ready_push(tocsin__op_engine(op), &tocsin__op_progress(op)->node);
    } else if (pause_may_resume(op) &&
               (tocsin__op_type(op)->flags & TOCSIN__ASKS || tocsin__op_has_demand(op))) {
        pause_resume(op);
    }
}

bool tocsin__resumable(struct tocsin__loop_client *loop_client)
{
    const struct tocsin__ops *ops = (const struct tocsin__ops *)loop_client;

    return ops->paused && (ops->resume_wanted || ops->resumed_age != ops->engine->loop->age);
}

/* resume is code of the provider. The loop counts it as a running handler, so nothing is freed
 * before resume returns. */
void tocsin__resume(struct tocsin__loop_client *loop_client)
{
    struct tocsin__ops *ops = (struct tocsin__ops *)loop_client;
    struct tocsin__progress *progress;

    ops->resume_wanted = false;
    ops->resumed_age = ops->engine->loop->age;
    tocsin__loop_enter(ops->engine->loop);
    ops->resume_next = ops->paused;
    while ((progress = ops->resume_next) && !tocsin__inherited(ops->engine->loop)) {
        /* an operation that is paused by a resume is linked in front of these, and is not
         * visited */
        ops->resume_next = progress->paused_next;
        pause_ask(progress->op);
    }
    tocsin__loop_leave_untidy(ops->engine->loop);
}
