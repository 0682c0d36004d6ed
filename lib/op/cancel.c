/* Requests to end an operation early: by tocsin_cancel, by its deadline, or because its start
 * failed. */
#include "base/refusal.h"
#include "loop/clock.h"
#include "loop/ready.h"
#include "op/cancel.h"
#include "op/complete.h"
#include "op/inject.h"
#include "op/lifecycle.h"
#include "op/pause.h"
#include "op/progress.h"
#include "op/reserve.h"

/* Asks a running operation to end. Returns what tocsin_cancel returns. */
static int op_request_end(struct tocsin__op *op, int reason)
{
    struct tocsin_op id = { { op->source.id } };
    int err = 0;

    switch (tocsin__op_claim_request(op, reason)) {
    case TOCSIN__CLAIM_TAKEN: /* the operation is completed: its real result is on the way to the
                               * loop */
        tocsin__op_set_phase(op, TOCSIN__OP_COMPLETED);
        return -EALREADY;
    case TOCSIN__CLAIM_ASKED: tocsin__op_set_phase(op, TOCSIN__OP_CANCELED); return 0;
    case TOCSIN__CLAIM_OPEN: break;
    }
    if (tocsin__op_type(op) && !tocsin__op_type(op)->cancel)
        return -EBUSY;
    tocsin__op_set_phase(op, TOCSIN__OP_CANCELED);
    if (tocsin__op_type(op))
        err = tocsin__op_type(op)->cancel(id, tocsin__op_state(op), reason);
    else
        tocsin__op_complete(op, reason, NULL);
    if (err < 0 && op->phase == TOCSIN__OP_CANCELED)
        tocsin__op_set_phase(op, TOCSIN__OP_RUNNING);
    if (err < 0)
        tocsin__op_cancel_refused(op);
    return err < 0 ? -EBUSY : 0;
}

int tocsin__op_end(struct tocsin__op *op, int reason)
{
    if (op->end_waits)
        tocsin__op_progress_drop(op); /* the end waits only for this progress to be delivered */
    switch (op->phase) {
    case TOCSIN__OP_MADE:
    case TOCSIN__OP_EARLY:
    case TOCSIN__OP_UNDONE: return -EINVAL;
    case TOCSIN__OP_RUNNING: return op_request_end(op, reason);
    case TOCSIN__OP_DELAYED: tocsin__op_delay_end(op, reason); return 0;
    case TOCSIN__OP_CANCELED:
    case TOCSIN__OP_COMPLETED:
    case TOCSIN__OP_ENDING:
    case TOCSIN__OP_NOTIFYING:
    case TOCSIN__OP_KEPT:
    case TOCSIN__OP_OVER: break;
    }
    return -EALREADY;
}

int tocsin_cancel(struct tocsin_op id)
{
    struct tocsin__op *op;
    int err = tocsin__op_find(id, &op);

    return tocsin__traced(err < 0 ? err : tocsin__op_end(op, -ECANCELED));
}

static void on_deadline(struct tocsin__timer *timer)
{
    tocsin__op_end(tocsin__container(timer, struct tocsin__op_rare, deadline)->op, -ETIMEDOUT);
}

int tocsin__op_deadline_make(struct tocsin__op *op)
{
    if (!tocsin__op_rare(op))
        return -ENOMEM;
    op->rare->deadline.fire = on_deadline;
    return 0;
}

int tocsin_op_deadline(struct tocsin_op id, int64_t timeout_ms)
{
    struct tocsin__op *op;
    int err = timeout_ms < -1 ? -EINVAL : tocsin__op_find(id, &op);

    if (err < 0)
        return tocsin__traced(err);
    if (op->phase >= TOCSIN__OP_ENDING)
        return tocsin__traced(-EALREADY);
    if (timeout_ms < 0) {
        tocsin__op_deadline_end(op);
        return 0;
    }
    err = tocsin__op_deadline_make(op);
    if (err == 0)
        tocsin__timer_arm(tocsin__op_engine(op), &op->rare->deadline,
                          tocsin__due_in(tocsin__op_engine(op), timeout_ms));
    return tocsin__traced(err);
}

/* Takes the claim, so that no other thread completes the operation. Returns false if another thread
 * has completed the operation, or is completing it now. In the latter case, the operation is asked
 * to end. */
static bool op_take_back(struct tocsin__op *op)
{
    do
        if (op->phase == TOCSIN__OP_EARLY || tocsin__op_claim(op->source.id))
            return true;
    while (tocsin__op_claim_request(op, -ECANCELED) == TOCSIN__CLAIM_OPEN);
    return false;
}

void tocsin__op_undo(struct tocsin__op *op)
{
    bool is_ours;

    tocsin__op_release_end(op);
    op->mode = 0;
    is_ours = op_take_back(op);
    if (is_ours && !tocsin__op_has_progress(op)) {
        tocsin__op_release(op);
        return;
    }
    /* The progress or the end of the operation is on a list already. It is dropped when the loop
     * takes it from the list. */
    tocsin__op_set_phase(op, TOCSIN__OP_UNDONE);
    if (is_ours)
        tocsin__ready_push(tocsin__op_engine(op), &op->run.end_node);
}
