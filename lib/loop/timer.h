/* The timers of a loop: a heap whose nodes lie in the timers, so arming a timer cannot fail. */
#ifndef TOCSIN_LOOP_TIMER_H
#define TOCSIN_LOOP_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"

struct tocsin__engine;

struct tocsin__timer {
    /* The first member. major: the due time in microseconds; minor: among timers that are due at
       the same time, the first armed is the first to fire. */
    struct tocsin__heap_node node;
    void (*fire)(struct tocsin__timer *timer);
};

struct tocsin__timers {
    struct tocsin__heap heap;
    uint64_t order; /* value of `minor` for the next timer that is armed */
};

static inline bool tocsin__timer_armed(const struct tocsin__timer *timer)
{
    return tocsin__heap_has(&timer->node);
}

static inline int64_t tocsin__timer_due(const struct tocsin__timer *timer)
{
    return timer->node.major;
}

/* due_us: of the loop's clock. Moves a timer that is armed already. */
void tocsin__timer_arm(struct tocsin__engine *engine, struct tocsin__timer *timer, int64_t due_us);
void tocsin__timer_disarm(struct tocsin__engine *engine, struct tocsin__timer *timer);

/* When the first timer is due; INT64_MAX: none is armed. */
int64_t tocsin__timer_next(const struct tocsin__engine *engine);

/* Fires the timers that are due. Timers that are armed meanwhile wait for the next call. Returns
 * how many fired. */
int tocsin__timers_fire(struct tocsin__engine *engine);

#endif
