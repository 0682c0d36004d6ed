/* Time: the loop's clock, and a heap of timers, which needs no memory, so arming one cannot fail. */
#ifndef TOCSIN_LOOP_TIMER_H
#define TOCSIN_LOOP_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/heap.h"

struct tocsin__engine;

struct tocsin__timer {
    struct tocsin__heap_node node;                     /* the first member. major: when it is due, in microseconds; minor: of those
                                                          that are due together, the one armed first is first */
    void (*fire)(struct tocsin__timer *timer);
};

struct tocsin__timers {
    struct tocsin__heap heap;
    uint64_t order;
};

static inline bool tocsin__timer_armed(const struct tocsin__timer *timer)
{
    return tocsin__heap_has(&timer->node);
}

static inline int64_t tocsin__timer_due(const struct tocsin__timer *timer)
{
    return timer->node.major;
}

int64_t tocsin__now(const struct tocsin__engine *engine);
int64_t tocsin__due_in(const struct tocsin__engine *engine, int64_t timeout_ms);       /* microseconds of the clock, so many milliseconds from now; never too large */
void tocsin__timer_arm(struct tocsin__engine *engine, struct tocsin__timer *timer, int64_t due_us);   /* armed already: moved */
void tocsin__timer_disarm(struct tocsin__engine *engine, struct tocsin__timer *timer);
int64_t tocsin__timer_next(const struct tocsin__engine *engine);                  /* when the first is due; INT64_MAX: none */
int  tocsin__timers_fire(struct tocsin__engine *engine);                          /* those that are due; how many */

#endif
