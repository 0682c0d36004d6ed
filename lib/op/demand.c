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

/* Whether a handler or a queue of this loop listens to the signal. Observers do not count. */
static bool demand_is_here(const struct tocsin__op *op,
                           const struct tocsin__loop_signal *loop_signal)
{
    return loop_signal && (loop_signal->list->handling || demand_is_own(op, loop_signal));
}

/* Whether a handler or a queue of another loop is connected to the signal. */
static bool demand_is_elsewhere(const struct tocsin__op *op,
                                const struct tocsin__loop_signal *loop_signal,
                                struct tocsin__signal *signal)
{
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

/* The progress is wanted: whether everybody who wants it has room. */
static int demand_admits(const struct tocsin__op *op, const struct tocsin__loop_signal *loop_signal,
                         struct tocsin__signal *signal)
{
    struct tocsin__sink *sink = tocsin__op_sink(op);

    if (sink && !sink->has_room(sink))
        return -EAGAIN;
    if (demand_is_elsewhere(op, loop_signal, signal) &&
        !tocsin__others_have_room(tocsin__op_engine(op)->loop, signal))
        return -EAGAIN;
    return loop_signal && !demand_takes(op, loop_signal) ? -EAGAIN : 1;
}

static bool demand_is_notified(const struct tocsin__op *op)
{
    return op->mode & TOCSIN_AT_EACH || tocsin__op_sink(op);
}

/* The signal on this loop; NULL: this loop has nothing for it. */
static struct tocsin__loop_signal *demand_signal(const struct tocsin__op *op,
                                                 const struct tocsin__signal *signal)
{
    struct tocsin__loop *loop = tocsin__op_engine(op)->loop;

    if (signal->unresolved)
        tocsin__patterns_resolve(loop);
    return tocsin__loop_signal(loop, signal->signo);
}

int tocsin__op_progress_own_admission(const struct tocsin__op *op, int which)
{
    struct tocsin__signal *signal = tocsin__signal(op->kind->progress[which]);
    const struct tocsin__loop_signal *loop_signal = demand_signal(op, signal);

    if (tocsin__op_has_progress(op))
        return -EAGAIN;
    if (!demand_is_notified(op) && !demand_is_own(op, loop_signal))
        return 0;
    return demand_admits(op, loop_signal, signal);
}

int tocsin__op_progress_admission(const struct tocsin__op *op, int which)
{
    struct tocsin__signal *signal = tocsin__signal(op->kind->progress[which]);
    const struct tocsin__loop_signal *loop_signal = demand_signal(op, signal);

    if (tocsin__op_has_progress(op))
        return -EAGAIN;
    if (!demand_is_notified(op) && !demand_is_here(op, loop_signal) &&
        !demand_is_elsewhere(op, loop_signal, signal))
        return 0;
    return demand_admits(op, loop_signal, signal);
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
    struct tocsin__signal *signal = tocsin__signal(
        op->kind->progress[tocsin__op_progress(op)->which]);
    struct tocsin__loop *loop = tocsin__op_engine(op)->loop;
    const struct tocsin__loop_signal *loop_signal = tocsin__loop_signal(loop, signal->signo);
    bool elsewhere = demand_is_elsewhere(op, loop_signal, signal),
         here = demand_is_here(op, loop_signal);

    if (elsewhere && !tocsin__others_have_room(loop, signal))
        return false;
    if (tocsin__op_progress(op)->info || op->mode & TOCSIN_AT_EACH || (elsewhere && !here))
        return demand_may_pend(op, loop_signal);
    return here && demand_takes(op, loop_signal);
}

bool tocsin__op_demand_for_all(const struct tocsin__op *op, int signo)
{
    struct tocsin__signal *signal = tocsin__signal(signo);
    const struct tocsin__loop_signal *loop_signal = demand_signal(op, signal);

    return (loop_signal && loop_signal->list->handling) ||
           demand_is_elsewhere(op, loop_signal, signal);
}

int tocsin__op_demand(const struct tocsin__op *op)
{
    int demand = 0;

    for (int which = 0; which < 4 && op->kind->progress[which] && demand != 1; which++) {
        int admission = tocsin__op_progress_admission(op, which);

        demand = admission ? admission : demand;
    }
    return demand;
}
