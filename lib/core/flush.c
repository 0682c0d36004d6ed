/* Delivering what was pended: the lowest rank first, in a rank the oldest, each to its end (E10). A slot is in one heap at a time: of a
   flush that is on the stack (it is FLUSHING then), of those that are late, of those that wait for room in a queue. */
#include "core/emit.h"

static struct tocsin__slot *slot_of(struct tocsin__heap_node *node)
{
    return tocsin__container(node, struct tocsin__slot, due);
}

static void put(struct tocsin__heap *heap, struct tocsin__slot *slot)
{
    if (tocsin__heap_has(&slot->due))
        tocsin__heap_remove(&slot->due);
    slot->due.major = slot->signal->spec.rank;
    slot->due.minor = slot->pend->age;
    tocsin__heap_put(heap, &slot->due);
}

static bool deliverable(const struct tocsin__slot *slot)
{
    return slot->pend && !tocsin__slot_held(slot);
}

/* What is pended before that sequence number is this flush's; the rest is for the next turn. */
static void take_over(struct tocsin__heap *due, struct tocsin__slot *slot, uint64_t before)
{
    slot->state |= TOCSIN__FLUSHING;
    slot->due_before = before;
    put(due, slot);
}

void tocsin__due_take(struct tocsin__heap *due, struct tocsin__slot *slot)
{
    if (deliverable(slot))
        take_over(due, slot, tocsin__self->sequence);
}

/* A flush on the stack will come to it. */
static bool waits(const struct tocsin__slot *slot)
{
    return slot->state & TOCSIN__FLUSHING && tocsin__heap_has(&slot->due) && slot->pend && slot->pend->age < slot->due_before;
}

void tocsin__due_put(struct tocsin__heap *due, struct tocsin__slot *slot)
{
    if (deliverable(slot) && !waits(slot))
        take_over(due, slot, tocsin__self->sequence);
}

void tocsin__due_release(struct tocsin__heap *released, struct tocsin__slot *slot)
{
    if (deliverable(slot) && !waits(slot))
        take_over(released, slot, UINT64_MAX);
}

static void wait_for_turn(struct tocsin__loop *loop, struct tocsin__slot *slot)
{
    put(&loop->late, slot);
    if (loop->stir)
        loop->stir(loop);
}

/* Whether its oldest is to be delivered by this flush; else the slot leaves it. */
static bool ripe(struct tocsin__loop *loop, struct tocsin__slot *slot, uint64_t before)
{
    bool deep = slot->state & TOCSIN__RUNNING && slot->nested + 1 >= TOCSIN__NEST_MAX;

    if (deliverable(slot) && !deep) {
        /* An end behind it holds a place that it could not give back if this one waited for that. */
        bool shut = slot->state & TOCSIN__GATED && !slot->ends && !loop->freeing && !tocsin__gates_open(slot, slot->pend->info->size);

        if (slot->pend->age < before && !shut)
            return true;
        if (shut)
            put(&loop->shut, slot);
        else
            wait_for_turn(loop, slot);
    }
    slot->state &= ~(uint32_t)TOCSIN__FLUSHING;
    return false;
}

static void deliver_oldest(struct tocsin__loop *loop, struct tocsin__slot *slot)
{
    struct tocsin__pend *pend = tocsin__pend_take(slot);

    slot->flushed++;
    tocsin__tell_begin(loop, pend);
    tocsin__deliver_or_default(loop, slot, pend->info);
    tocsin__tell_end(loop, pend);
    slot->flushed--;
}

/* What the masks of its handlers held back is due with the rest, when its outermost delivery has ended. */
static void absorb(struct tocsin__loop *loop, struct tocsin__heap *due, struct tocsin__slot *from, uint64_t before)
{
    struct tocsin__heap *released = &from->released;

    while (due != released && !(from->state & TOCSIN__RUNNING) && released->first) {
        struct tocsin__slot *slot = slot_of(released->first);

        tocsin__heap_remove(&slot->due);
        slot->state &= ~(uint32_t)TOCSIN__FLUSHING;
        if (slot->pend && slot->pend->age < before)
            take_over(due, slot, before);
        else if (deliverable(slot))
            wait_for_turn(loop, slot);
    }
}

/* The next of a slot: it stays in the flush while that has something of it to deliver. */
static void go_on(struct tocsin__loop *loop, struct tocsin__heap *due, struct tocsin__slot *slot, uint64_t before)
{
    if (slot->pend && slot->pend->age < before) {
        take_over(due, slot, before);
        return;
    }
    if (slot->state & TOCSIN__FLUSHING && tocsin__heap_has(&slot->due))
        return;                                        /* another one has it */
    slot->state &= ~(uint32_t)TOCSIN__FLUSHING;
    if (deliverable(slot))
        wait_for_turn(loop, slot);
}

/* Too many flushes inside one another: what is due waits. */
static void put_off(struct tocsin__loop *loop, struct tocsin__heap *due)
{
    while (due->first) {
        struct tocsin__slot *slot = slot_of(due->first);

        tocsin__heap_remove(&slot->due);
        slot->state &= ~(uint32_t)TOCSIN__FLUSHING;
        if (slot->pend)
            wait_for_turn(loop, slot);
    }
}

int tocsin__flush(struct tocsin__loop *loop, struct tocsin__heap *due)
{
    uint64_t before = loop->sequence;
    int count = 0;

    if (loop->depth >= TOCSIN__DEPTH_MAX)
        put_off(loop, due);
    loop->depth++;
    while (due->first) {
        if (tocsin__inherited(loop)) {                 /* T8: the delivery that was under way has ended, no other begins */
            put_off(loop, due);
            break;
        }
        struct tocsin__slot *slot = slot_of(due->first);

        tocsin__heap_remove(&slot->due);
        absorb(loop, due, slot, before);
        if (slot->pend && slot->pend->age != slot->due.minor) {
            put(due, slot);                            /* somebody took what was the oldest */
            continue;
        }
        if (!ripe(loop, slot, before))
            continue;
        deliver_oldest(loop, slot);
        count++;
        absorb(loop, due, slot, before);
        go_on(loop, due, slot, before);
    }
    loop->depth--;
    return count;
}

void tocsin__flush_slot(struct tocsin__loop *loop, struct tocsin__slot *slot)
{
    struct tocsin__heap due = { NULL };

    tocsin__due_put(&due, slot);
    tocsin__flush(loop, &due);
}

void tocsin__settle(struct tocsin__loop *loop, struct tocsin__slot *slot)
{
    struct tocsin__heap due = { NULL };

    slot->state &= ~(uint32_t)(TOCSIN__RUNNING | TOCSIN__KEPT);
    slot->unblocked = false;
    slot->fresh = NULL;
    if (slot->state & TOCSIN__UNTIDY)
        tocsin__slot_compact(loop, slot);
    tocsin__slot_interest(slot);
    if (slot->flushed)
        return;                                        /* who flushes it goes on with it, and with what it has released */
    absorb(loop, &due, slot, loop->sequence);
    tocsin__due_put(&due, slot);
    if (due.first)
        tocsin__flush(loop, &due);
}

int tocsin__flush_late(struct tocsin__loop *loop)
{
    struct tocsin__heap due = { NULL };
    int count;

    while (loop->late.first) {
        struct tocsin__slot *slot = slot_of(loop->late.first);

        tocsin__heap_remove(&slot->due);
        tocsin__due_put(&due, slot);
    }
    count = tocsin__flush(loop, &due);
    tocsin__tidy_at_rest(loop);
    return count;
}

void tocsin__flush_shut(struct tocsin__loop *loop)
{
    while (loop->shut.first) {
        struct tocsin__slot *slot = slot_of(loop->shut.first);

        tocsin__heap_remove(&slot->due);
        if (slot->pend)
            wait_for_turn(loop, slot);
    }
}
