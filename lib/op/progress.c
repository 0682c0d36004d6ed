/* The progress of an operation (O2, E16). Progress is accepted, one at a time, while a listener
 * wants it. The loop delivers it later. Demand is checked at both moments, since handlers may be
 * disconnected in between. */
#include "base/assert.h"
#include "base/refusal.h"
#include "delivery/emit.h"
#include "registry/layout.h"
#include "loop/ready.h"
#include "op/complete.h"
#include "op/demand.h"
#include "op/lifecycle.h"
#include "op/notify.h"
#include "op/pause.h"
#include "op/progress.h"
#include "registry/payload.h"

/* Accepting progress */

static bool progress_is_wanted(struct tocsin__op *op, int which)
{
    bool wanted = tocsin__op_open(op) && tocsin__op_progress_admission(op, which) == 1;

    if (!wanted)
        tocsin__op_pause(op);
    return wanted;
}

int tocsin_op_wanted(struct tocsin_op id, int which)
{
    struct tocsin__op *op;
    int err = tocsin__op_find(id, &op);

    if (err == 0 && (which < 0 || which > 3 || !op->kind->progress[which] || tocsin__op_own(op)))
        err = -EINVAL;
    return tocsin__traced(err < 0 ? err : progress_is_wanted(op, which));
}

/* Called when memory is short: the operation is asked for progress again in the next turn. */
static int progress_failed(struct tocsin__op *op, int err)
{
    tocsin__op_pause(op);
    tocsin__ops(tocsin__op_engine(op))->resume_wanted = true;
    return err;
}

static int progress_refuse(struct tocsin__op *op, int answer)
{
    tocsin__op_pause(op);
    return answer;
}

/* Copies the progress, and reserves a place for it in the queue of the notify. So it cannot be lost
 * before it is delivered. */
static int progress_keep(struct tocsin__op *op, struct tocsin__sink *sink, int signo,
                         const struct tocsin_payload *payload)
{
    struct tocsin__info borrowed = {
        .pub = { .signo = signo, .source = { op->source.id }, .payload = payload }
    };
    int err = sink->reserve(sink);

    if (err < 0)
        return err;
    tocsin__op_progress(op)->info = tocsin__info_copy(
        &borrowed.pub, tocsin_info_data(&borrowed.pub), tocsin__signal(signo)->spec.layout, &err);
    if (!tocsin__op_progress(op)->info)
        sink->release(sink);
    return err;
}

/* Accepts progress that was admitted. It does not check the admission again, since other loops may
 * change the answer at any time. */
static int progress_take(struct tocsin__op *op, int which, const struct tocsin_payload *payload,
                         unsigned overrun)
{
    struct tocsin__progress *progress = tocsin__op_progress(op);
    struct tocsin__sink *sink = tocsin__op_sink(op);
    int err = sink ? progress_keep(op, sink, op->kind->progress[which], payload) : 0;

    if (err < 0)
        return progress_failed(op, err);
    tocsin__assert(op->progress == TOCSIN__PROGRESS_IDLE);
    progress->which = (uint8_t)which;
    progress->overrun = overrun;
    progress->payload = payload;
    op->progress = TOCSIN__PROGRESS_READY;
    tocsin__ready_push(tocsin__op_engine(op), &progress->node);
    return 1;
}

int tocsin__op_try_progress(struct tocsin__op *op, int which, const struct tocsin_payload *payload,
                            unsigned overrun)
{
    int answer = tocsin__op_open(op) ? tocsin__op_progress_admission(op, which) : 0;

    return answer == 1 ? progress_take(op, which, payload, overrun) : progress_refuse(op, answer);
}

/* Accepts progress that was admitted, with a copy of the payload. */
static int progress_take_copy(struct tocsin__op *op, int which,
                              const struct tocsin_payload *payload, unsigned overrun)
{
    struct tocsin_payload *copy = tocsin__alloc(tocsin__payload_size(payload));
    int err = copy ? tocsin__payload_copy(payload, copy,
                                          tocsin__signal(op->kind->progress[which])->spec.layout)
                   : -ENOMEM;

    if (err < 0) {
        tocsin__release(copy);
        return progress_failed(op, err);
    }
    tocsin__op_progress(op)->copy = copy;
    return progress_take(op, which, copy, overrun);
}

static int progress_check(const struct tocsin__op *op, int which,
                          const struct tocsin_payload *payload)
{
    if (which < 0 || which > 3 || !op->kind->progress[which] || tocsin__op_own(op))
        return -EINVAL;
    if (!tocsin__op_open(op))
        return -EALREADY;
    return tocsin__layout_same(tocsin__signal(op->kind->progress[which])->spec.layout,
                               payload ? payload->layout : NULL)
               ? 0
               : -EPROTO;
}

int tocsin_op_progress(struct tocsin_op id, int which, const struct tocsin_payload *payload,
                       unsigned overrun)
{
    struct tocsin__op *op;
    int err = tocsin__op_find(id, &op);

    if (err == 0)
        err = progress_check(op, which, payload);
    if (err < 0)
        return tocsin__traced_but(-EAGAIN, err);
    if (!payload || tocsin__op_lent(op, payload) || tocsin__op_sink(op))
        return tocsin__traced_but(-EAGAIN, tocsin__op_try_progress(op, which, payload, overrun));
    err = tocsin__op_progress_admission(op, which);
    return tocsin__traced_but(-EAGAIN, err == 1 ? progress_take_copy(op, which, payload, overrun)
                                                : progress_refuse(op, err));
}

/* Delivering progress */

/* Delivers progress to the handlers. Returns -EAGAIN or -ENOMEM if a listening loop cannot take it
 * now; then no handler was called. */
static int progress_announce(struct tocsin__op *op, struct tocsin__info *info)
{
    struct tocsin__progress *progress = tocsin__op_progress(op);
    int signo = op->kind->progress[progress->which];
    const struct tocsin_payload *kept = info->pub.payload;
    bool notified = op->mode & (TOCSIN_AT_EACH | TOCSIN_INTO_QUEUE);
    int result;

    info->pub = (struct tocsin_info){ .signo = signo,
                                      .code = TOCSIN_PROGRESS,
                                      .overrun = progress->overrun,
                                      .name = tocsin__signal(signo)->name,
                                      .source = { op->source.id },
                                      .parent = op->run.parent,
                                      .payload = progress->info ? kept : progress->payload };
    progress->call_error = 0;
    result = tocsin__announce(tocsin__op_engine(op)->loop, signo, &op->source, info, NULL,
                              notified ? TOCSIN__NOTIFIED : 0);
    if (result >= 0 && op->mode & TOCSIN_AT_EACH)
        progress->call_error = tocsin__op_call(op, &info->pub);
    return result;
}

/* Ends the delivery. Puts delivered progress into the queue of the notify, and frees its memory. */
static void progress_end(struct tocsin__op *op, bool delivered)
{
    struct tocsin__progress *progress = tocsin__op_progress(op);
    struct tocsin__sink *sink = tocsin__op_sink(op);
    struct tocsin__info *info = progress->info;
    struct tocsin_payload *copy = progress->copy;

    op->progress = TOCSIN__PROGRESS_IDLE;
    progress->info = NULL;
    progress->copy = NULL;
    if (info && sink && delivered)
        sink->put(sink, &info->pub);
    else if (info && sink)
        sink->release(sink);
    if (info && !(sink && delivered))
        tocsin__info_put(info);
    if (copy) {
        tocsin__payload_clear(copy);
        tocsin__release(copy);
    }
}

/* Puts the end of the operation on the ready list, if the end was waiting for this progress. */
static void progress_let_end_follow(struct tocsin__op *op)
{
    if (op->end_waits)
        tocsin__op_push_end(op);
    op->end_waits = false;
}

void tocsin__op_progress_forget(struct tocsin__op *op)
{
    if (tocsin__op_has_progress(op))
        progress_end(op, false);
}

void tocsin__op_progress_drop(struct tocsin__op *op)
{
    if (op->progress != TOCSIN__PROGRESS_HELD)
        return;
    tocsin__op_unhold_progress(op);
    progress_end(op, false);
    progress_let_end_follow(op);
}

void tocsin__op_progress_lost(struct tocsin__op *op)
{
    if (!tocsin__op_has_progress(op))
        return;
    tocsin__op_pause_end(op);
    progress_end(op, false);
    progress_let_end_follow(op);
}

void tocsin__op_progress_left(struct tocsin__op *op)
{
    if (op->progress != TOCSIN__PROGRESS_DELIVERING)
        return;
    tocsin__op_progress_lost(op);
    tocsin__op_pause(op);
    tocsin__ops(tocsin__op_engine(op))->resume_wanted = true;
}

int tocsin__op_progress_now(struct tocsin__op *op, int which, const struct tocsin_payload *payload)
{
    struct tocsin__progress *progress = tocsin__op_progress(op);
    struct tocsin__sink *sink = tocsin__op_sink(op);
    struct tocsin__info info = { .refs = 0 };
    int err = sink ? progress_keep(op, sink, op->kind->progress[which], payload) : 0;

    if (err < 0)
        return progress_failed(op, err);
    tocsin__assert(op->progress == TOCSIN__PROGRESS_IDLE);
    progress->which = (uint8_t)which;
    progress->overrun = 0;
    progress->payload = payload;
    progress->op = op;
    op->progress = TOCSIN__PROGRESS_DELIVERING;
    err = progress_announce(op, progress->info ? progress->info : &info);
    tocsin__info_end(&info);
    progress_end(op, err >= 0);
    progress_let_end_follow(op);
    return err < 0 ? progress_failed(op, err) : 1;
}

void tocsin__op_deliver_progress(struct tocsin__node *node)
{
    struct tocsin__progress *progress = tocsin__container(node, struct tocsin__progress, node);
    struct tocsin__op *op = progress->op;
    bool runs = tocsin__op_is_running(op);
    struct tocsin__info info = { .refs = 0 };

    if (runs && op->phase != TOCSIN__OP_CANCELED && !tocsin__op_progress_is_deliverable(op)) {
        tocsin__op_hold_progress(op);
        return;
    }
    tocsin__assert(op->progress == TOCSIN__PROGRESS_READY);
    op->progress = TOCSIN__PROGRESS_DELIVERING;
    if (runs && progress_announce(op, progress->info ? progress->info : &info) < 0) {
        tocsin__op_hold_progress(op);
        tocsin__ops(tocsin__op_engine(op))->resume_wanted = true;
        return;
    }
    tocsin__info_end(&info);
    progress_end(op, runs);
    progress_let_end_follow(op);
    tocsin__op_resume_refused(op);
}
