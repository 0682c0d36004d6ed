/* The operations of one loop. */
#ifndef TOCSIN_OP_OPS_H
#define TOCSIN_OP_OPS_H

#include "base/slab.h"
#include "loop/engine.h"

struct tocsin__op;
struct tocsin__op_type;
struct tocsin__progress;
struct tocsin__sink;

struct tocsin__ops {
    struct tocsin__loop_client loop_client; /* the first member */
    struct tocsin__cleanup last;
    struct tocsin__engine *engine;
    struct tocsin__op_type *kinds;
    struct tocsin__slabs slabs; /* memory of the operations */
    /* ended operations that still have something to do, the oldest first: the function of
       tocsin_then, or the rest of an end that a jump has left */
    struct tocsin__op *late, **late_last;
    uint32_t late_count;
    bool late_is_ready; /* late_node is on the ready list */
    struct tocsin__node late_node;
    struct tocsin__progress *paused; /* was refused or is held, and is asked again */
    struct tocsin__progress *resume_next;
    struct tocsin__op *ending;      /* whose end is being delivered; NULL: none */
    struct tocsin__sink *listening; /* queues that listen to signals */
    /* lib/style sets these with the first queue. queues_close: closes all queues of the loop.
       queues_left: forgets the waits whose stack frames, below here, were left by a jump.
       queues_forget: forgets all waits (T6, T8). */
    void (*queues_close)(struct tocsin__ops *ops);
    void (*queues_left)(struct tocsin__ops *ops, const void *here);
    void (*queues_forget)(struct tocsin__ops *ops);
    /* lib/io sets this with the first stream: gives back all data that code of the owner has lent
       to streams of this loop; NULL: there was no stream yet */
    void (*lent_return)(struct tocsin__ops *ops, const struct tocsin__owner *owner);
    uint64_t resumed_age; /* loop->age when the paused operations were asked last */
    bool resume_wanted;   /* ask them again in the next turn: a queue has room, memory was short */
    uint32_t behind;      /* ends that wait for another end of their signal (op/inject.h) */
};

static inline struct tocsin__ops *tocsin__ops(const struct tocsin__engine *engine)
{
    return (struct tocsin__ops *)engine->loop_client;
}

/* Returns the slabs of this thread's loop; NULL: the thread has no loop. */
static inline struct tocsin__slabs *tocsin__slabs_here(void)
{
    const struct tocsin__engine *engine = tocsin__self ? tocsin__self->engine : NULL;

    return engine && engine->loop_client ? &tocsin__ops(engine)->slabs : NULL;
}

/* Makes engine->loop_client if there is none. */
int tocsin__ops_make(struct tocsin__engine *engine);

#endif
