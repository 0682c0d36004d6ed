/* Thousands of patterns and names are connected and declared in random order. Each handler must be
   called for exactly the names that its pattern matches. Handlers must be called in the order in
   which they were connected. A simple matcher in this file predicts the calls. In another test,
   each allocation fails in turn. TOCSIN_TEST_SEED repeats a run. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tocsin/posix.h>

#include "delivery/loop.h"
#include "delivery/subscription.h"
#include "registry/pattern.h"
#include "registry/registry.h"
#include "base/tree.h"
#include "test.h"

enum { PATTERNS = 3000, NAMES = 20000, DEEPEST = 5, PARTS = 4, STAR = -1, REST = -2 };

static const char *const words[] = {
    "a", "b",  "aa", "ab", "A",    "a-",        "a_b",
    "0", "00", "-",  "_",  "chat", "chat-room", "long0123456789012345678901234567890123456789",
};
enum { WORDS = sizeof words / sizeof words[0] };

/* The segments of a name or pattern. Each segment is the number of a word, STAR (for *) or REST
   (for **). */
struct path {
    int count, segments[DEEPEST];
};
struct part {
    struct path path;
    bool out;
};
struct pattern {
    char text[1100];
    int parts_count;
    struct part parts[PARTS];
    struct tocsin_handler handler;
};
struct name {
    char text[256];
    struct path path;
    int signo;
};

static struct pattern patterns[PATTERNS];
static struct name names[NAMES];
static int names_count, patterns_count;
/* alive[] has the patterns that are connected on the loop of this thread. called[] has the patterns
   whose handlers were called. */
static __thread struct pattern *alive[PATTERNS], *called[PATTERNS];
static __thread int alive_count, called_count;
static long calls;
static uint64_t seed;

/* Functions that choose random names and patterns */

static int draw(int below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (int)(seed % (unsigned)below);
}

static void begin(void)
{
    const char *wish = getenv("TOCSIN_TEST_SEED");

    seed = wish ? strtoull(wish, NULL, 10) : (uint64_t)time(NULL);
    printf("registry/fuzz_patterns: TOCSIN_TEST_SEED=%llu\n", (unsigned long long)seed);
    fflush(stdout);
    seed = (seed + 1) * 0x9e3779b97f4a7c15u | 1;
    for (int i = 0; i < 10; i++)
        draw(2);
}

static void path_text(const struct path *path, char *text)
{
    *text = '\0';
    for (int i = 0; i < path->count; i++) {
        strcat(text, i ? "." : "");
        strcat(text, path->segments[i] == STAR   ? "*"
                     : path->segments[i] == REST ? "**"
                                                 : words[path->segments[i]]);
    }
}

static void draw_path(struct path *path)
{
    path->count = 1 + draw(8) * (DEEPEST - 1) / 7;
    for (int i = 0; i < path->count; i++)
        path->segments[i] = draw(WORDS);
}

/* Chooses a random name that is not declared yet. */
static void draw_name(struct name *name)
{
    do {
        draw_path(&name->path);
        path_text(&name->path, name->text);
    } while (tocsin_find(name->text) != -ENOENT);
}

static int declare_name(const struct name *name)
{
    int signo = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = name->text, .doc = "Of a test." });

    ck_assert(signo > 0 || signo == -ENOMEM);
    return signo;
}

static void name_next(void)
{
    struct name *name = &names[names_count];

    draw_name(name);
    name->signo = declare_name(name);
    ck_assert_int_gt(name->signo, 0);
    names_count++;
}

/* Chooses a random part of a pattern. Only one part in a hundred is wide and matches most names,
   since more wide parts would make the test slow. */
static void draw_part(struct part *part, bool first)
{
    bool plain = draw(4) == 0, wide = draw(100) == 0;

    part->out = !first && draw(3) == 0;
    draw_path(&part->path);
    for (int i = 0; i < part->path.count && !plain; i++)
        if (draw(wide || (i && i + 1 < part->path.count) ? 2 : 6) == 0)
            part->path.segments[i] = STAR;
    if (!plain && draw(4) == 0 && (wide || part->path.count > 2))
        part->path.segments[part->path.count - 1] = REST;
}

static void pattern_spell(struct pattern *pattern)
{
    static const char *const commas[] = { ",", ", ", " , " };

    *pattern->text = '\0';
    for (int i = 0; i < pattern->parts_count; i++) {
        strcat(pattern->text, i ? commas[draw(3)] : "");
        strcat(pattern->text, pattern->parts[i].out ? draw(4) ? "!" : "! " : "");
        path_text(&pattern->parts[i].path, pattern->text + strlen(pattern->text));
    }
}

static void draw_pattern(struct pattern *pattern)
{
    /* One pattern in ten is the same as an earlier pattern. */
    if (patterns_count && draw(10) == 0) {
        *pattern = patterns[draw(patterns_count)];
        return;
    }
    pattern->parts_count = draw(2) ? 1 : 1 + draw(PARTS);
    for (int i = 0; i < pattern->parts_count; i++)
        draw_part(&pattern->parts[i], i == 0);
    pattern_spell(pattern);
}

/* These functions are the simple matcher, with which the library is compared. */

static bool path_matches(const struct path *pattern, const struct path *name)
{
    for (int i = 0; i < pattern->count; i++) {
        if (pattern->segments[i] == REST)
            return i < name->count;
        if (i >= name->count ||
            (pattern->segments[i] != STAR && pattern->segments[i] != name->segments[i]))
            return false;
    }
    return pattern->count == name->count;
}

static bool matches(const struct pattern *pattern, const struct name *name)
{
    bool hit = false;

    for (int i = 0; i < pattern->parts_count; i++)
        if (path_matches(&pattern->parts[i].path, &name->path))
            hit = !pattern->parts[i].out;
    return hit;
}

/* Functions that compare the library with the simple matcher */

static int call(const struct tocsin_info *info, void *arg)
{
    /* the library emits tocsin.* signals when a handler is connected or disconnected */
    if (strncmp(info->name, "tocsin.", 7) == 0)
        return TOCSIN_NEXT;
    ck_assert_int_lt(called_count, PATTERNS);
    called[called_count++] = arg;
    return TOCSIN_NEXT;
}

static int connect_pattern(struct pattern *pattern)
{
    return tocsin_connect(
        pattern->text, &(struct tocsin_action){ .fn = call, .arg = pattern, .flags = TOCSIN_EARLY },
        &pattern->handler);
}

static void connect_alive(struct pattern *pattern)
{
    ck_assert_msg(connect_pattern(pattern) == 0, "'%s'", pattern->text);
    alive[alive_count++] = pattern;
}

static void pattern_next(void)
{
    draw_pattern(&patterns[patterns_count]);
    connect_alive(&patterns[patterns_count++]);
}

static void disconnect_one(int at)
{
    ck_assert_int_eq(tocsin_disconnect(alive[at]->handler), 0);
    memmove(&alive[at], &alive[at + 1], (size_t)(--alive_count - at) * sizeof alive[0]);
}

static void check_name(const struct name *name)
{
    int at = 0, answer;

    called_count = 0;
    answer = tocsin_emit(name->signo, NULL);
    for (int i = 0; i < alive_count; i++)
        if (matches(alive[i], name)) {
            ck_assert_msg(at < called_count && called[at] == alive[i],
                          "'%s' is to be called for %s", alive[i]->text, name->text);
            at++;
        }
    ck_assert_msg(at == called_count, "'%s' is called for %s", called[at]->text, name->text);
    /* The result is TOCSIN_PENDED if only handlers on another loop listen. */
    ck_assert(at ? answer == TOCSIN_DELIVERED : answer == TOCSIN_NOBODY || answer == TOCSIN_PENDED);
    calls += at;
}

/* Checks that the disconnected pattern has left no node in the tree of names. */
static void check_gone(const struct pattern *pattern)
{
    for (int i = 0; i < pattern->parts_count; i++) {
        char text[256];

        path_text(&pattern->parts[i].path, text);
        if (strchr(text, '*'))
            ck_assert_msg(!tocsin__tree_find(text, strlen(text)), "%s is still there", text);
    }
}

static void check_nobody(void)
{
    for (uint32_t signo = 1; signo <= tocsin__signals; signo++) {
        const struct tocsin__signal *signal = tocsin__signal((int)signo);

        ck_assert_msg(!signal->unresolved && !signal->loops, "%s: %u, %u", signal->name,
                      signal->unresolved, signal->loops);
    }
    for (int i = 0; i < patterns_count; i++)
        check_gone(&patterns[i]);
}

static int scaled(int count)
{
    return (int)test_scaled(count, 4, 20);
}

static void end(void)
{
    alive_count = 0;
    ck_assert_int_eq(tocsin_loop_free(), 0);
    check_nobody();
}

START_TEST(names_and_patterns_in_any_order)
{
    int patterns_most = scaled(PATTERNS), names_most = scaled(NAMES), disconnected = 0;

    while (names_count < names_most || patterns_count < patterns_most) {
        int what = draw(names_most + 2 * patterns_most);

        if (what < names_most && names_count < names_most)
            name_next();
        else if (what >= names_most && what % 2 && patterns_count < patterns_most)
            pattern_next();
        else if (what % 6 == 0 && alive_count) {
            disconnect_one(draw(alive_count));
            disconnected++;
        }
        if (names_count && draw(8) == 0)
            check_name(&names[draw(names_count)]);
    }
    for (int i = 0; i < names_count; i++)
        check_name(&names[i]);
    printf("registry/fuzz_patterns: %d names, %d patterns, %d of them disconnected, %ld calls\n",
           names_count, patterns_count, disconnected, calls);
    fflush(stdout);
    while (alive_count > patterns_most / 10)
        disconnect_one(draw(alive_count));
    for (int i = 0; i < names_count; i += 7)
        check_name(&names[i]);
    alive_count = 0;
    ck_assert_int_eq(tocsin_loop_free(), 0);
    check_nobody();
    /* The test connects to a new loop, after all names were declared, in reverse order. */
    for (int i = patterns_count; i-- > 0;)
        connect_alive(&patterns[i]);
    for (int i = 0; i < names_count; i += 5)
        check_name(&names[i]);
}
END_TEST

enum { THEIRS = 100, OURS = 300 };

static pthread_barrier_t barrier;

static void meet(void)
{
    pthread_barrier_wait(&barrier);
}

/* The loop of a second thread. The second thread resolves some patterns of its loop when it emits a
   name, and other patterns never. */
static void *beside(void *arg)
{
    (void)arg;
    for (int i = 0; i < THEIRS; i++)
        connect_alive(&patterns[i]);
    meet();
    meet(); /* during this time the first thread declares names */
    while (alive_count > THEIRS / 2)
        disconnect_one(alive_count / 3);
    for (int i = 0; i < names_count; i += 2)
        check_name(&names[i]);
    meet();
    meet(); /* during this time the first thread declares more names */
    ck_assert_int_eq(tocsin_loop_free(), 0);
    meet();
    return NULL;
}

START_TEST(each_of_two_loops_resolves_its_patterns)
{
    pthread_t thread;

    for (; patterns_count < THEIRS; patterns_count++)
        draw_pattern(&patterns[patterns_count]);
    ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 2), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, beside, NULL), 0);
    meet();
    for (int i = 0; i < OURS; i++) {
        name_next();
        pattern_next();
    }
    meet();
    meet();
    for (int i = 0; i < names_count; i++)
        check_name(&names[i]);
    for (int i = 0; i < OURS; i++)
        name_next();
    meet();
    meet();
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    pthread_barrier_destroy(&barrier);
    for (int i = 0; i < names_count; i++)
        check_name(&names[i]);
    for (uint32_t signo = 1; signo <= tocsin__signals; signo++)
        ck_assert_msg(!tocsin__signal((int)signo)->unresolved, "%s",
                      tocsin__signal((int)signo)->name);
}
END_TEST

START_TEST(tocsin_match_agrees)
{
    int count = 0, hits = 0;

    while (count < scaled(200000)) {
        struct pattern pattern;
        struct name name;

        draw_pattern(&pattern);
        for (int i = 0; i < 20; i++, count++) {
            bool hit;

            draw_path(&name.path);
            path_text(&name.path, name.text);
            hit = matches(&pattern, &name);
            ck_assert_msg(tocsin_match(pattern.text, name.text) == hit, "'%s' and %s", pattern.text,
                          name.text);
            hits += hit;
        }
    }
    ck_assert_int_gt(hits, count / 200);
    printf("registry/fuzz_patterns: %d pairs asked, %d match\n", count, hits);
}
END_TEST

/* Tests in which each allocation fails */

enum { FEW = 40 };

static struct {
    uint32_t interest[1000];
    uint32_t signals, patterns, handlers, blocks, found;
    uint64_t unresolved;
} was, is;

static void count_found(void *found, void *arg)
{
    (void)found;
    ++*(uint32_t *)arg;
}

/* Counts the entries that names and patterns have in the registry and in the loop. Stores the
   counts in `is`. */
static void look(void)
{
    memset(&is, 0, sizeof is);
    is.signals = tocsin__signals;
    is.patterns = tocsin__self->patterns.count;
    is.handlers = tocsin__self->ids.handlers.live;
    is.blocks = tocsin__self->ids.blocks.live;
    ck_assert_uint_lt(is.signals, sizeof is.interest / sizeof is.interest[0]);
    for (uint32_t signo = 1; signo <= is.signals; signo++) {
        const struct tocsin__signal *signal = tocsin__signal((int)signo);

        is.interest[signo] = tocsin__interest[signo];
        is.unresolved += signal->unresolved;
        tocsin__tree_patterns(signal->name, count_found, &is.found);
    }
}

/* Checks that a failed call has left nothing behind. A new name may stay, but must have no
   listeners. */
static void check_as_it_was(void)
{
    look();
    ck_assert_uint_eq(is.patterns, was.patterns);
    ck_assert_uint_eq(is.handlers, was.handlers);
    ck_assert_uint_eq(is.blocks, was.blocks);
    for (uint32_t signo = 1; signo <= was.signals; signo++)
        ck_assert_msg(is.interest[signo] == was.interest[signo], "%s",
                      tocsin__signal((int)signo)->name);
    if (is.signals == was.signals)
        ck_assert(is.unresolved == was.unresolved && is.found == was.found);
}

static struct pattern tried;
static struct tocsin_block token;
static struct tocsin_source source;
static int serial;

static int try_connect(void)
{
    return connect_pattern(&tried);
}

static int try_observe_masked(void)
{
    return tocsin_observe(
        "a.**", &(struct tocsin_action){ .fn = call, .arg = &tried, .mask = "b.**, !b.a, **" },
        &tried.handler);
}

static int try_source(void)
{
    return tocsin_connect("**, !a.*",
                          &(struct tocsin_action){ .fn = call, .arg = &tried, .source = source },
                          &tried.handler);
}

static int try_early(void)
{
    char text[64];

    snprintf(text, sizeof text, "early.n%d, b.*, early.deep.n%d, **", serial, serial);
    serial++;
    return tocsin_connect(
        text, &(struct tocsin_action){ .fn = call, .arg = &tried, .flags = TOCSIN_EARLY },
        &tried.handler);
}

static int undo_connect(void)
{
    return tocsin_disconnect(tried.handler);
}

static int try_block(void)
{
    return tocsin_block("a.**, !a.b, *.*", &token);
}

static int undo_block(void)
{
    return tocsin_unblock(token);
}

static int try_sigmask(void)
{
    return tocsin_sigmask(TOCSIN_BLOCK, "a.**, b.*, chat", NULL, 0);
}

static int undo_sigmask(void)
{
    int length = tocsin_sigmask(TOCSIN_SETMASK, "", NULL, 0);

    return length < 0 ? length : 0;
}

static int try_ignore(void)
{
    return tocsin_ignore("*.*, chat.**");
}

static int undo_ignore(void)
{
    return tocsin_unignore("**");
}

/* Calls the function try many times. In the nth call, the nth allocation fails. If try succeeds,
   the function undo must reverse it. If try fails, it must have changed nothing. */
static int fail_in_turn(int (*try)(void), int (*undo)(void))
{
    int nth = 0, seen, failed = 0;

    do {
        int err;

        if (nth % 3 == 0)
            /* The loop has not resolved its patterns for this new name yet. */
            name_next();
        if (nth % 2)
            tocsin__patterns_resolve(tocsin__self);
        look();
        was = is;
        tocsin__fault_at(++nth);
        err = try();
        seen = (int)tocsin__fault_count();
        tocsin__fault_at(0);
        ck_assert_msg(err >= 0 || err == -ENOMEM, "%d, the %dth", err, nth);
        failed += err < 0;
        if (err == 0)
            ck_assert_int_eq(undo(), 0);
        /* If unresolved patterns existed before, the failed call may have resolved some of them.
           Then the counts may differ. */
        else if (was.unresolved == 0)
            check_as_it_was();
        for (int i = 0; i < names_count; i++)
            check_name(&names[i]);
    } while (seen >= nth);
    return failed;
}

static void make_few(void)
{
    ck_assert_int_gt(
        tocsin_declare(&(struct tocsin_signal_spec){ .name = "chat", .doc = "Of a test." }), 0);
    ck_assert_int_eq(tocsin_source_new(NULL, &source), 0);
    for (int i = 0; i < FEW; i++) {
        name_next();
        pattern_next();
    }
}

START_TEST(failed_calls_change_nothing)
{
    static const struct {
        int (*try)(void), (*undo)(void);
    } tries[] = {
        { try_connect, undo_connect }, { try_observe_masked, undo_connect },
        { try_source, undo_connect },  { try_early, undo_connect },
        { try_block, undo_block },     { try_sigmask, undo_sigmask },
        { try_ignore, undo_ignore },
    };
    int failed = 0;

    make_few();
    strcpy(tried.text, "a.*, b.**, !b.a, chat, *.a.*");
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++)
        failed += fail_in_turn(tries[i].try, tries[i].undo);
    ck_assert_int_gt(failed, 30);
    printf("registry/fuzz_patterns: %d allocations failed\n", failed);
    fflush(stdout);
    ck_assert_int_eq(tocsin_source_free(source), 0);
}
END_TEST

/* Emits a signal while the first allocation fails. If a pattern that matches the name is not
   resolved yet, the emission must resolve it, which may need memory. Then the emission must fail
   and call no handler. Returns true if the emission failed. */
static bool emit_fails(const struct name *name)
{
    int answer;

    if (!tocsin__signal(name->signo)->unresolved)
        return false;
    called_count = 0;
    tocsin__fault_at(1);
    answer = tocsin_emit(name->signo, NULL);
    tocsin__fault_at(0);
    ck_assert(answer == -ENOMEM ? called_count == 0 : answer == TOCSIN_DELIVERED);
    return answer == -ENOMEM;
}

START_TEST(a_name_without_memory_is_declared_again)
{
    int failed = 0, refused = 0;

    make_few();
    /* The names are drawn by chance, so further rounds follow until enough calls have failed. */
    for (int round = 0; round < 15 || failed <= scaled(200) * 2 || !refused; round++)
        /* Declares so many names that every table must grow. */
        for (int i = 0; i < scaled(200); i++) {
            struct name *name = &names[names_count];

            ck_assert_int_lt(names_count, NAMES);
            draw_name(name);
            tocsin__fault_at(1 + round % 15);
            name->signo = declare_name(name);
            tocsin__fault_at(0);
            failed += name->signo < 0;
            if (name->signo < 0)
                name->signo = declare_name(name);
            ck_assert_int_gt(name->signo, 0);
            refused += emit_fails(name);
            names_count++;
            check_name(name);
        }
    for (int i = 0; i < names_count; i++)
        check_name(&names[i]);
    printf("registry/fuzz_patterns: of %d names %d could not be declared at once, %d not emitted\n",
           names_count, failed, refused);
    fflush(stdout);
    ck_assert_int_eq(tocsin_source_free(source), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("registry/fuzz_patterns");
    TCase *tests = test_case(suite, "random patterns");

    test_needs_processes();
    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, names_and_patterns_in_any_order);
    tcase_add_test(tests, each_of_two_loops_resolves_its_patterns);
    tcase_add_test(tests, tocsin_match_agrees);
    tcase_add_test(tests, failed_calls_change_nothing);
    tcase_add_test(tests, a_name_without_memory_is_declared_again);
    return suite;
}
