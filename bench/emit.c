/* Measures the cost of an emission: its time, and the instructions of the library. Each figure is
   measured in a process of its own. All peers have the same handlers and the same payload, and the
   same loop around the emission. */
#include "bench.h"
#include "raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tocsin.h>
#include <tocsin/owner.h>

#define BENCH_SAID(F) F(string, text) F(u64, user)
TOCSIN_LAYOUT(bench_said, BENCH_SAID);

static const struct tocsin_signal_spec said = { .name = "bench.said",
                                                .doc = "A message was sent.",
                                                .layout = &bench_said_layout };

static const struct shape {
    const char *name;
    int general, of_source, patterns, limits;
} shapes[] = { { "handlers=0", 0, 0, 0, 0 },
               { "handlers=1", 1, 0, 0, 0 },
               { "handlers=4", 4, 0, 0, 0 },
               { "handlers=16", 16, 0, 0, 0 },
               { "source=1", 0, 1, 0, 0 },
               { "merged=12+4", 12, 4, 0, 0 },
               { "handlers=1,limits", 1, 0, 0, 1 },
               { "handlers=0,patterns=10000", 0, 0, 10000, 0 },
               { "handlers=1,patterns=10000", 1, 0, 10000, 0 },
               { "handlers=16,patterns=10000", 16, 0, 10000, 0 } };
enum { SHAPES = sizeof shapes / sizeof *shapes };

static int bench_handler(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ++*(uint64_t *)arg;
    return 0;
}

/* Functions that measure tocsin */

struct emitter {
    int signo;
    struct tocsin_source source;
    const struct tocsin_payload *payload;
    uint64_t heard, emitted;
};

static void bench_emit(void *arg, long count)
{
    struct emitter *emitter = arg;

    emitter->emitted += (uint64_t)count;
    while (count-- > 0)
        tocsin_emit(emitter->signo, emitter->payload);
}

static void bench_emit_from(void *arg, long count)
{
    struct emitter *emitter = arg;

    emitter->emitted += (uint64_t)count;
    while (count-- > 0)
        tocsin_emit_from(emitter->source, emitter->signo, emitter->payload);
}

/* Connects patterns that do not match the measured signal. Each pattern matches a signal of its
   own, and some of these signals are blocked or ignored. */
static int connect_elsewhere(int patterns)
{
    struct tocsin_block mask;
    int err = 0;

    for (int i = 0; i < patterns && err >= 0; i++) {
        char name[64], pattern[64];

        snprintf(name, sizeof name, "other.room%d.said", i);
        snprintf(pattern, sizeof pattern, i % 2 ? "other.room%d.*" : "*.room%d.**", i);
        err = tocsin_declare(&(struct tocsin_signal_spec){ .name = name });
        if (err >= 0)
            err = tocsin_on(pattern, bench_handler, NULL);
    }
    if (patterns && err >= 0)
        err = tocsin_block("other.*.said", &mask) | tocsin_ignore("other.room7.*");
    return err < 0 ? err : 0;
}

static int connect_handlers(struct emitter *emitter, const struct shape *shape)
{
    struct tocsin_action action = { .fn = bench_handler,
                                    .arg = &emitter->heard,
                                    .source = emitter->source };
    int err = connect_elsewhere(shape->patterns);

    for (int i = 0; i < shape->general && !err; i++)
        err = tocsin_on(said.name, bench_handler, &emitter->heard);
    for (int i = 0; i < shape->of_source && !err; i++)
        err = tocsin_connect(said.name, &action, NULL);
    return err;
}

/* Sets a limit on every resource that the program may use. */
static int limit_everything(void)
{
    int err = tocsin_owner_fault_limit("program", 8, 4);

    for (int what = 0; what < TOCSIN_RESOURCE_TYPES && err >= 0; what++)
        err = tocsin_owner_limit("program", what, 1000000);
    return err;
}

static int run_tocsin(const struct shape *shape, const char *how)
{
    struct emitter emitter = { .payload = TOCSIN_PAYLOAD(bench_said, .text = "hello", .user = 7) };
    int err = shape->limits ? limit_everything() : 0;

    emitter.signo = tocsin_declare(&said);
    if (err < 0 || emitter.signo < 0 || tocsin_source_new(NULL, &emitter.source) ||
        connect_handlers(&emitter, shape))
        return 1;
    err = bench_obey(how, shape->of_source ? bench_emit_from : bench_emit, &emitter);
    tocsin_source_free(emitter.source);
    tocsin_loop_free();
    return err || emitter.heard != emitter.emitted * (uint64_t)(shape->general + shape->of_source);
}

/* Functions that measure "raw", a loop that calls function pointers */

struct caller {
    struct raw_list list;
    struct tocsin_info info;
    void (*emit)(const struct raw_list *list, const struct tocsin_info *info);
    uint64_t heard, emitted;
};

static void near_emit(const struct raw_list *list, const struct tocsin_info *info)
{
    raw_loop(list, info);
}

static void bench_raw(void *arg, long count)
{
    struct caller *caller = arg;

    caller->emitted += (uint64_t)count;
    while (count-- > 0)
        caller->emit(&caller->list, &caller->info);
}

static int run_raw(const struct shape *shape, const char *how, bool near)
{
    /* The pointer is volatile, so that the compiler does not know which function is called, and
       cannot inline it. */
    void (*volatile emit)(const struct raw_list *, const struct tocsin_info *) = near ? near_emit
                                                                                      : raw_emit;
    struct caller caller = { .list.count = shape->general + shape->of_source, .emit = emit };
    int err;

    caller.info.payload = TOCSIN_PAYLOAD(bench_said, .text = "hello", .user = 7);
    for (int i = 0; i < caller.list.count; i++)
        caller.list.items[i].fn = bench_handler, caller.list.items[i].arg = &caller.heard;
    err = bench_obey(how, bench_raw, &caller);
    return err || caller.heard != caller.emitted * (uint64_t)caller.list.count;
}

/* Runs "emit --one WHO CASE HOW", which measures one figure. The program starts itself with these
   arguments. */
static int run_one(const char *who, const char *name, const char *how)
{
    for (int i = 0; i < SHAPES; i++)
        if (!strcmp(shapes[i].name, name))
            return strcmp(who, "tocsin") ? run_raw(&shapes[i], how, strcmp(who, "raw"))
                                         : run_tocsin(&shapes[i], how);
    return 2;
}

/* Functions that compare tocsin with other libraries */

static struct peer {
    const char *who, *program, *object, *missing;
    char *path;
} peers[] = {
    { "tocsin", NULL, "libtocsin.so", NULL, NULL },
    { "raw", NULL, NULL, NULL, NULL },
    { "raw-near", NULL, NULL, NULL, NULL },
    { "gsignal", "peer_gsignal", NULL, "not built: libglib2.0-dev was not installed", NULL },
    { "sigc++", "peer_sigc", NULL, "not built: libsigc++-2.0-dev was not installed", NULL },
    { "boost", "peer_boost", NULL, "not built: libboost-dev was not installed", NULL },
    { "node", "peer_emitter.js", NULL, "peer_emitter.js was not found", NULL }
};
enum { TOCSIN, RAW, RAW_NEAR, NODE = 6, PEERS };

/* Returns the number of handlers of a peer, as text. A peer cannot connect a handler to a single
   source. So the handlers that tocsin connects to a source become ordinary handlers of the peer's
   object. */
static const char *peer_case(const struct shape *shape)
{
    static char text[32];

    snprintf(text, sizeof text, "%d", shape->general + shape->of_source);
    return text;
}

static struct bench_command command_of(const struct peer *peer, const struct shape *shape)
{
    if (!peer->program)
        return (struct bench_command){ { bench_self(), "--one", peer->who, shape->name, NULL } };
    if (peer == &peers[NODE])
        return (struct bench_command){ { "node", peer->path, peer_case(shape), NULL } };
    return (struct bench_command){ { peer->path, peer_case(shape), NULL } };
}

static void find_peers(void)
{
    for (int i = RAW_NEAR + 1; i < PEERS; i++) {
        bool runs = i != NODE || bench_has("node");

        peers[i].path = runs ? bench_find(peers[i].program) : NULL;
        if (!peers[i].path)
            bench_remark("%s: %s", peers[i].who, runs ? peers[i].missing : "not installed");
    }
    bench_remark("raw: a loop of indirect calls in a shared object, as in a library; raw-near: the "
                 "same loop in the program");
    bench_remark("a peer has neither handlers of a source nor patterns: for source=1 and "
                 "merged=12+4 it has 1 and 16 handlers");
    bench_remark("limits: each resource of the program is limited, and so are the faults of its "
                 "handlers");
    bench_remark("patterns=10000: 10000 other handlers by pattern, all their signals blocked, one "
                 "ignored");
}

/* The ratio of tocsin is its value divided by the value of the raw loop. The ratio of each other
   peer is its value divided by tocsin's value. */
static void print_values(const struct shape *shape, const double *values, const char *unit)
{
    for (int i = 0; i < PEERS; i++) {
        int base = i == TOCSIN || i == RAW_NEAR ? RAW : TOCSIN;

        if (isnan(values[i]) && i != TOCSIN)
            bench_none(peers[i].who, shape->name, unit);
        else if (i == RAW)
            bench_row(peers[i].who, shape->name, values[i], unit, NULL, 0);
        else
            bench_row(peers[i].who, shape->name, values[i], unit, peers[base].who, values[base]);
    }
}

static void compare_time(const struct shape *shape)
{
    struct bench_command commands[PEERS];
    struct bench_side sides[PEERS];
    double values[PEERS];
    int places[PEERS], count = 0;

    for (int i = 0; i < PEERS; i++) {
        values[i] = NAN;
        if (peers[i].program && !peers[i].path)
            continue;
        commands[count] = command_of(&peers[i], shape);
        sides[count] = (struct bench_side){ peers[i].who, bench_command_ns, &commands[count], NAN };
        places[count++] = i;
    }
    bench_interleave(sides, count, bench_quick ? 3 : 9);
    for (int side = 0; side < count; side++)
        values[places[side]] = sides[side].value;
    print_values(shape, values, "ns");
}

static void compare_instructions(const struct shape *shape)
{
    double values[PEERS];

    for (int i = 0; i < PEERS; i++) {
        struct bench_command command = command_of(&peers[i], shape);
        bool can = i != NODE && (!peers[i].program || peers[i].path);

        values[i] = can ? bench_command_instructions(&command, peers[i].object) : NAN;
    }
    print_values(shape, values, "instructions");
}

static void no_instructions(void)
{
    bench_remark("instructions: not measured, since valgrind is not installed");
    for (int i = 0; i < SHAPES * PEERS; i++)
        bench_none(peers[i % PEERS].who, shapes[i / PEERS].name, "instructions");
}

int main(int argc, char **argv)
{
    if (argc == 5 && !strcmp(argv[1], "--one"))
        return run_one(argv[2], argv[3], argv[4]);
    bench_begin(argc, argv, "Measures an emission, beside other ways to call a list of handlers.");
    find_peers();
    for (int i = 0; i < SHAPES; i++)
        compare_time(&shapes[i]);
    if (!bench_has("valgrind")) {
        no_instructions();
        return bench_end();
    }
    bench_remark(
        "instructions: (Ir(2N) - Ir(N)) / N under callgrind; tocsin: functions of libtocsin.so; "
        "others: all but the handlers and the loop around the emission; node: not measurable, "
        "since it compiles at run time");
    for (int i = 0; i < SHAPES; i++)
        compare_instructions(&shapes[i]);
    return bench_end();
}
