/* The delays and the order of the timers, which bench/timer and its peer for libuv share. The
   arguments of the peer are the name of a case, and "ns" or "ns-quick". */
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

/* Returns the delay of a timer: one minute to eleven minutes, so that no timer expires during the
   measurement. All libraries get the same delays. */
static inline int64_t timer_delay_ms(long number)
{
    return 60000 + (int64_t)((uint64_t)number * 2654435761u % 600000);
}

/* Returns the number of the timer that the case "cancel-mixed" cancels as its step-th timer. */
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
    /* memset() writes to the memory now, so that its pages are not counted later, when the timers
       are added */
    return memset(memory, 0, size);
}

/* Returns the memory of the process that is resident, however it was allocated. */
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

/* The functions of one library. The cases "memory" return bytes and "late" returns microseconds.
   All other cases return nanoseconds for one timer. */
struct timer_side {
    void (*open)(void);
    void (*add)(long count); /* creates and starts the timers */
    /* stops all timers; if `mixed` is true, not in the order in which they were started */
    void (*cancel)(bool mixed);
    void (*release)(void);   /* stops all timers and frees them */
    void (*refresh)(void);   /* starts each timer again */
    double (*late_us)(void); /* starts a timer of one millisecond, and waits until it expires */
};
double timer_measure(const struct timer_side *side, const char *what);

#endif
