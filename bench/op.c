/* Measures the cost of an operation from start to end, for each way to announce its end. The
   program itself creates and completes the operations, a hundred in each turn. So the cost of an
   operation includes a hundredth of a turn. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <tocsin.h>
#include <tocsin/provider.h>

enum { OPS = 100 };

struct run {
    struct tocsin_op ops[OPS];
    struct tocsin_queue queue;
    uint64_t announced;
};

static void must(int err, const char *what)
{
    if (err >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, tocsin_strerror(err));
    exit(1);
}

static int on_done(const struct tocsin_info *info, void *arg)
{
    struct run *run = arg;

    (void)info;
    run->announced++;
    return 0;
}

/* Functions that start an operation, one for each way in which its end is announced */

static void start_all(struct run *run, const struct tocsin_notify *notify)
{
    for (int i = 0; i < OPS; i++)
        must(tocsin_op_new(NULL, notify, &run->ops[i]), "tocsin_op_new");
}

static void complete_all(struct run *run)
{
    for (int i = 0; i < OPS; i++)
        must(tocsin_op_complete(run->ops[i], 0, NULL), "tocsin_op_complete");
}

static void hear_all(struct run *run, uint64_t enough)
{
    while (run->announced < enough)
        must(tocsin_loop_turn(0), "tocsin_loop_turn");
}

static void by_registry(struct run *run)
{
    uint64_t enough = run->announced + OPS;

    start_all(run, NULL);
    complete_all(run);
    hear_all(run, enough);
}

static void by_call(struct run *run)
{
    uint64_t enough = run->announced + OPS;

    start_all(run, TOCSIN_CALL(on_done, run));
    complete_all(run);
    hear_all(run, enough);
}

static void by_then(struct run *run)
{
    uint64_t enough = run->announced + OPS;

    start_all(run, TOCSIN_FUTURE);
    for (int i = 0; i < OPS; i++)
        must(tocsin_then(run->ops[i], on_done, run), "tocsin_then");
    complete_all(run);
    hear_all(run, enough);
}

static void by_wait(struct run *run)
{
    start_all(run, TOCSIN_FUTURE);
    complete_all(run);
    for (int i = 0; i < OPS; i++)
        must(tocsin_wait(run->ops[i], -1, NULL), "tocsin_wait");
}

static void by_queue(struct run *run)
{
    start_all(run, TOCSIN_QUEUE(run->queue));
    complete_all(run);
    for (int i = 0; i < OPS; i++)
        must(tocsin_queue_wait(run->queue, -1, NULL), "tocsin_queue_wait");
}

static const struct way {
    const char *name;
    void (*round)(struct run *run);
} ways[] = { { "registry", by_registry },
             { "call", by_call },
             { "then", by_then },
             { "wait", by_wait },
             { "queue", by_queue } };
enum { WAYS = sizeof ways / sizeof *ways };

/* Functions that measure one way to announce an end */

static struct run run;
static const struct way *way;

static void repeat(void *arg, long count)
{
    (void)arg;
    while (count-- > 0)
        way->round(&run);
}

static double measure(void *arg)
{
    /* the flag is TOCSIN_EARLY, since op.done is declared later, by the first operation */
    struct tocsin_action early = { .fn = on_done, .arg = &run, .flags = TOCSIN_EARLY };
    double ns;

    way = arg;
    must(tocsin_queue_open(NULL, NULL, &run.queue), "tocsin_queue_open");
    if (way->round == by_registry)
        must(tocsin_connect("op.done", &early, NULL), "tocsin_connect");
    ns = bench_time(repeat, NULL) / OPS;
    tocsin_queue_close(run.queue);
    tocsin_loop_free();
    return ns;
}

/* Measures each way in a process of its own, so that the handler of one way does not slow down
   another way. */
static double forked(void *arg)
{
    return bench_forked(measure, arg);
}

int main(int argc, char **argv)
{
    struct bench_side sides[WAYS];

    bench_begin(argc, argv,
                "Measures an operation from start to end, by the way its end is announced.");
    for (int i = 0; i < WAYS; i++)
        sides[i] = (struct bench_side){ "tocsin", forked, (void *)(uintptr_t)&ways[i], NAN };
    bench_interleave(sides, WAYS, bench_quick ? 3 : 9);
    for (int i = 0; i < WAYS; i++)
        bench_row("tocsin", ways[i].name, sides[i].value, "ns", NULL, 0);
    return bench_end();
}
