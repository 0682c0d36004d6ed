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
    struct tocsin__progress *paused; /* paused operations: their progress was refused or is held */
    struct tocsin__progress *resume_next;
    struct tocsin__op *ending;      /* the operation whose end is being delivered; NULL: none */
    struct tocsin__sink *listening; /* queues that are connected to a pattern */
    /* Functions of queues. lib/style sets them when the first queue is opened. queues_close closes
     * all queues of the loop. queues_left forgets waits whose stack frame a jump (longjmp) has
     * left; such frames are below the address here. queues_forget forgets all waits (T6, T8). */
    void (*queues_close)(struct tocsin__ops *ops);
    void (*queues_left)(struct tocsin__ops *ops, const void *here);
    void (*queues_forget)(struct tocsin__ops *ops);
    uint64_t resumed_age; /* value of loop->age when paused operations were last asked */
    bool resume_wanted;   /* paused operations must be asked in the next turn, because a queue has
                           * room or memory was short */
    uint32_t behind;      /* number of delayed ends that wait for another end of their signal
                           * (op/inject.c) */
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
