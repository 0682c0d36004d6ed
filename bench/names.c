/* What names and handlers cost when there are many: the time of a call, and the memory of each. */
#include "bench.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <tocsin.h>

enum { MOST = 1000000, PATTERNS = 10000 };

static const int counts[] = { 1000, 10000, 100000, MOST };
enum { COUNTS = sizeof counts / sizeof *counts };

static void die(const char *what)
{
    fprintf(stderr, "%s failed\n", what);
    exit(1);
}

static int nothing(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}

static size_t memory(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static void name_of(int i, char *name, size_t size)
{
    snprintf(name, size, "room%d.user%d.said", i / 100, i % 100);
}

/* ---- a call of each kind, for signals first to last ---- */

static void declare(int first, int last)
{
    char name[64];

    for (int i = first; i < last; i++) {
        name_of(i, name, sizeof name);
        if (tocsin_declare(&(struct tocsin_spec){ .name = name }) < 0)
            die("tocsin_declare");
    }
}

static void find(int first, int last)
{
    char name[64];

    for (int i = first; i < last; i++) {
        name_of(i, name, sizeof name);
        if (tocsin_find(name) < 0)
            die("tocsin_find");
    }
}

static void connect_each(int first, int last)
{
    char name[64];

    for (int i = first; i < last; i++) {
        name_of(i, name, sizeof name);
        if (tocsin_on(name, nothing, NULL) < 0)
            die("tocsin_on");
    }
}

static void connect_to_one(int first, int last)
{
    for (int i = first; i < last; i++)
        if (tocsin_on("room0.user0.said", nothing, NULL) < 0)
            die("tocsin_on");
}

static void connect_patterns(int first, int last)
{
    char pattern[64];

    for (int i = first; i < last; i++) {
        snprintf(pattern, sizeof pattern, "room%d.*.said", i);
        if (tocsin_on(pattern, nothing, NULL) < 0)
            die("tocsin_on of a pattern");
    }
}

static void disconnect_all(int first, int last)
{
    static struct tocsin_handler_facts facts;

    for (int i = first; i < last; i++)
        if (tocsin_handler_next(facts.handler, &facts) < 0 || tocsin_disconnect(facts.handler) < 0)
            die("tocsin_disconnect");
}

/* ---- measuring: from one count to the next ---- */

static void measure(const char *what, void (*call)(int first, int last), int most)
{
    int done = 0;

    for (int i = 0; i < COUNTS && counts[i] <= most; i++) {
        uint64_t begin = bench_ns();
        char label[64];

        call(done, counts[i]);
        snprintf(label, sizeof label, "%s,to=%d", what, counts[i]);
        bench_row("tocsin", label, (double)(bench_ns() - begin) / (counts[i] - done), "ns", NULL, 0);
        done = counts[i];
    }
}

/* Each in a child of its own, since a name is never taken back. */
static double in_child(void *arg)
{
    (*(void (**)(void))arg)();
    fflush(stdout);
    return 0;
}

static void child(void (*run)(void))
{
    fflush(stdout);
    if (isnan(bench_forked(in_child, &run)))
        die("a part");
}

static int most(void)
{
    return bench_quick ? MOST / 10 : MOST;
}

static void names_and_handlers(void)
{
    size_t before = memory();

    measure("declare", declare, most());
    bench_row("tocsin", "memory of a name", (double)(memory() - before) / most(), "bytes", NULL, 0);
    measure("find", find, most());
    before = memory();
    measure("connect to a name each", connect_each, most());
    bench_row("tocsin", "memory of a handler of its own signal", (double)(memory() - before) / most(), "bytes", NULL, 0);
}

static void handlers_of_one(void)
{
    size_t before;

    declare(0, 1);
    before = memory();
    measure("connect to one name", connect_to_one, most());
    bench_row("tocsin", "memory of a handler of one signal", (double)(memory() - before) / most(), "bytes", NULL, 0);
    measure("disconnect from one name", disconnect_all, most());
}

static void names_among_patterns(void)
{
    connect_patterns(0, PATTERNS);
    measure("declare among 10000 patterns", declare, most());
}

static void patterns_among_names(void)
{
    declare(0, most());
    measure("connect a pattern of 100 names", connect_patterns, most() / 100);
}

int main(int argc, char **argv)
{
    bench_begin(argc, argv, "What a name and a handler cost, from the first thousand to a million.");
    bench_remark("to=N: the mean of the calls after the row before, up to the Nth");
    child(names_and_handlers);
    child(handlers_of_one);
    child(names_among_patterns);
    child(patterns_among_names);
    return bench_end();
}
