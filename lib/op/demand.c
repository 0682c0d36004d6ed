/* Demand (O2): whether a listener wants the progress of an operation. A listener is a handler, a
 * queue, or a notify with TOCSIN_EACH. */
#include "delivery/emit.h"
#include "remote/multicast.h"
#include "op/demand.h"
#include "op/progress.h"

/* Whether a handler is connected to the signal with this operation as its only source. */
static bool demand_is_own(const struct tocsin__op *op,
                          const struct tocsin__loop_signal *loop_signal)
{
    struct tocsin__list *own = loop_signal && loop_signal->sourced
                                   ? tocsin__source_list(&op->source, loop_signal)
                                   : NULL;

    return own && own->handling;
}

/* Whether a handler or a queue of this loop is connected to the signal. Observers do not count. */
static bool demand_is_here(const struct tocsin__op *op, int signo)
{
    struct tocsin__loop_signal *loop_signal = tocsin__loop_signal(tocsin__op_engine(op)->loop,
                                                                  signo);

    return loop_signal && (loop_signal->list->handling || demand_is_own(op, loop_signal));
}

/* Whether a handler or a queue of another loop is connected to the signal. */
static bool demand_is_elsewhere(const struct tocsin__op *op,
                                const struct tocsin__loop_signal *loop_signal, int signo)
{
    struct tocsin__signal *signal = tocsin__signal(signo);

    return tocsin__has_other_listeners(signal, loop_signal) &&
           tocsin__others_want(tocsin__op_engine(op)->loop->life.number, signal);
}

/* Whether progress may become pending while its signal is blocked. A coalescing signal keeps one
 * pending emission for each source. A second emission is merged into the first one only if the type
 * merges progress (timers) or the operation has a notify. A queueing signal needs room in the
 * pending list. It also needs a taker: a notify (O9), or a queue with TOCSIN_TAKE. */
static bool demand_takes_blocked(const struct tocsin__op *op,
                                 const struct tocsin__loop_signal *loop_signal, bool notified)
{
    bool gathers = notified ||
                   (tocsin__op_type(op) && tocsin__op_type(op)->flags & TOCSIN__GATHERS);

    if (loop_signal->signal->spec.kind == TOCSIN_COALESCE)
        return gathers || !tocsin__pending_would_merge(loop_signal, op->source.id);
    return (notified || loop_signal->queues.takers) && tocsin__pending_has_room(loop_signal, 1, 0);
}

/* Whether the listeners of this loop can accept progress now. */
static bool demand_takes(const struct tocsin__op *op, const struct tocsin__loop_signal *loop_signal)
{
    bool notified = op->mode & (TOCSIN_AT_EACH | TOCSIN_INTO_QUEUE);

    if (loop_signal->state & TOCSIN__BLOCKED)
        return demand_takes_blocked(op, loop_signal, notified);
    if (loop_signal->state & TOCSIN__IGNORED)
        return notified;
    return !(loop_signal->state & TOCSIN__GATED) || tocsin__admission_is_open(loop_signal, 0);
}

/* Returns 1 if all listeners have room for the progress, else -EAGAIN. The caller has checked that
 * a listener wants it. */
static int demand_admits(const struct tocsin__op *op, int signo)
{
    struct tocsin__loop_signal *loop_signal = tocsin__loop_signal(tocsin__op_engine(op)->loop,
                                                                  signo);
    struct tocsin__sink *sink = tocsin__op_sink(op);

    if (sink && !sink->has_room(sink))
        return -EAGAIN;
    if (demand_is_elsewhere(op, loop_signal, signo) &&
        !tocsin__others_have_room(tocsin__op_engine(op)->loop, tocsin__signal(signo)))
        return -EAGAIN;
    return loop_signal && !demand_takes(op, loop_signal) ? -EAGAIN : 1;
}

static bool demand_is_notified(const struct tocsin__op *op)
{
    return op->mode & TOCSIN_AT_EACH || tocsin__op_sink(op);
}

int tocsin__op_progress_own_admission(const struct tocsin__op *op, int which)
{
    int signo = op->kind->progress[which];

    if (tocsin__signal(signo)->unresolved)
        tocsin__patterns_resolve(tocsin__op_engine(op)->loop);
    if (tocsin__op_has_progress(op))
        return -EAGAIN;
    if (!demand_is_notified(op) &&
        !demand_is_own(op, tocsin__loop_signal(tocsin__op_engine(op)->loop, signo)))
        return 0;
    return demand_admits(op, signo);
}

int tocsin__op_progress_admission(const struct tocsin__op *op, int which)
{
    int signo = op->kind->progress[which];
    struct tocsin__loop_signal *loop_signal;

    if (tocsin__signal(signo)->unresolved)
        tocsin__patterns_resolve(tocsin__op_engine(op)->loop);
    loop_signal = tocsin__loop_signal(tocsin__op_engine(op)->loop, signo);
    if (tocsin__op_has_progress(op))
        return -EAGAIN;
    if (!demand_is_notified(op) && !demand_is_here(op, signo) &&
        !demand_is_elsewhere(op, loop_signal, signo))
        return 0;
    return demand_admits(op, signo);
}

/* Whether progress can be delivered at once, or the pending list has room for it. */
static bool demand_may_pend(const struct tocsin__op *op,
                            const struct tocsin__loop_signal *loop_signal)
{
    return !loop_signal || !(loop_signal->state & (TOCSIN__BLOCKED | TOCSIN__PENDING)) ||
           tocsin__pending_would_merge(loop_signal, op->source.id) ||
           tocsin__pending_has_room(loop_signal, 1, 0);
}

bool tocsin__op_progress_is_deliverable(const struct tocsin__op *op)
{
    int signo = op->kind->progress[tocsin__op_progress(op)->which];
    struct tocsin__loop_signal *loop_signal = tocsin__loop_signal(tocsin__op_engine(op)->loop,
                                                                  signo);

    bool elsewhere = demand_is_elsewhere(op, loop_signal, signo);

    if (elsewhere && !tocsin__others_have_room(tocsin__op_engine(op)->loop, tocsin__signal(signo)))
        return false;
    if (tocsin__op_progress(op)->info || op->mode & TOCSIN_AT_EACH ||
        (elsewhere && !demand_is_here(op, signo)))
        return demand_may_pend(op, loop_signal);
    return demand_is_here(op, signo) && demand_takes(op, loop_signal);
}

bool tocsin__op_demand_for_all(const struct tocsin__op *op, int signo)
{
    struct tocsin__loop_signal *loop_signal;

    if (tocsin__signal(signo)->unresolved)
        tocsin__patterns_resolve(tocsin__op_engine(op)->loop);
    loop_signal = tocsin__loop_signal(tocsin__op_engine(op)->loop, signo);
    return (loop_signal && loop_signal->list->handling) ||
           demand_is_elsewhere(op, loop_signal, signo);
}

bool tocsin__op_has_demand(const struct tocsin__op *op)
{
    for (int which = 0; which < 4 && op->kind->progress[which]; which++)
        if (tocsin__op_progress_admission(op, which) == 1)
            return true;
    return false;
}
