/* Reads the clock of a loop. */
#include <time.h>

#include "loop/clock.h"
#include "loop/engine.h"

static int64_t clock_read_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t tocsin__now(const struct tocsin__engine *engine)
{
    return engine && engine->clock_stopped ? engine->clock_us : clock_read_us();
}

int64_t tocsin__due_in(const struct tocsin__engine *engine, int64_t timeout_ms)
{
    return tocsin__now(engine) +
           (timeout_ms > INT64_MAX / 4000 ? INT64_MAX / 4 : timeout_ms * 1000);
}

int64_t tocsin_now(void)
{
    return tocsin__now(tocsin__self->engine);
}
