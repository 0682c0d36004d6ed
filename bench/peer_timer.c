/* Measures one case of bench/timer with the timers of one library. */
#include "peer_timer.h"

#include <time.h>

enum { LATE_TIMERS = 200 };

static double median_late(const struct timer_side *side)
{
    double late[LATE_TIMERS];
    int count = bench_quick ? LATE_TIMERS / 4 : LATE_TIMERS;

    for (int i = 0; i < count; i++)
        late[i] = side->late_us();
    return bench_median(late, count);
}

/* The time of the processor, so that other programs that run at the same time do not count. */
static uint64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static double since(uint64_t begin_ns)
{
    return (double)(cpu_ns() - begin_ns) / (double)timer_count();
}

double timer_measure(const struct timer_side *side, const char *what)
{
    double bytes, resident;
    uint64_t begin_ns;

    side->open();
    bytes = timer_heap_bytes();
    resident = timer_resident_bytes();
    begin_ns = cpu_ns();
    side->add(timer_count());
    if (!strcmp(what, "add"))
        return since(begin_ns);
    if (!strcmp(what, "memory"))
        return (timer_heap_bytes() - bytes) / (double)timer_count();
    if (!strcmp(what, "resident"))
        return (timer_resident_bytes() - resident) / (double)timer_count();
    if (!strcmp(what, "late"))
        return median_late(side);
    begin_ns = cpu_ns();
    if (!strncmp(what, "cancel", 6))
        side->cancel(!strcmp(what, "cancel-mixed"));
    else if (!strcmp(what, "release"))
        side->release();
    else
        side->refresh();
    return since(begin_ns);
}
