/* Progress: made while somebody wants it, one at a time, told from the loop (O2, E16). */
#include "core/emit.h"
#include "core/layout.h"
#include "op/op.h"

/* A handler or a queue listens to the signal: observers do not count. */
static bool heard(const struct tocsin__op *op, int signo)
{
    struct tocsin__slot *slot = tocsin__slot(op->engine->loop, signo);
    struct tocsin__list *own = slot && slot->sourced ? tocsin__source_list(&op->source, slot) : NULL;

    return slot && (slot->list->handling || (own && own->handling));
}

/* Whether it could be told now; else by whom it is refused: 0, nobody wants it, or -EAGAIN, it cannot be taken yet. */
static int welcome(const struct tocsin__op *op, int which)
{
    int signo = op->kind->progress[which];
    struct tocsin__slot *slot = tocsin__slot(op->engine->loop, signo);
    struct tocsin__sink *sink = tocsin__op_sink(op);

    if (tocsin__signal(signo)->unresolved)
        tocsin__patterns_resolve(op->engine->loop);
    if (op->progress_waits)
        return -EAGAIN;
    if (!(op->notify.how & TOCSIN_AT_EACH) && !sink && !heard(op, signo))
        return 0;
    if (sink && !sink->room(sink))
        return -EAGAIN;
    return slot && slot->state & TOCSIN__GATED && !tocsin__gates_open(slot) ? -EAGAIN : 1;
}

/* Paused: asked again when a handler was connected, or a queue has room. */

static void pause_begin(struct tocsin__op *op)
{
    struct tocsin__ops *ops = tocsin__ops(op->engine);

    op->progress_refused = true;
    if (op->paused_link || op->progress_waits)
        return;
    if (!ops->paused)
        ops->resumed_age = op->engine->loop->age;
    op->paused_next = ops->paused;
    op->paused_link = &ops->paused;
    if (op->paused_next)
        op->paused_next->paused_link = &op->paused_next;
    ops->paused = op;
}

void tocsin__op_pause_end(struct tocsin__op *op)
{
    struct tocsin__ops *ops = tocsin__ops(op->engine);

    op->progress_refused = false;
    if (!op->paused_link)
        return;
    if (ops->resume_next == op)
        ops->resume_next = op->paused_next;
    *op->paused_link = op->paused_next;
    if (op->paused_next)
        op->paused_next->paused_link = op->paused_link;
    op->paused_link = NULL;
}

static bool any_welcome(const struct tocsin__op *op)
{
    for (int which = 0; which < 4 && op->kind->progress[which]; which++)
        if (welcome(op, which) == 1)
            return true;
    return false;
}

static void resume_one(struct tocsin__op *op)
{
    struct tocsin_op id = { { op->source.id } };

    tocsin__op_pause_end(op);
    if (op->type->resume && op->phase == TOCSIN__RUNS)
        op->type->resume(id, op->state);
}

bool tocsin__resumable(struct tocsin__tenant *tenant)
{
    const struct tocsin__ops *ops = (const struct tocsin__ops *)tenant;

    return ops->paused && (ops->resume_wanted || ops->resumed_age != ops->engine->loop->age);
}

void tocsin__resume(struct tocsin__tenant *tenant)
{
    struct tocsin__ops *ops = (struct tocsin__ops *)tenant;
    struct tocsin__op *op;

    ops->resume_wanted = false;
    ops->resumed_age = ops->engine->loop->age;
    ops->engine->loop->depth++;                        /* resume is the provider's: no handler, and nothing is freed under it */
    ops->resume_next = ops->paused;
    while ((op = ops->resume_next)) {
        ops->resume_next = op->paused_next;            /* what pauses anew stands before us */
        if (any_welcome(op))
            resume_one(op);
    }
    ops->engine->loop->depth--;
}

bool tocsin__op_wanted(struct tocsin__op *op, int which)
{
    bool yes = welcome(op, which) == 1;

    if (!yes)
        pause_begin(op);
    return yes;
}

int tocsin_op_wanted(struct tocsin_op id, int which)
{
    struct tocsin__op *op;
    int err = tocsin__op_find(id, &op);

    if (err == 0 && (which < 0 || which > 3 || !op->kind->progress[which]))
        err = -EINVAL;
    return err < 0 ? err : tocsin__op_wanted(op, which);
}

int tocsin__op_progress(struct tocsin__op *op, int which, const struct tocsin_payload *payload, unsigned overrun)
{
    int answer = welcome(op, which);

    if (answer != 1) {
        pause_begin(op);
        return answer;
    }
    op->progress_which = (uint8_t)which;
    op->progress_overrun = overrun;
    op->progress = payload;
    op->progress_waits = true;
    tocsin__ready(op->engine, &op->progress_node);
    return 1;
}

static int copy_progress(struct tocsin__op *op, int which, const struct tocsin_payload *payload, unsigned overrun)
{
    struct tocsin_payload *copy = tocsin__alloc(tocsin__payload_size(payload));
    int err = copy ? tocsin__payload_copy(payload, copy, tocsin__signal(op->kind->progress[which])->spec.layout) : -ENOMEM;

    if (err == 0) {
        op->progress_copy = copy;
        return tocsin__op_progress(op, which, copy, overrun);
    }
    tocsin__release(copy);
    return err;
}

int tocsin_op_progress(struct tocsin_op id, int which, const struct tocsin_payload *payload, unsigned overrun)
{
    struct tocsin__op *op;
    int err = tocsin__op_find(id, &op);

    if (err < 0)
        return err;
    if (which < 0 || which > 3 || !op->kind->progress[which])
        return -EINVAL;
    if (op->phase == TOCSIN__ENDED || !tocsin__op_open(op))
        return -EALREADY;
    if (!tocsin__layout_same(tocsin__signal(op->kind->progress[which])->spec.layout, payload ? payload->layout : NULL))
        return -EPROTO;
    if (!payload || tocsin__op_lent(op, payload) || welcome(op, which) != 1)
        return tocsin__op_progress(op, which, payload, overrun);
    return copy_progress(op, which, payload, overrun);
}

/* Told */

static void notify_each(struct tocsin__op *op, const struct tocsin_info *info)
{
    struct tocsin__sink *sink = tocsin__op_sink(op);

    if (op->notify.how & TOCSIN_AT_EACH)
        tocsin__op_call(op, info);
    if (sink)
        sink->offer(sink, info);
}

void tocsin__op_deliver_progress(struct tocsin__node *node)
{
    struct tocsin__op *op = tocsin__container(node, struct tocsin__op, progress_node);
    struct tocsin__loop *loop = op->engine->loop;
    int signo = op->kind->progress[op->progress_which];
    struct tocsin_payload *copy = op->progress_copy;
    struct tocsin__info info = {
        .seen = { .signo = signo, .code = TOCSIN_PROGRESS, .overrun = op->progress_overrun, .name = tocsin__signal(signo)->name,
                  .source = { op->source.id }, .parent = op->parent, .payload = op->progress },
    };

    if (op->phase == TOCSIN__RUNS && !op->never) {
        tocsin__announce(loop, signo, &op->source, &info, op->notify.how & (TOCSIN_AT_EACH | TOCSIN_INTO_QUEUE));
        notify_each(op, &info.seen);
        tocsin__info_end(&info);
    }
    op->progress_waits = false;
    op->progress_copy = NULL;
    if (copy) {
        tocsin__payload_clear(copy);
        tocsin__release(copy);
    }
    if (op->progress_refused && any_welcome(op))
        resume_one(op);
    else if (op->progress_refused)
        pause_begin(op);
}
