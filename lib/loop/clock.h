/* The clock of a loop. A test can stop and move this clock (tocsin_clock_move). */
#ifndef TOCSIN_LOOP_CLOCK_H
#define TOCSIN_LOOP_CLOCK_H

#include <stdint.h>

struct tocsin__engine;

/* Converts milliseconds to microseconds. A negative number becomes -1 (no limit). The result is at
   most some centuries, so that sums do not overflow. */
static inline int64_t tocsin__us_from_ms(int64_t ms)
{
    return ms < 0 ? -1 : ms > INT64_MAX / 4000 ? INT64_MAX / 4 : ms * 1000;
}

/* Returns the time of the loop's clock in microseconds. If `engine` is NULL, returns the real
   time. */
int64_t tocsin__now(const struct tocsin__engine *engine);

/* Returns the time that is timeout_ms from now, in microseconds. The result is limited, so that it
   does not overflow. */
int64_t tocsin__due_in(const struct tocsin__engine *engine, int64_t timeout_ms);

#endif
