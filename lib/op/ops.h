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
    struct tocsin__loop_client loop_client; /* must be the first member */
    struct tocsin__cleanup last;
    struct tocsin__engine *engine;
    struct tocsin__op_type *kinds;
    struct tocsin__slabs slabs; /* the memory of the operations */
    /* Ended operations that need one more step, the oldest first (op/late.h). */
    struct tocsin__op *late, **late_last;
    uint32_t late_count;
    bool late_is_ready; /* late_node is on the ready list */
    struct tocsin__node late_node;
    struct tocsin__op *paused;   /* was refused or is held, and is asked again */
    struct tocsin__op *unwanted; /* was refused, and nobody listens to it (pause.h) */
    struct tocsin__op *resume_next;
    struct tocsin__progress *now;   /* of the thin operation whose progress is being delivered */
    void (*deliver_end)(struct tocsin__node *node); /* tocsin__op_deliver_end; ops.c sets it */
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
    uint64_t resumed_age, resumed_wide_age; /* loop->age when paused operations were asked last */
    bool resume_wanted; /* ask them again in the next turn: a queue has room, memory was short */
    uint32_t behind;    /* ends that wait for another end of their signal (op/inject.h) */
};

static inline struct tocsin__ops *tocsin__ops(const struct tocsin__engine *engine)
{
    return (struct tocsin__ops *)engine->loop_client;
}

/* The slabs of the calling thread's loop. NULL: the thread has no loop. */
static inline struct tocsin__slabs *tocsin__slabs_here(void)
{
    const struct tocsin__engine *engine = tocsin__self ? tocsin__self->engine : NULL;

    return engine && engine->loop_client ? &tocsin__ops(engine)->slabs : NULL;
}

/* Makes engine->loop_client, if it does not exist. Returns 0 or -ENOMEM. */
int tocsin__ops_make(struct tocsin__engine *engine);

#endif
