/* Measures timers while a million of them are armed: their cost, their memory and how late they
   expire. libuv and libevent are measured in the same way. Each figure comes from a process of its
   own. */
#include "bench.h"
#include "peer_timer.h"

#include <event2/event.h>
#include <string.h>
#include <tocsin.h>

static bool expired;

/* The functions that measure tocsin */

static struct tocsin_op *ops;
static long ended;

static int on_end(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    ended++;
    return 0;
}

static int on_expired(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    expired = true;
    return 0;
}

static void turn_once(int64_t timeout_ms)
{
    timer_must(tocsin_loop_turn(timeout_ms) >= 0, "tocsin_loop_turn");
}

static void tocsin_open(void)
{
    turn_once(0);
    ops = timer_alloc((size_t)timer_count() * sizeof *ops);
}

static void tocsin_add(long count)
{
    for (long i = 0; i < count; i++)
        timer_must(tocsin_timer(timer_delay_ms(i), TOCSIN_CALL(on_end, NULL), &ops[i]) >= 0,
                   "tocsin_timer");
}

/* Cancels all timers. The measured time includes the announcements of their ends, a hundred of them
   in each turn. */
static void tocsin_cancel_all(bool mixed)
{
    for (long i = 0; i < timer_count(); i++) {
        timer_must(tocsin_cancel(ops[mixed ? timer_mixed(i) : i]) >= 0, "tocsin_cancel");
        if (i % 100 == 99)
            turn_once(0);
    }
    while (ended < timer_count())
        turn_once(0);
}

/* Cancels all timers. A timer that has ended is freed by the library. */
static void tocsin_release(void)
{
    tocsin_cancel_all(false);
}

static void tocsin_refresh(void)
{
    for (long i = 0; i < timer_count(); i++)
        timer_must(tocsin_timer_set(ops[i], timer_delay_ms(i)) >= 0, "tocsin_timer_set");
}

static double tocsin_late_us(void)
{
    uint64_t begin_ns = bench_ns();

    expired = false;
    timer_must(tocsin_timer(1, TOCSIN_CALL(on_expired, NULL), NULL) >= 0, "tocsin_timer");
    while (!expired)
        turn_once(-1);
    return (double)(bench_ns() - begin_ns) / 1e3 - 1e3;
}

static const struct timer_side tocsin_side = { tocsin_open,    tocsin_add,     tocsin_cancel_all,
                                               tocsin_release, tocsin_refresh, tocsin_late_us };

/* The functions that measure libevent */

static struct event_base *base;
static struct event **events;

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    expired = true;
}

static void event_start(struct event *event, int64_t delay_ms)
{
    struct timeval delay = { delay_ms / 1000, delay_ms % 1000 * 1000 };

    timer_must(event && !event_add(event, &delay), "event_add");
}

static void libevent_open(void)
{
    base = event_base_new();
    timer_must(base, "event_base_new");
    events = timer_alloc((size_t)timer_count() * sizeof *events);
}

static void libevent_add(long count)
{
    for (long i = 0; i < count; i++)
        event_start(events[i] = evtimer_new(base, on_event, NULL), timer_delay_ms(i));
}

static void libevent_cancel(bool mixed)
{
    for (long i = 0; i < timer_count(); i++)
        event_del(events[mixed ? timer_mixed(i) : i]);
}

static void libevent_release(void)
{
    for (long i = 0; i < timer_count(); i++)
        event_free(events[i]);
}

static void libevent_refresh(void)
{
    for (long i = 0; i < timer_count(); i++)
        event_start(events[i], timer_delay_ms(i));
}

static double libevent_late_us(void)
{
    struct event *event = evtimer_new(base, on_event, NULL);
    uint64_t begin_ns = bench_ns();
    double late;

    expired = false;
    event_start(event, 1);
    while (!expired)
        event_base_loop(base, EVLOOP_ONCE);
    late = (double)(bench_ns() - begin_ns) / 1e3 - 1e3;
    event_free(event);
    return late;
}

static const struct timer_side libevent_side = { libevent_open,    libevent_add,
                                                 libevent_cancel,  libevent_release,
                                                 libevent_refresh, libevent_late_us };

/* Functions that compare tocsin with libevent and libuv */

static const struct measured {
    const char *name, *unit;
} cases[] = { { "add", "ns" },         { "cancel", "ns" },  { "cancel-mixed", "ns" },
              { "release", "ns" },     { "refresh", "ns" }, { "memory", "bytes" },
              { "resident", "bytes" }, { "late", "us" } };
enum { CASES = sizeof cases / sizeof *cases };

struct run {
    const struct timer_side *side;
    const char *what;
};

static double measure(void *arg)
{
    const struct run *run = arg;

    return timer_measure(run->side, run->what);
}

static double forked(void *arg)
{
    return bench_forked(measure, arg);
}

enum { TOCSIN, LIBUV, LIBEVENT, IDLE_NEAR, IDLE_FAR, SIDES };
static const char *const names[SIDES] = { "tocsin", "libuv", "libevent", "tocsin", "tocsin" };

static void print(const struct measured *measured, const double *values)
{
    for (int i = TOCSIN; i <= LIBEVENT; i++)
        if (isnan(values[i]) && i != TOCSIN)
            bench_none(names[i], measured->name, measured->unit);
        else
            bench_row(names[i], measured->name, values[i], measured->unit,
                      i == LIBUV ? NULL : "libuv", values[LIBUV]);
    if (strcmp(measured->name, "refresh"))
        return;
    bench_row("tocsin", "refresh,idle", values[IDLE_NEAR], "ns", "libuv", values[LIBUV]);
    bench_row("tocsin", "refresh,idle,far", values[IDLE_FAR], "ns", "libuv", values[LIBUV]);
}

static void compare(const struct measured *measured, const char *libuv, const char *idle)
{
    bool refresh = !strcmp(measured->name, "refresh");
    struct run runs[SIDES] = {
        [TOCSIN] = { &tocsin_side, measured->name }, [LIBEVENT] = { &libevent_side, measured->name }
    };
    struct bench_command commands[SIDES] = { [LIBUV] = { { libuv, measured->name } },
                                             [IDLE_NEAR] = { { refresh ? idle : NULL, "near" } },
                                             [IDLE_FAR] = { { refresh ? idle : NULL, "far" } } };
    struct bench_side sides[SIDES];
    double values[SIDES];
    int places[SIDES], count = 0;

    for (int i = 0; i < SIDES; i++) {
        values[i] = NAN;
        if (!runs[i].side && !commands[i].words[0])
            continue;
        sides[count] = (struct bench_side){ names[i], bench_command_ns, &commands[i], NAN };
        if (runs[i].side)
            sides[count].measure = forked, sides[count].arg = &runs[i];
        places[count++] = i;
    }
    bench_interleave(sides, count, bench_quick ? 3 : 7);
    for (int i = 0; i < count; i++)
        values[places[i]] = sides[i].value;
    print(measured, values);
}

int main(int argc, char **argv)
{
    char *libuv, *idle;

    bench_begin(argc, argv,
                "Measures timers while a million are armed, beside libuv and libevent.");
    libuv = bench_find("peer_timer_libuv");
    idle = bench_find("own_idle");
    bench_remark("%ld timers of 1 to 11 minutes; ns: CPU time for each", timer_count());
    if (!libuv)
        bench_remark("libuv: not built: libuv1-dev was not installed");
    bench_remark("add: makes and starts; tocsin: an operation with an id and a notify");
    bench_remark("cancel: tocsin_cancel and its announced end, in turns of a hundred; "
                 "uv_timer_stop; event_del");
    bench_remark("cancel-mixed: the same, not in the order in which they were started");
    bench_remark("release: the same for tocsin; uv_close and its callback, free; event_free");
    bench_remark("refresh: tocsin_timer_set; uv_timer_again; event_add");
    bench_remark("refresh,idle: what a stream does at each activity for its idle limit, when its "
                 "memory is in the cache because it was just used; far: when it is not");
    bench_remark("memory: bytes of the allocator (mallinfo2) for each; resident: pages of the "
                 "process, in bytes for each");
    bench_remark("late: median delay of timers of 1 ms, one after another, after that millisecond");
    for (int i = 0; i < CASES; i++)
        compare(&cases[i], libuv, idle);
    free(libuv);
    free(idle);
    return bench_end();
}
