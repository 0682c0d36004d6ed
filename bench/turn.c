/* Measures the cost of an empty turn, and the delay of a timer of one millisecond. Both are
   compared with libevent alone. */
#include "bench.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <tocsin.h>

enum { TIMERS = 1000, ROUNDS = 10, DELAY_MS = 1 };

static struct event_base *base;
static struct event *waiting;

static void die(const char *what)
{
    fprintf(stderr, "bench/turn: %s failed\n", what);
    exit(1);
}

static void on_nothing(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
}

/* Functions that measure an empty turn */

/* Starts a timer of an hour, so that the turn waits for at least one event. */
static void wait_for_something(void)
{
    struct timeval hour = { 3600, 0 };

    waiting = evtimer_new(base, on_nothing, NULL);
    if (!waiting || evtimer_add(waiting, &hour) || tocsin_timer(hour.tv_sec * 1000, NULL, NULL))
        die("a timer");
}

static void tocsin_turns(void *arg, long count)
{
    (void)arg;
    while (count-- > 0)
        if (tocsin_loop_turn(0) < 0)
            die("tocsin_loop_turn");
}

static void libevent_turns(void *arg, long count)
{
    (void)arg;
    while (count-- > 0)
        event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static double measure_tocsin(void *arg)
{
    return bench_time(tocsin_turns, arg);
}
static double measure_libevent(void *arg)
{
    return bench_time(libevent_turns, arg);
}

static void compare_turns(void)
{
    struct bench_side sides[] = { { "tocsin", measure_tocsin, NULL, NAN },
                                  { "libevent", measure_libevent, NULL, NAN } };

    bench_interleave(sides, 2, bench_quick ? 3 : 9);
    bench_row("tocsin", "empty", sides[0].value, "ns", "libevent", sides[1].value);
    bench_row("libevent", "empty", sides[1].value, "ns", NULL, 0);
}

/* Functions that measure the delay of a timer, one timer after the other */

struct timing {
    uint64_t begin_ns;
    double late_us;
    bool over;
};

static void stop_watch(struct timing *timing)
{
    timing->late_us = (double)(bench_ns() - timing->begin_ns) / 1e3 - DELAY_MS * 1e3;
    timing->over = true;
}

static int on_expired(const struct tocsin_info *info, void *arg)
{
    (void)info;
    stop_watch(arg);
    return 0;
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    stop_watch(arg);
}

static double time_tocsin(void)
{
    struct timing timing = { .begin_ns = bench_ns() };

    if (tocsin_timer(DELAY_MS, TOCSIN_CALL(on_expired, &timing), NULL))
        die("tocsin_timer");
    while (!timing.over)
        if (tocsin_loop_turn(-1) < 0)
            die("tocsin_loop_turn");
    return timing.late_us;
}

static double time_libevent(void)
{
    struct timeval delay = { 0, DELAY_MS * 1000 };
    struct timing timing = { .begin_ns = bench_ns() };

    if (event_base_once(base, -1, EV_TIMEOUT, on_timeout, &timing, &delay))
        die("event_base_once");
    while (!timing.over)
        event_base_loop(base, EVLOOP_ONCE);
    return timing.late_us;
}

static double worst_of(const double *values, int count)
{
    double worst = values[0];

    for (int i = 1; i < count; i++)
        worst = fmax(worst, values[i]);
    return worst;
}

/* Alternates batches of tocsin and of libevent, so that other programs on the machine slow down
   both equally. */
static void compare_timers(void)
{
    static double tocsin[TIMERS], libevent[TIMERS];
    int timers = bench_quick ? TIMERS / 5 : TIMERS, batch = timers / ROUNDS;
    double median, worst;

    for (int first = 0; first < timers; first += batch) {
        for (int i = first; i < first + batch; i++)
            tocsin[i] = time_tocsin();
        for (int i = first; i < first + batch; i++)
            libevent[i] = time_libevent();
    }
    median = bench_median(libevent, timers), worst = worst_of(libevent, timers);
    bench_remark("late: delay after the requested millisecond, %d timers one after another",
                 timers);
    bench_row("tocsin", "late-median", bench_median(tocsin, timers), "us", "libevent", median);
    bench_row("libevent", "late-median", median, "us", NULL, 0);
    bench_row("tocsin", "late-worst", worst_of(tocsin, timers), "us", "libevent", worst);
    bench_row("libevent", "late-worst", worst, "us", NULL, 0);
}

/* Functions that measure the delay of a timer while a handler emits its own signal again and
   again */

static uint64_t rounds;

static int on_round(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    rounds++;
    /* The emission must stay pending until the next turn (contract line T5). */
    return tocsin_emit(info->signo, NULL);
}

static void compare_busy(void)
{
    static double late[TIMERS];
    int timers = bench_quick ? TIMERS / 5 : TIMERS,
        signo = tocsin_declare(&(struct tocsin_signal_spec){ .name = "bench.round" });
    struct tocsin_handler handler;
    uint64_t before;

    if (signo < 0 ||
        tocsin_connect("bench.round", &(struct tocsin_action){ .fn = on_round }, &handler) ||
        tocsin_emit(signo, NULL) < 0)
        die("a handler that emits its own signal");
    before = rounds;
    for (int i = 0; i < timers; i++)
        late[i] = time_tocsin();
    bench_remark("busy: the same while a handler always emits its own signal; it was called %.0f "
                 "times per timer",
                 (double)(rounds - before) / timers);
    bench_row("tocsin", "late-busy-median", bench_median(late, timers), "us", NULL, 0);
    bench_row("tocsin", "late-busy-worst", worst_of(late, timers), "us", NULL, 0);
    tocsin_disconnect(handler);
}

int main(int argc, char **argv)
{
    bench_begin(argc, argv, "Measures an empty turn of the loop, and the delay of a timer.");
    if (!(base = event_base_new()))
        die("event_base_new");
    wait_for_something();
    compare_turns();
    compare_timers();
    compare_busy();
    event_free(waiting);
    event_base_free(base);
    tocsin_loop_free();
    return bench_end();
}
