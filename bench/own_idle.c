/* Measures the refresh of an idle limit, for bench/timer. There are a million objects of 256 bytes,
   each with an idle limit of one minute. The streams use idle limits inside the library. So this
   program is the only benchmark that includes an internal header and links the library's internal
   functions. */
#include <loop/idle.h>

#include "peer_timer.h"

struct object {
    struct tocsin__idle idle;
    char rest[256 - sizeof(struct tocsin__idle)];
};

static struct tocsin__engine *engine;
static struct tocsin__idle_limits limits;
static struct object *objects;

static void on_idle(struct tocsin__idle *idle)
{
    (void)idle;
}

/* If `near` is true, the program has used each object just before the refresh. So the object is in
   the cache, like a stream that has just been read. */
static double measure(bool near)
{
    enum { NEAR = 64 };
    uint64_t ns = 0, begin_ns;
    long count = timer_count() / NEAR * NEAR;

    for (long first = 0; first < count; first += NEAR) {
        for (long i = first; near && i < first + NEAR; i++)
            objects[i].rest[0]++;
        begin_ns = bench_ns();
        for (long i = first; i < first + NEAR; i++) {
            tocsin__idle_refresh(engine, &objects[i].idle);
            /* the compiler must not merge the stores of several refreshes */
            __asm__ volatile("" : : : "memory");
        }
        ns += bench_ns() - begin_ns;
    }
    return (double)ns / (double)count;
}

int main(int argc, char **argv)
{
    timer_must(argc == 3, "own_idle near|far ns");
    bench_quick = !strcmp(argv[2], "ns-quick");
    timer_must(tocsin__engine_make(&engine) == 0, "tocsin__engine_make");
    objects = timer_alloc((size_t)timer_count() * sizeof *objects);
    tocsin__idle_init(&limits, engine, on_idle);
    for (long i = 0; i < timer_count(); i++)
        tocsin__idle_put(&limits, &objects[i].idle, 60000);
    printf("%.6f\n", measure(!strcmp(argv[1], "near")));
    return fflush(stdout) ? 1 : 0;
}
