/* What an operation costs from start to end, by the way in which its end is announced: made and completed by hand, a
   hundred a turn, so that a hundredth of the turn is in it. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <tocsin.h>

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

/* ---- one way each: how it is started, and how its hundred ends are heard of ---- */

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
        must(tocsin_turn(0), "tocsin_turn");
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

static const struct way { const char *name; void (*round)(struct run *run); } ways[] = {
    { "registry", by_registry }, { "call", by_call }, { "then", by_then }, { "wait", by_wait }, { "queue", by_queue }
};
enum { WAYS = sizeof ways / sizeof *ways };

/* ---- measuring one ---- */

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
    struct tocsin_action early = { .fn = on_done, .arg = &run, .flags = TOCSIN_EARLY };    /* the first one declares op.done */
    double ns;

    way = arg;
    must(tocsin_queue_open(NULL, NULL, &run.queue), "tocsin_queue_open");
    if (way->round == by_registry)
        must(tocsin_connect("op.done", &early, NULL), "tocsin_connect");
    ns = bench_time(repeat, NULL) / OPS;
    tocsin_queue_close(run.queue);
    tocsin_free();
    return ns;
}

/* In a process of its own, so that the registry's handler is in nobody else's way. */
static double forked(void *arg) { return bench_forked(measure, arg); }

int main(int argc, char **argv)
{
    struct bench_side sides[WAYS];

    bench_begin(argc, argv, "What an operation costs from start to end, by the way its end is announced.");
    for (int i = 0; i < WAYS; i++)
        sides[i] = (struct bench_side){ "tocsin", forked, (void *)(uintptr_t)&ways[i], NAN };
    bench_interleave(sides, WAYS, bench_quick ? 3 : 9);
    for (int i = 0; i < WAYS; i++)
        bench_row("tocsin", ways[i].name, sides[i].value, "ns", NULL, 0);
    return bench_end();
}
