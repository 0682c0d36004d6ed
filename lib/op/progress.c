/* Progress: made while somebody wants it, one at a time, told from the loop (O2, E16). */
#include "core/cast.h"
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

/* On another loop. */
static bool heard_elsewhere(const struct tocsin__op *op, const struct tocsin__slot *slot, int signo)
{
    struct tocsin__signal *signal = tocsin__signal(signo);

    return tocsin__elsewhere(signal, slot) && tocsin__wanted_elsewhere(op->engine->loop, signal);
}

/* While the signal is blocked: what coalesces is pended, one for each source; that of a timer gathers the ticks, any other operation pauses
   then. What does not is pended for a notify (O9) or a queue that takes what is pended, as far as there is room; else the operation pauses. */
static bool takes_blocked(const struct tocsin__op *op, const struct tocsin__slot *slot, bool notified)
{
    bool gathers = notified || (op->type && op->type->flags & TOCSIN__GATHERS);

    if (slot->signal->spec.kind == TOCSIN_COALESCE)
        return gathers || !tocsin__pend_merges(slot, op->source.id);
    return (notified || slot->takers) && tocsin__pend_room(slot, 1, 0);
}

/* Those who listen can take it. */
static bool takes(const struct tocsin__op *op, const struct tocsin__slot *slot)
{
    bool notified = op->notify.how & (TOCSIN_AT_EACH | TOCSIN_INTO_QUEUE);

    if (slot->state & TOCSIN__BLOCKED)
        return takes_blocked(op, slot, notified);
    if (slot->state & TOCSIN__IGNORED)
        return notified;
    return !(slot->state & TOCSIN__GATED) || tocsin__gates_open(slot, 0);
}

/* Whether it could be told now; else by whom it is refused: 0, nobody wants it, or -EAGAIN, it cannot be taken yet. */
static int welcome(const struct tocsin__op *op, int which)
{
    int signo = op->kind->progress[which];
    struct tocsin__sink *sink = tocsin__op_sink(op);
    struct tocsin__slot *slot;

    if (tocsin__signal(signo)->unresolved)
        tocsin__patterns_resolve(op->engine->loop);
    slot = tocsin__slot(op->engine->loop, signo);
    if (op->progress_waits)
        return -EAGAIN;
    if (!(op->notify.how & TOCSIN_AT_EACH) && !sink && !heard(op, signo) && !heard_elsewhere(op, slot, signo))
        return 0;
    if (sink && !sink->room(sink))
        return -EAGAIN;
    if (heard_elsewhere(op, slot, signo) && !tocsin__room_elsewhere(op->engine->loop, tocsin__signal(signo)))
        return -EAGAIN;
    return slot && !takes(op, slot) ? -EAGAIN : 1;
}

/* Whether what was taken is still wanted when it is to be told: a place in its queue it has. */
static bool still_welcome(const struct tocsin__op *op)
{
    int signo = op->kind->progress[op->progress_which];
    struct tocsin__slot *slot = tocsin__slot(op->engine->loop, signo);

    bool elsewhere = heard_elsewhere(op, slot, signo);

    if (elsewhere && !tocsin__room_elsewhere(op->engine->loop, tocsin__signal(signo)))
        return false;
    if (op->progress_info || op->notify.how & TOCSIN_AT_EACH || (elsewhere && !heard(op, signo)))
        return true;
    return heard(op, signo) && takes(op, slot);
}

/* Paused: asked again when a handler was connected, or a queue has room. */

static void pause_link(struct tocsin__op *op)
{
    struct tocsin__ops *ops = tocsin__ops(op->engine);

    if (op->paused_link)
        return;
    if (!ops->paused)
        ops->resumed_age = op->engine->loop->age;
    op->paused_next = ops->paused;
    op->paused_link = &ops->paused;
    if (op->paused_next)
        op->paused_next->paused_link = &op->paused_next;
    ops->paused = op;
}

static void pause_begin(struct tocsin__op *op)
{
    op->progress_refused = true;
    if (!op->progress_waits)
        pause_link(op);
}

static void pause_unlink(struct tocsin__op *op)
{
    struct tocsin__ops *ops = tocsin__ops(op->engine);

    if (!op->paused_link)
        return;
    if (ops->resume_next == op)
        ops->resume_next = op->paused_next;
    *op->paused_link = op->paused_next;
    if (op->paused_next)
        op->paused_next->paused_link = op->paused_link;
    op->paused_link = NULL;
}

void tocsin__op_pause_end(struct tocsin__op *op)
{
    op->progress_refused = false;
    pause_unlink(op);
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

/* What nobody wanted any more when it was to be told is held, and the end of the operation behind it. */
static void hold(struct tocsin__op *op)
{
    op->progress_held = true;
    pause_link(op);
}

static void release(struct tocsin__op *op)
{
    op->progress_held = false;
    pause_unlink(op);
    tocsin__ready(op->engine, &op->progress_node);
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
    while ((op = ops->resume_next) && !tocsin__inherited(ops->engine->loop)) {
        ops->resume_next = op->paused_next;            /* what pauses anew stands before us */
        if (op->progress_held && still_welcome(op))
            release(op);
        else if (!op->progress_held && any_welcome(op))
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

    if (err == 0 && (which < 0 || which > 3 || !op->kind->progress[which] || tocsin__op_own(op)))
        err = -EINVAL;
    return err < 0 ? err : tocsin__op_wanted(op, which);
}

/* Short of memory: asked again in the next turn. */
static int progress_failed(struct tocsin__op *op, int err)
{
    pause_begin(op);
    tocsin__ops(op->engine)->resume_wanted = true;
    return err;
}

/* What goes into a queue is copied, and has a place there, from now on: it cannot be lost on its way. */
static int progress_keep(struct tocsin__op *op, struct tocsin__sink *sink, int signo, const struct tocsin_payload *payload)
{
    struct tocsin__info borrowed = { .seen = { .signo = signo, .source = { op->source.id }, .payload = payload } };
    int err = sink->reserve(sink);

    if (err < 0)
        return err;
    op->progress_info = tocsin__info_copy(&borrowed.seen, tocsin__signal(signo)->spec.layout, &err);
    if (!op->progress_info)
        sink->release(sink);
    return err;
}

static int refuse(struct tocsin__op *op, int answer)
{
    pause_begin(op);
    return answer;
}

/* It is welcome: that is asked once, since other loops may change it at any time. */
static int progress_take(struct tocsin__op *op, int which, const struct tocsin_payload *payload, unsigned overrun)
{
    struct tocsin__sink *sink = tocsin__op_sink(op);
    int err;

    err = sink ? progress_keep(op, sink, op->kind->progress[which], payload) : 0;
    if (err < 0)
        return progress_failed(op, err);
    op->progress_which = (uint8_t)which;
    op->progress_overrun = overrun;
    op->progress = payload;
    op->progress_waits = true;
    tocsin__ready(op->engine, &op->progress_node);
    return 1;
}

int tocsin__op_progress(struct tocsin__op *op, int which, const struct tocsin_payload *payload, unsigned overrun)
{
    int answer = welcome(op, which);

    return answer == 1 ? progress_take(op, which, payload, overrun) : refuse(op, answer);
}

static int copy_progress(struct tocsin__op *op, int which, const struct tocsin_payload *payload, unsigned overrun)
{
    struct tocsin_payload *copy = tocsin__alloc(tocsin__payload_size(payload));
    int err = copy ? tocsin__payload_copy(payload, copy, tocsin__signal(op->kind->progress[which])->spec.layout) : -ENOMEM;

    if (err == 0) {
        op->progress_copy = copy;
        return progress_take(op, which, copy, overrun);
    }
    tocsin__release(copy);
    return progress_failed(op, err);
}

int tocsin_op_progress(struct tocsin_op id, int which, const struct tocsin_payload *payload, unsigned overrun)
{
    struct tocsin__op *op;
    int err = tocsin__op_find(id, &op);

    if (err < 0)
        return err;
    if (which < 0 || which > 3 || !op->kind->progress[which] || tocsin__op_own(op))
        return -EINVAL;
    if (op->phase == TOCSIN__ENDED || !tocsin__op_open(op))
        return -EALREADY;
    if (!tocsin__layout_same(tocsin__signal(op->kind->progress[which])->spec.layout, payload ? payload->layout : NULL))
        return -EPROTO;
    if (!payload || tocsin__op_lent(op, payload) || tocsin__op_sink(op))
        return tocsin__op_progress(op, which, payload, overrun);
    err = welcome(op, which);
    return err == 1 ? copy_progress(op, which, payload, overrun) : refuse(op, err);
}

/* Told */

/* -EAGAIN, -ENOMEM: another loop that listens cannot take it now, and nobody has been told. */
static int progress_tell(struct tocsin__op *op, struct tocsin__info *info)
{
    int signo = op->kind->progress[op->progress_which];
    const struct tocsin_payload *kept = info->seen.payload;
    int result;

    info->seen = (struct tocsin_info){ .signo = signo, .code = TOCSIN_PROGRESS, .overrun = op->progress_overrun,
                                       .name = tocsin__signal(signo)->name, .source = { op->source.id }, .parent = op->parent,
                                       .payload = op->progress_info ? kept : op->progress };
    result = tocsin__announce(op->engine->loop, signo, &op->source, info, NULL, op->notify.how & (TOCSIN_AT_EACH | TOCSIN_INTO_QUEUE));
    if (result >= 0 && op->notify.how & TOCSIN_AT_EACH)
        tocsin__op_call(op, &info->seen);
    return result;
}

static void progress_end(struct tocsin__op *op, bool told)
{
    struct tocsin__sink *sink = tocsin__op_sink(op);
    struct tocsin__info *info = op->progress_info;
    struct tocsin_payload *copy = op->progress_copy;

    op->progress_waits = false;
    op->progress_info = NULL;
    op->progress_copy = NULL;
    if (info && sink && told)
        sink->put(sink, &info->seen);
    else if (info && sink)
        sink->release(sink);
    if (info && !(sink && told))
        tocsin__info_put(info);
    if (copy) {
        tocsin__payload_clear(copy);
        tocsin__release(copy);
    }
}

void tocsin__op_progress_forget(struct tocsin__op *op)
{
    op->progress_held = false;
    progress_end(op, false);
}

/* Its end need not wait any more. */
static void end_on(struct tocsin__op *op)
{
    if (op->end_waits)
        tocsin__ready(op->engine, &op->end_node);
    op->end_waits = false;
}

void tocsin__op_progress_drop(struct tocsin__op *op)
{
    if (!op->progress_held)
        return;
    op->progress_held = false;
    pause_unlink(op);
    progress_end(op, false);
    end_on(op);
}

void tocsin__op_deliver_progress(struct tocsin__node *node)
{
    struct tocsin__op *op = tocsin__container(node, struct tocsin__op, progress_node);
    bool tells = op->phase == TOCSIN__RUNS && !op->never;
    struct tocsin__info info = { .refs = 0 };

    if (tells && !op->ending && !still_welcome(op)) {
        hold(op);
        return;
    }
    if (tells && progress_tell(op, op->progress_info ? op->progress_info : &info) < 0) {
        hold(op);
        tocsin__ops(op->engine)->resume_wanted = true;
        return;
    }
    tocsin__info_end(&info);
    progress_end(op, tells);
    end_on(op);
    if (op->progress_refused && any_welcome(op))
        resume_one(op);
    else if (op->progress_refused)
        pause_begin(op);
}
