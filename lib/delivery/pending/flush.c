/* A flush delivers pending emissions: the lowest rank first, within a rank the oldest first (E10).
 * A loop_signal is in at most one of three heaps. The first is the heap of a running flush; then
 * the state of the loop_signal is FLUSHING. The second is the heap of the next turn. The third is
 * the heap of signals whose queue has no room. */
#include "delivery/emit.h"

static struct tocsin__loop_signal *loop_signal_of(struct tocsin__heap_node *node)
{
    return tocsin__container(node, struct tocsin__loop_signal, flush.node);
}

static void heap_put(struct tocsin__heap *heap, struct tocsin__loop_signal *loop_signal)
{
    if (tocsin__heap_has(&loop_signal->flush.node))
        tocsin__heap_remove(&loop_signal->flush.node);
    tocsin__assert(!tocsin__heap_has(&loop_signal->flush.node));
    tocsin__assert(loop_signal->queued.first);
    loop_signal->flush.node.major = loop_signal->signal->spec.rank;
    loop_signal->flush.node.minor = loop_signal->queued.first->age;
    tocsin__heap_put(heap, &loop_signal->flush.node);
}

static bool is_deliverable(const struct tocsin__loop_signal *loop_signal)
{
    return loop_signal->queued.first && !tocsin__loop_signal_is_held(loop_signal);
}

/* Puts the signal into the heap of a flush. The flush delivers emissions older than `before`. The
   next turn delivers the others. */
static void flush_take(struct tocsin__heap *due, struct tocsin__loop_signal *loop_signal,
                       uint64_t before)
{
    loop_signal->state |= TOCSIN__FLUSHING;
    loop_signal->flush.before = before;
    heap_put(due, loop_signal);
}

void tocsin__due_take(struct tocsin__heap *due, struct tocsin__loop_signal *loop_signal)
{
    if (is_deliverable(loop_signal))
        flush_take(due, loop_signal, tocsin__self->sequence);
}

/* Returns true if a running flush will deliver the oldest emission. Then the signal is in the heap
 * of this flush, or the flush is delivering the signal now. */
static bool is_being_flushed(const struct tocsin__loop_signal *loop_signal)
{
    bool listed = loop_signal->state & TOCSIN__FLUSHING &&
                  tocsin__heap_has(&loop_signal->flush.node);

    return loop_signal->queued.first &&
           ((listed && loop_signal->queued.first->age < loop_signal->flush.before) ||
            loop_signal->queued.first->age < loop_signal->delivery.flush_before);
}

void tocsin__due_put(struct tocsin__heap *due, struct tocsin__loop_signal *loop_signal)
{
    if (is_deliverable(loop_signal) && !is_being_flushed(loop_signal))
        flush_take(due, loop_signal, tocsin__self->sequence);
}

void tocsin__due_release(struct tocsin__heap *released, struct tocsin__loop_signal *loop_signal)
{
    if (is_deliverable(loop_signal) && !is_being_flushed(loop_signal))
        flush_take(released, loop_signal, UINT64_MAX);
}

/* Puts the signal into the heap of the next turn. */
static void wait_for_turn(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal)
{
    heap_put(&loop->pending.next_turn, loop_signal);
    if (loop->hooks.kick_pollers)
        loop->hooks.kick_pollers(loop);
}

/* Returns true if this flush delivers the oldest emission now. If not, the signal leaves the heap
   of the flush. */
static bool is_due(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                   uint64_t before)
{
    bool deep = loop_signal->state & TOCSIN__RUNNING &&
                loop_signal->delivery.nested + 1 >= TOCSIN__NEST_MAX;

    if (is_deliverable(loop_signal) && !deep) {
        /* The queues have reserved places for the pending ends of operations. Such a place
           becomes free only when the end is delivered, so the flush must not wait for it. */
        bool shut = loop_signal->state & TOCSIN__GATED && !loop_signal->queued.ends &&
                    !loop_signal->queued.announced && !loop->life.freeing &&
                    !tocsin__admission_is_open(loop_signal, loop_signal->queued.first->info->size);

        if (loop_signal->queued.first->age < before && !shut)
            return true;
        if (shut)
            heap_put(&loop->pending.awaiting_room, loop_signal);
        else
            wait_for_turn(loop, loop_signal);
    }
    loop_signal->state &= ~(uint32_t)TOCSIN__FLUSHING;
    return false;
}

static void deliver_oldest(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                           uint64_t before)
{
    struct tocsin__pending *pending = tocsin__pending_take(loop_signal);
    uint64_t outer = loop_signal->delivery.flush_before;

    loop_signal->delivery.flush_before = before;
    tocsin__pending_delivery_begin(loop, pending);
    tocsin__deliver_or_default(loop, loop_signal, pending->info);
    tocsin__pending_delivery_end(loop, pending);
    loop_signal->delivery.flush_before = outer;
}

/* Called when the outermost delivery of `from` has ended. The masks of its handlers held some
   signals back. These signals move into the heap of this flush. */
static void flush_absorb(struct tocsin__loop *loop, struct tocsin__heap *due,
                         struct tocsin__loop_signal *from, uint64_t before)
{
    struct tocsin__heap *released = &from->flush.released;

    while (due != released && !(from->state & TOCSIN__RUNNING) && released->first) {
        struct tocsin__loop_signal *loop_signal = loop_signal_of(released->first);

        tocsin__heap_remove(&loop_signal->flush.node);
        loop_signal->state &= ~(uint32_t)TOCSIN__FLUSHING;
        if (loop_signal->queued.first && loop_signal->queued.first->age < before)
            flush_take(due, loop_signal, before);
        else if (is_deliverable(loop_signal))
            wait_for_turn(loop, loop_signal);
    }
}

/* Called after a delivery. The signal stays in this flush if its next pending emission is older
 * than `before`. Otherwise the next turn delivers its emissions. */
static void flush_continue(struct tocsin__loop *loop, struct tocsin__heap *due,
                           struct tocsin__loop_signal *loop_signal, uint64_t before)
{
    if (loop_signal->queued.first && loop_signal->queued.first->age < before) {
        flush_take(due, loop_signal, before);
        return;
    }
    if (loop_signal->state & TOCSIN__FLUSHING && tocsin__heap_has(&loop_signal->flush.node))
        return; /* another flush has the signal in its heap, and delivers it */
    loop_signal->state &= ~(uint32_t)TOCSIN__FLUSHING;
    if (is_deliverable(loop_signal))
        wait_for_turn(loop, loop_signal);
}

/* Called when too many flushes are nested. The signals of the heap wait for the next turn. */
static void flush_postpone(struct tocsin__loop *loop, struct tocsin__heap *due)
{
    while (due->first) {
        struct tocsin__loop_signal *loop_signal = loop_signal_of(due->first);

        tocsin__heap_remove(&loop_signal->flush.node);
        loop_signal->state &= ~(uint32_t)TOCSIN__FLUSHING;
        if (loop_signal->queued.first)
            wait_for_turn(loop, loop_signal);
    }
}

static int flush(struct tocsin__loop *loop, struct tocsin__heap *due, uint64_t before)
{
    int count = 0;

    if (loop->depth >= TOCSIN__DEPTH_MAX)
        flush_postpone(loop, due);
    tocsin__loop_enter(loop);
    while (due->first) {
        if (tocsin__inherited(loop)) { /* returns in the child of a fork (T8), if a handler has
                                        * called fork */
            flush_postpone(loop, due);
            break;
        }
        struct tocsin__loop_signal *loop_signal = loop_signal_of(due->first);

        tocsin__assert(loop_signal->state & TOCSIN__FLUSHING);
        tocsin__heap_remove(&loop_signal->flush.node);
        flush_absorb(loop, due, loop_signal, before);
        if (loop_signal->queued.first &&
            loop_signal->queued.first->age != loop_signal->flush.node.minor) {
            /* the signal is not due any more, because its oldest emission was taken meanwhile */
            heap_put(due, loop_signal);
            continue;
        }
        if (!is_due(loop, loop_signal, before))
            continue;
        deliver_oldest(loop, loop_signal, before);
        count++;
        flush_absorb(loop, due, loop_signal, before);
        flush_continue(loop, due, loop_signal, before);
    }
    tocsin__loop_leave_untidy(loop);
    return count;
}

int tocsin__flush(struct tocsin__loop *loop, struct tocsin__heap *due)
{
    return flush(loop, due, loop->sequence);
}

void tocsin__flush_slot(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal)
{
    struct tocsin__heap due = { NULL };

    tocsin__due_put(&due, loop_signal);
    tocsin__flush(loop, &due);
}

void tocsin__delivery_finish(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal)
{
    struct tocsin__heap due = { NULL };

    loop_signal->state &= ~(uint32_t)(TOCSIN__RUNNING | TOCSIN__KEPT);
    loop_signal->delivery.unblocked = false;
    loop_signal->walks++;
    if (loop_signal->state & TOCSIN__UNTIDY)
        tocsin__loop_signal_compact(loop, loop_signal);
    tocsin__loop_signal_update_interest(loop_signal);
    if (loop_signal->delivery.flush_before)
        /* the running flush delivers this signal, and the signals that its handlers' masks held
         * back */
        return;
    flush_absorb(loop, &due, loop_signal, loop->sequence);
    tocsin__due_put(&due, loop_signal);
    if (due.first)
        tocsin__flush(loop, &due);
}

int tocsin__flush_late(struct tocsin__loop *loop, uint64_t before)
{
    struct tocsin__heap due = { NULL };
    int count;

    while (loop->pending.next_turn.first) {
        struct tocsin__loop_signal *loop_signal = loop_signal_of(loop->pending.next_turn.first);

        tocsin__heap_remove(&loop_signal->flush.node);
        if (is_deliverable(loop_signal))
            flush_take(&due, loop_signal, before);
    }
    count = flush(loop, &due, before);
    tocsin__tidy_at_rest(loop);
    return count;
}

/* The heaps of these flushes were on a stack that no longer exists. So the nodes are cleared
   without reading the heaps. */
void tocsin__flushes_drop(struct tocsin__loop *loop)
{
    loop->pending.next_turn.first = loop->pending.awaiting_room.first = NULL;
    for (uint32_t i = 0; i < loop->loop_signals_count; i++) {
        struct tocsin__loop_signal *loop_signal = loop->loop_signals[i];

        if (!loop_signal)
            continue;
        loop_signal->flush.node = (struct tocsin__heap_node){ 0 };
        loop_signal->flush.released.first = NULL;
        loop_signal->delivery.flush_before = 0;
        loop_signal->state &= ~(uint32_t)TOCSIN__FLUSHING;
        if (loop_signal->queued.first)
            wait_for_turn(loop, loop_signal);
    }
}

void tocsin__flush_shut(struct tocsin__loop *loop)
{
    while (loop->pending.awaiting_room.first) {
        struct tocsin__loop_signal *loop_signal = loop_signal_of(loop->pending.awaiting_room.first);

        tocsin__heap_remove(&loop_signal->flush.node);
        if (loop_signal->queued.first)
            wait_for_turn(loop, loop_signal);
    }
}
