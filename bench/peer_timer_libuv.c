/* Measures the timers of libuv, for bench/timer. */
#include "peer_timer.h"

#include <string.h>
#include <uv.h>

static uv_loop_t loop;
static uv_timer_t **timers;
static bool expired;

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
    expired = true;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void open_loop(void)
{
    timer_must(!uv_loop_init(&loop), "uv_loop_init");
    timers = timer_alloc((size_t)timer_count() * sizeof *timers);
}

static void add(long count)
{
    for (long i = 0; i < count; i++) {
        uint64_t delay = (uint64_t)timer_delay_ms(i);

        timers[i] = malloc(sizeof *timers[i]);
        timer_must(timers[i] && !uv_timer_init(&loop, timers[i]) &&
                       !uv_timer_start(timers[i], on_timer, delay, delay),
                   "uv_timer_start");
    }
}

static void cancel(bool mixed)
{
    for (long i = 0; i < timer_count(); i++)
        uv_timer_stop(timers[mixed ? timer_mixed(i) : i]);
}

static void release(void)
{
    for (long i = 0; i < timer_count(); i++) {
        uv_close((uv_handle_t *)timers[i], on_closed);
        if (i % 1000 == 999)
            uv_run(&loop, UV_RUN_NOWAIT);
    }
    uv_run(&loop, UV_RUN_NOWAIT);
}

static void refresh(void)
{
    for (long i = 0; i < timer_count(); i++)
        uv_timer_again(timers[i]);
}

static double late_us(void)
{
    uv_timer_t timer;
    uint64_t begin_ns = bench_ns();
    double late;

    expired = false;
    uv_timer_init(&loop, &timer);
    uv_update_time(&loop);
    uv_timer_start(&timer, on_timer, 1, 0);
    while (!expired)
        uv_run(&loop, UV_RUN_ONCE);
    late = (double)(bench_ns() - begin_ns) / 1e3 - 1e3;
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
    return late;
}

int main(int argc, char **argv)
{
    static const struct timer_side side = { open_loop, add, cancel, release, refresh, late_us };

    timer_must(argc == 3, "peer_timer_libuv CASE ns");
    bench_quick = !strcmp(argv[2], "ns-quick");
    printf("%.6f\n", timer_measure(&side, argv[1]));
    return fflush(stdout) ? 1 : 0;
}
