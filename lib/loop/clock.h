/* The clock of a loop. A test can stop it and move it (tocsin_clock_move). */
#ifndef TOCSIN_LOOP_CLOCK_H
#define TOCSIN_LOOP_CLOCK_H

#include <stdint.h>

struct tocsin__engine;

/* -1 (no limit) for a negative number. A limit of centuries, so that sums do not overflow. */
static inline int64_t tocsin__us_from_ms(int64_t ms)
{
    return ms < 0 ? -1 : ms > INT64_MAX / 4000 ? INT64_MAX / 4 : ms * 1000;
}

/* The time of the loop's clock in microseconds; engine NULL: real time. */
int64_t tocsin__now(const struct tocsin__engine *engine);

/* The time timeout_ms from now, in microseconds; limited, so that it does not overflow. */
int64_t tocsin__due_in(const struct tocsin__engine *engine, int64_t timeout_ms);

#endif
