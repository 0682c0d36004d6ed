/* Measures the time of a call and the memory of an object, with many names, handlers, sources,
   blocks and queues. No time may grow faster than the logarithm of the count. */
#include "bench.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <tocsin.h>
#include <tocsin/inspect.h>

enum { MOST = 1000000, PATTERNS = 10000 };

static const int counts[] = { 1000, 10000, 100000, MOST };
enum { COUNTS = sizeof counts / sizeof *counts };

static void die(const char *what)
{
    fprintf(stderr, "bench/names: %s failed\n", what);
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

/* Each of these functions makes one call for each signal from `first` to `last`. */

static void declare(int first, int last)
{
    char name[64];

    for (int i = first; i < last; i++) {
        name_of(i, name, sizeof name);
        if (tocsin_declare(&(struct tocsin_signal_spec){ .name = name }) < 0)
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

/* Each of these functions uses many handlers of one signal, in a way that was slow in earlier
   versions. */

static struct tocsin_handler handlers[MOST];
static struct tocsin_source sources[MOST];
static struct tocsin_block blocks[MOST];
static struct tocsin_queue queues[MOST];

static void connect_by(int i, const struct tocsin_action *action)
{
    if (tocsin_connect("room0.user0.said", action, &handlers[i]) < 0)
        die("tocsin_connect");
}

static int one(void)
{
    return tocsin_find("room0.user0.said");
}

/* The handlers have random priorities, so the next emission sorts their list. */
static void connect_at_random(int first, int last)
{
    static uint32_t state = 1;

    for (int i = first; i < last; i++) {
        state = state * 1103515245 + 12345;
        connect_by(
            i, &(struct tocsin_action){ .fn = nothing, .priority = (int)(state >> 16) - 32768 });
    }
    tocsin_emit(one(), NULL);
}

static void connect_rising(int first, int last)
{
    for (int i = first; i < last; i++)
        connect_by(i, &(struct tocsin_action){ .fn = nothing, .priority = i / 32 - 32768 });
    tocsin_emit(one(), NULL);
}

static int from, to;

static int connect_inside(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    for (int i = from; i < to; i++)
        connect_by(i,
                   &(struct tocsin_action){
                       .fn = nothing, .source = i & 1 ? sources[0] : (struct tocsin_source){ 0 } });
    return TOCSIN_NEXT;
}

static void connect_in_a_delivery(int first, int last)
{
    if (!sources[0].id && tocsin_source_new(NULL, &sources[0]) < 0)
        die("tocsin_source_new");
    from = first;
    to = last;
    if (tocsin_connect("room0.user0.said",
                       &(struct tocsin_action){ .fn = connect_inside, .flags = TOCSIN_ONCE },
                       NULL) < 0)
        die("tocsin_connect");
    tocsin_emit(one(), NULL);
}

static void connect_once(int first, int last)
{
    for (int i = first; i < last; i++)
        connect_by(i, &(struct tocsin_action){ .fn = nothing, .flags = TOCSIN_ONCE });
    tocsin_emit(one(), NULL);
}

static void disconnect_backwards(int first, int last)
{
    for (int i = first; i < last; i++)
        connect_by(i, &(struct tocsin_action){ .fn = nothing });
    for (int i = last; i-- > first;)
        if (tocsin_disconnect(handlers[i]) < 0)
            die("tocsin_disconnect");
}

/* Finds the first handler with tocsin_handler_next(), as a program does that keeps no ids. */
static void disconnect_first(int first, int last)
{
    struct tocsin_handler_facts facts;

    for (int i = first; i < last; i++)
        connect_by(i, &(struct tocsin_action){ .fn = nothing });
    while (tocsin_handler_next((struct tocsin_handler){ 0 }, &facts) == 0)
        if (tocsin_disconnect(facts.handler) < 0)
            die("tocsin_disconnect");
}

static void listen_to_sources(int first, int last)
{
    for (int i = first; i < last; i++) {
        if (tocsin_source_new(NULL, &sources[i]) < 0)
            die("tocsin_source_new");
        connect_by(i, &(struct tocsin_action){ .fn = nothing, .source = sources[i] });
    }
    for (int i = first; i < last; i++)
        if (tocsin_source_free(sources[i]) < 0)
            die("tocsin_source_free");
}

static void listen_for_names_of_one_source(int first, int last)
{
    char name[64];

    if (!sources[0].id && tocsin_source_new(NULL, &sources[0]) < 0)
        die("tocsin_source_new");
    declare(first ? first : 1, last);
    for (int i = first; i < last; i++) {
        name_of(i, name, sizeof name);
        if (tocsin_connect(name, &(struct tocsin_action){ .fn = nothing, .source = sources[0] },
                           NULL) < 0)
            die("tocsin_connect");
    }
}

static void block_and_unblock(int first, int last)
{
    for (int i = first; i < last; i++)
        if (tocsin_block("room0.user0.said", &blocks[i]) < 0)
            die("tocsin_block");
    for (int i = first; i < last; i++)
        if (tocsin_unblock(blocks[i]) < 0)
            die("tocsin_unblock");
}

static void open_and_close(int first, int last)
{
    for (int i = first; i < last; i++)
        if (tocsin_queue_open("room0.user0.said", NULL, &queues[i]) < 0)
            die("tocsin_queue_open");
    for (int i = first; i < last; i++)
        if (tocsin_queue_close(queues[i]) < 0)
            die("tocsin_queue_close");
}

static void coalesce(int first, int last)
{
    int signo = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "latest", .kind = TOCSIN_COALESCE, .limit = 2 * MOST, .limit_bytes = 1 << 30 });

    if (signo < 0 || (!blocks[0].id && (tocsin_on("latest", nothing, NULL) < 0 ||
                                        tocsin_block("latest", &blocks[0]) < 0)))
        die("a blocked signal");
    for (int i = first; i < last; i++)
        if (tocsin_source_new(NULL, &sources[i]) < 0)
            die("tocsin_source_new");
    for (int i = 2 * first; i < 2 * last; i++)
        if (tocsin_emit_from(sources[i / 2], signo, NULL) != TOCSIN_PENDED)
            die("tocsin_emit_from");
}

static void take(int first, int last)
{
    char name[64];

    declare(first ? first : 1, last);
    for (int i = first; i < last; i++) {
        name_of(i, name, sizeof name);
        if (tocsin_emit(tocsin_find(name), NULL) != TOCSIN_PENDED)
            die("tocsin_emit");
    }
    for (int i = first; i < last; i++)
        if (tocsin_queue_wait(queues[0], 0, NULL) < 0)
            die("tocsin_queue_wait");
}

/* Measures the calls that raise the number of objects from one measured count to the next. */

static void measure(const char *what, void (*call)(int first, int last), int most)
{
    int done = 0;

    for (int i = 0; i < COUNTS && counts[i] <= most; i++) {
        uint64_t begin = bench_ns();
        char label[64];

        call(done, counts[i]);
        snprintf(label, sizeof label, "%s,to=%d", what, counts[i]);
        bench_row("tocsin", label, (double)(bench_ns() - begin) / (counts[i] - done), "ns", NULL,
                  0);
        done = counts[i];
    }
}

/* Measures each kind of call in its own child process, because a declared name is never removed. */
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
    bench_row("tocsin", "memory of a handler of its own signal",
              (double)(memory() - before) / most(), "bytes", NULL, 0);
}

static void handlers_of_one(void)
{
    size_t before;

    declare(0, 1);
    before = memory();
    measure("connect to one name", connect_to_one, most());
    bench_row("tocsin", "memory of a handler of one signal", (double)(memory() - before) / most(),
              "bytes", NULL, 0);
    measure("disconnect from one name", disconnect_all, most());
}

/* Prints two rows: one for the calls, and one for the tocsin_loop_free() that frees the
   remaining objects. */
static void in_bulk(const char *what, void (*call)(int first, int last))
{
    uint64_t begin;
    char label[64];

    declare(0, 1);
    measure(what, call, most());
    begin = bench_ns();
    tocsin_loop_free();
    snprintf(label, sizeof label, "%s,free", what);
    bench_row("tocsin", label, (double)(bench_ns() - begin) / most(), "ns", NULL, 0);
}

static void at_random(void)
{
    in_bulk("connect with random priorities", connect_at_random);
}
static void rising(void)
{
    in_bulk("connect with rising priorities", connect_rising);
}
static void inside(void)
{
    in_bulk("connect in a delivery", connect_in_a_delivery);
}
static void once(void)
{
    in_bulk("connect and be called once", connect_once);
}
static void backwards(void)
{
    in_bulk("connect and disconnect backwards", disconnect_backwards);
}
static void forwards(void)
{
    in_bulk("connect and disconnect the first", disconnect_first);
}
static void by_source(void)
{
    in_bulk("listen to a source each", listen_to_sources);
}
static void names_of_one(void)
{
    in_bulk("listen to a source for many names", listen_for_names_of_one_source);
}
static void masks(void)
{
    in_bulk("block and unblock", block_and_unblock);
}
static void sets(void)
{
    in_bulk("open and close a queue", open_and_close);
}
static void latest(void)
{
    in_bulk("queue pending for a source each", coalesce);
}

static void take_pended(void)
{
    if (tocsin_block("**, !tocsin.**", &blocks[0]) < 0)
        die("tocsin_block");
    if (tocsin_queue_open("**, !tocsin.**", &(struct tocsin_queue_options){ .flags = TOCSIN_TAKE },
                          &queues[0]) < 0)
        die("tocsin_queue_open");
    in_bulk("queue pending and take of a name each", take);
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
    bench_begin(argc, argv, "Measures names and handlers, from the first thousand to a million.");
    bench_remark("to=N: mean of the calls since the row before, up to the Nth call");
    child(names_and_handlers);
    child(handlers_of_one);
    child(at_random);
    child(rising);
    child(inside);
    child(once);
    child(backwards);
    child(forwards);
    child(by_source);
    child(names_of_one);
    child(masks);
    child(sets);
    child(latest);
    child(take_pended);
    child(names_among_patterns);
    child(patterns_among_names);
    return bench_end();
}
