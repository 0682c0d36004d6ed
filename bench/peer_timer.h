/* The delays and the order of the timers in bench/timer and in its peer for libuv. The peer is
   called with the name of a case, and "ns" or "ns-quick". */
#ifndef PEER_TIMER_H
#define PEER_TIMER_H

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

static inline long timer_count(void)
{
    return bench_quick ? 100000 : 1000000;
}

/* From one minute to eleven, so that none expires while others are measured. The same for all. */
static inline int64_t timer_delay_ms(long number)
{
    return 60000 + (int64_t)((uint64_t)number * 2654435761u % 600000);
}

/* The number of the timer that is the step-th to be cancelled in the case "cancel-mixed". */
static inline long timer_mixed(long step)
{
    return (long)((uint64_t)step * 7368787 % (uint64_t)timer_count());
}

static inline void timer_must(bool right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "%s failed\n", what);
    exit(1);
}

static inline void *timer_alloc(size_t size)
{
    void *memory = malloc(size);

    timer_must(memory, "malloc");
    return memset(memory, 0, size); /* touches it, so it counts neither as added nor as resident */
}

/* Memory of the process that is in use, however it was allocated. */
static inline double timer_resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long resident = 0;

    timer_must(file && fscanf(file, "%*d %ld", &resident) == 1, "/proc/self/statm");
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static inline double timer_heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return (double)(info.uordblks + info.hblkhd);
}

/* The cases. Each returns nanoseconds for one timer; memory: bytes; late: microseconds. */
struct timer_side {
    void (*open)(void);
    void (*add)(long count);    /* makes and starts the timers */
    void (*cancel)(bool mixed); /* stops all; mixed: not in the order in which they were started */
    void (*release)(void);      /* stops all, and frees them */
    void (*refresh)(void);      /* starts each anew */
    double (*late_us)(void);    /* starts one of a millisecond, and waits for it */
};
double timer_measure(const struct timer_side *side, const char *what);

#endif
