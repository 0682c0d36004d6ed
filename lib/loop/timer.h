/* The timers of a loop are in a timing wheel. The nodes of the wheel are members of the timers, so
   arming a timer cannot fail. */
#ifndef TOCSIN_LOOP_TIMER_H
#define TOCSIN_LOOP_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wheel.h"

struct tocsin__engine;

struct tocsin__timer {
    /* Must be the first member. The key `major` is the due time in microseconds. If several timers
       are due at the same time, the key `minor` makes the first armed timer fire first. */
    struct tocsin__heap_node node;
    void (*fire)(struct tocsin__timer *timer);
};
_Static_assert(sizeof(struct tocsin__timer) <= 48, "a timer is small: many are armed");

static inline bool tocsin__timer_armed(const struct tocsin__timer *timer)
{
    return tocsin__heap_has(&timer->node);
}

static inline int64_t tocsin__timer_due(const struct tocsin__timer *timer)
{
    return timer->node.major;
}

/* Arms a timer for the time due_us of the loop's clock. A timer that is armed already is moved. */
void tocsin__timer_arm(struct tocsin__engine *engine, struct tocsin__timer *timer, int64_t due_us);
void tocsin__timer_disarm(struct tocsin__engine *engine, struct tocsin__timer *timer);

/* Returns the time at which the first timer is due, or INT64_MAX if no timer is armed. The result
 * may be too early if the first timer was disarmed. If the caller then calls tocsin__timers_fire at
 * this time, the next call returns a later time. */
int64_t tocsin__timer_next(struct tocsin__engine *engine);

/* Fires the timers that are due. Timers that are armed meanwhile wait for the next call. Returns
   the number of timers that fired. */
int tocsin__timers_fire(struct tocsin__engine *engine);

#endif
