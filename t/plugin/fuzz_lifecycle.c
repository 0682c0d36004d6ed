/* Loops load, unload and reload plugins at random, also in handlers. The inits of the plugins
   succeed or fail. Meanwhile loops are created and freed, some by a thread that ends (contract line
   T6), and numbers are emitted.

   Each permanent loop must deliver each accepted number twice: once to the program's handler, and
   once to the handler of a plugin that is never unloaded, only reloaded. Each unload and each
   reload must end once. At the end nothing may be mapped, referenced or open.

   TOCSIN_TEST_SEED repeats the random choices, but not the timing of the threads.
   TOCSIN_STORM_SECONDS sets the duration. */
#include <errno.h>
#include <sched.h>
#include <time.h>

#include <tocsin/inject.h>
#include <tocsin/provider.h>

#include "plugin_host.h"

enum {
    STAYERS = 3,
    COMERS = 3,
    THREADS = STAYERS + COMERS,
    MOST = 1 << 21,
    FIRST = 100,
    DEEPEST = 2,
    ASKED = 4
};

struct one {
    int number, depth;
    uint32_t random;
    uint64_t moves;
    bool guest;                    /* true while a handler of a plugin is running */
    struct tocsin_op asked[ASKED]; /* the last operations that this loop requested */
    struct tocsin_block mask;
    struct ask *asks; /* the requests that have not ended yet */
};

/* A request for an unload or for a reload. */
struct ask {
    _Atomic long *count;
    struct ask *next, **link;
};

static struct one ones[THREADS];
static pthread_t threads[THREADS];
static __thread struct one *me;
static _Atomic int ready, leaving, done;
static atomic_bool over, gathered;

static _Atomic long sent, started, ended, loads_made, unloads_made, reloads_made, loops_made,
    steady_made;
static unsigned char *accepted, *heard[STAYERS],
    *served[STAYERS]; /* Each loop writes its own counts. Only the sender writes `accepted`. */

#define check(condition) ((condition) ? (void)0 : failed(#condition, __LINE__))

static void failed(const char *what, int line)
{
    fprintf(stderr, "plugin/fuzz_lifecycle: line %d: %s (%s)\n", line, what,
            tocsin_plugin_last_error());
    abort();
}

static int among(int answer, const int *all, size_t count, int line)
{
    for (size_t i = 0; i < count; i++)
        if (answer == all[i])
            return answer;
    fprintf(stderr, "plugin/fuzz_lifecycle: line %d: answer %d: %s\n", line, answer,
            tocsin_plugin_last_error());
    abort();
}
#define one_of(answer, ...) \
    among(answer, (const int[]){ __VA_ARGS__ }, sizeof(int[]){ __VA_ARGS__ } / sizeof(int), \
          __LINE__)

static uint32_t draw(uint32_t below)
{
    me->random ^= me->random << 13;
    me->random ^= me->random >> 17;
    me->random ^= me->random << 5;
    return me->random % below;
}

static void act(void);

/* Functions that emit and count the numbers */

static bool stays(void)
{
    return me->number < STAYERS;
}

static void count_in(unsigned char *const *counts, uint64_t number)
{
    if (stays() && number >= FIRST)
        counts[me->number][number]++;
}

static int on_number(const struct tocsin_info *info, void *arg)
{
    check(arg == me);
    count_in(heard, host_called_of(info)->number);
    return TOCSIN_NEXT;
}

static void seen(uint64_t number, int edition)
{
    me->guest = edition < 3;
    if (me->guest)
        count_in(served, number);
}

/* The plugin calls this function in its handler. */
static int during(void)
{
    bool guest = me->guest;

    if (me->depth < DEEPEST && draw(32) == 0)
        act();
    return !guest && draw(64) == 0 ? -EIO : TOCSIN_NEXT;
}

static void move_send(void)
{
    long number = atomic_fetch_add(&sent, 1) + FIRST;
    const struct tocsin_payload *payload = TOCSIN_PAYLOAD(host_called, .number = (uint64_t)number);

    if (number >= MOST)
        return;
    if (draw(2))
        accepted[number] = one_of(tocsin_post(called_signo, payload), TOCSIN_PENDED, -EAGAIN,
                                  -EDQUOT) >= 0;
    else
        accepted[number] = one_of(tocsin_emit(called_signo, payload), TOCSIN_DELIVERED,
                                  TOCSIN_PENDED, TOCSIN_NOBODY, -EAGAIN, -EDQUOT, -ENODEV) >= 0;
}

static void move_other(void)
{
    int alone = tocsin_find("guest.alone");

    if (draw(2))
        one_of(tocsin_ask(asks_signo, NULL, NULL), 0, -EACCES, -EXDEV, -ENODEV);
    else if (alone > 0)
        one_of(draw(2) ? tocsin_emit(alone, NULL) : tocsin_post(alone, NULL), TOCSIN_NOBODY,
               TOCSIN_DELIVERED, TOCSIN_PENDED, -EAGAIN, -EDQUOT, -ENODEV, -ENOENT, -ESHUTDOWN);
}

/* Functions that load, unload and reload plugins */

static const char *const wild_words[] = { "handler",    "drop",       "answer", "observer",
                                          "everywhere", "everywhere", "timer",  "future",
                                          "work",       "block",      "queue",  "source",
                                          "declare",    "alone",      "post",   "retake",
                                          "interpose",  "fail" };
static const char *const steady_words[] = {
    "answer", "timer", "future", "work", "source", "block"
}; /* with each of these words in its setting "init", a plugin starts without an error */
static const char *const slow_words[] = {
    "long", "promise", "fiber", "stubborn"
/* each of these words in the setting "init" starts an operation for which a reload waits up to two
   seconds */
};

static const char *drawn_from(const char *const *words, uint32_t count, const char *first,
                              char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "init=%s", first);

    for (uint32_t i = draw(5); i && used < size; i--)
        used += (size_t)snprintf(text + used, size - used, " %s",
                                 draw(32) ? words[draw(count)] : slow_words[draw(4)]);
    return text;
}
#define DRAWN(words, first) \
    drawn_from(words, sizeof words / sizeof words[0], first, (char[256]){ "" }, 256)

static const char *a_name(void)
{
    return draw(3) ? "wild" : "wilder";
}

static void move_load(void)
{
    const char *name = a_name();

    if (state_of(name) >= 0 && draw(16))
        return; /* no unload was announced, since the operation has ended and its id is stale */
    if (one_of(tocsin_plugin_load(name, SETTINGS(DRAWN(wild_words, "retake"), "fini=leave")), 0,
               -EIO, -EEXIST, -ENOENT, -ELOOP, -EBUSY, -ESHUTDOWN, -EDQUOT, -EAGAIN) == 0)
        atomic_fetch_add(&loads_made, 1);
}

static void ask_unlink(struct ask *ask)
{
    *ask->link = ask->next;
    if (ask->next)
        ask->next->link = ask->link;
}

static int on_end(const struct tocsin_info *info, void *arg)
{
    struct ask *ask = arg;

    ask_unlink(ask);
    atomic_fetch_add(&ended, 1);
    one_of(info->status, 0, -EIO, -EBUSY, -ETIMEDOUT, -ECANCELED, -EEXIST, -ENOENT, -ELOOP, -EDQUOT,
           -EAGAIN, -ESHUTDOWN);
    if (info->status == 0)
        atomic_fetch_add(ask->count, 1);
    /* the payload is empty if the completion was delayed and then cancelled */
    if (ask->count == &steady_made && tocsin_plugin_reloaded_of(info)->reason)
        check(!strstr(tocsin_plugin_reloaded_of(info)->reason,
                      "the old version does not start again"));
    /* Detects a second completion of the operation, which would use this memory after it is
       freed. */
    free(ask);
    if (me->depth < DEEPEST && draw(4) == 0)
        act();
    return TOCSIN_NEXT;
}

static struct ask *ask_new(_Atomic long *count)
{
    struct ask *ask = calloc(1, sizeof *ask);

    check(ask);
    ask->count = count;
    /* The request must be in the list before the call, because the call itself may deliver the
       completion. */
    ask->next = me->asks;
    ask->link = &me->asks;
    if (ask->next)
        ask->next->link = &ask->next;
    me->asks = ask;
    return ask;
}

static void asked(struct ask *ask, int err, struct tocsin_op op)
{
    if (err < 0) {
        ask_unlink(ask);
        free(ask);
        return;
    }
    atomic_fetch_add(&started, 1);
    if (draw(8) == 0)
        one_of(tocsin_op_deadline(op, draw(20)), 0, -ENOENT, -EALREADY);
    me->asked[draw(ASKED)] = op;
}

static void move_unload(void)
{
    struct ask *ask = ask_new(&unloads_made);
    struct tocsin_op op;
    int err = tocsin_plugin_unload(a_name(), TOCSIN_CALL(on_end, ask), &op);

    asked(ask, one_of(err, 0, -ENOENT, -EALREADY, -EBUSY, -EDQUOT, -ESHUTDOWN), op);
}

static void move_reload(void)
{
    bool steady = draw(2);
    struct ask *ask = ask_new(steady ? &steady_made : &reloads_made);
    struct tocsin_op op;
    int err;

    if (steady)
        err = tocsin_plugin_reload(
            "guest",
            draw(4) ? SETTINGS(DRAWN(steady_words, draw(4) ? "everywhere" : "everywhere fail"))
                    : NULL,
            TOCSIN_CALL(on_end, ask), &op);
    else
        err = tocsin_plugin_reload(
            a_name(), draw(4) ? SETTINGS(DRAWN(wild_words, "retake"), "fini=leave") : NULL,
            TOCSIN_CALL(on_end, ask), &op);
    asked(ask, one_of(err, 0, -ENOENT, -EALREADY, -EBUSY, -EDQUOT, -ESHUTDOWN), op);
}

static void move_cancel(void)
{
    if (draw(8) == 0)
        one_of(tocsin_cancel(me->asked[draw(ASKED)]), 0, -ENOENT, -EALREADY, -EXDEV, -EBUSY,
               -EINVAL);
}

static void move_limit(void)
{
    static const uint64_t most[] = { 1, 3, UINT64_MAX, UINT64_MAX };

    one_of(tocsin_owner_limit(a_name(), (enum tocsin_resource)draw(TOCSIN_RESOURCE_TYPES),
                              most[draw(4)]),
           0, -ENOENT);
    one_of(tocsin_owner_fault_limit(a_name(), draw(4), 0), 0, -ENOENT);
    one_of(tocsin_plugin_unquarantine(a_name()), 0, -ENOENT);
}

/* Opens or closes host.open. Plugin code that waits for host.open continues while it is open. */
static void move_open(void)
{
    host.open = draw(4) != 0;
}

/* An injector that delays completions and messages at random. */
static void hold_up(const struct tocsin_inject_event *crossing,
                    struct tocsin_inject_action *verdict, void *arg)
{
    static uint32_t count;

    (void)arg, (void)crossing;
    if (++count % 7 == 0)
        verdict->delay_ms = count % 5;
    verdict->behind = count % 3 == 0;
}

static void move_interpose(void)
{
    if (draw(4) == 0)
        one_of(tocsin_inject(draw(2) ? hold_up : NULL, NULL), 0, -EBUSY, -ESHUTDOWN);
}

/* Each of these functions affects only the loop of the thread that calls it. */

static void move_block(void)
{
    if (me->mask.id)
        one_of(tocsin_unblock(me->mask), 0, -ENOENT, -EXDEV);
    me->mask = (struct tocsin_block){ 0 };
    if (draw(2) &&
        one_of(tocsin_block("host.called, plugin.*", &me->mask), 0, -EDQUOT, -ESHUTDOWN) < 0)
        me->mask = (struct tocsin_block){ 0 };
}

static void move_operation(void)
{
    struct tocsin_op op;

    if (one_of(tocsin_op_new(NULL, NULL, &op), 0, -EAGAIN, -EDQUOT, -ESHUTDOWN) == 0 && draw(2))
        one_of(tocsin_op_complete(op, 0, NULL), 0, -ENOENT, -EALREADY);
}

static void move_turns(void)
{
    int count = 1;

    for (uint32_t i = draw(4); i > 0 && count > 0; i--)
        count = tocsin_loop_turn(draw(8) == 0);
    check(count >= 0 || count == -EDEADLK || count == -ESHUTDOWN);
}

static void move_free(void)
{
    if (!stays() && draw(8) == 0)
        check(tocsin_loop_free() >= 0);
}

typedef void move(void);

static move *const moves[] = {
    move_load,  move_unload,    move_reload,    move_reload, move_cancel, move_limit,
    move_open,  move_interpose, move_send,      move_send,   move_send,   move_send,
    move_other, move_block,     move_operation, move_turns,  move_turns,  move_turns,
    move_turns, move_turns,     move_turns,     move_turns,  move_turns,  move_turns,
    move_turns, move_turns,     move_turns,     move_turns,  move_free,
};

static void act(void)
{
    if (atomic_load(&over))
        return;
    me->depth++;
    moves[draw(sizeof moves / sizeof moves[0])]();
    me->depth--;
}

/* The thread of a loop that is never freed. The first such loop is the home of the plugin that is
   reloaded, but never unloaded. */
static void *stay(void *arg)
{
    me = arg;
    check(tocsin_loop_turn(0) >= 0);
    host.loops[me->number] = tocsin_loop_current();
    check(tocsin_connect("host.called",
                         &(struct tocsin_action){ .fn = on_number, .arg = me, .priority = 1 },
                         NULL) == 0);
    atomic_fetch_add(&ready, 1);
    while (atomic_load(&ready) < STAYERS)
        sched_yield();
    if (me->number == 0) {
        check(tocsin_plugin_load("guest", SETTINGS("init=everywhere")) == 0);
        atomic_fetch_add(&ready, 1);
    }
    while (atomic_load(&ready) < STAYERS + 1 || host.tasks < STAYERS)
        check(tocsin_loop_turn(1) >= 0);
    atomic_store(&gathered, true);
    for (; !atomic_load(&over); me->moves++)
        moves[draw(sizeof moves / sizeof moves[0])]();
    move_block();
    if (me->mask.id)
        check(tocsin_unblock(me->mask) == 0);
    atomic_fetch_add(&leaving, 1);
    while (!atomic_load(&done))
        check(tocsin_loop_turn(1) >= 0);
    check(tocsin_loop_free() >= 0);
    return NULL;
}

/* Runs a loop for a while. Then the thread frees its loop, or ends without freeing it. */
static void *visit(void *arg)
{
    me = arg;
    me->depth = 0;
    me->mask = (struct tocsin_block){ 0 };
    check(tocsin_loop_turn(0) >= 0);
    atomic_fetch_add(&loops_made, 1);
    for (; tocsin_loop_current().id && draw(64); me->moves++)
        moves[draw(sizeof moves / sizeof moves[0])]();
    return NULL;
}

/* Frees the requests of a thread that ended before the completions of these requests arrived. */
static void asks_left(struct one *one)
{
    while (one->asks) {
        struct ask *ask = one->asks;

        ask_unlink(ask);
        free(ask);
        atomic_fetch_add(&ended, 1);
    }
}

static void *come_and_go(void *arg)
{
    pthread_t thread;

    while (!atomic_load(&gathered) || host.tasks < STAYERS)
        sched_yield();
    while (!atomic_load(&over)) {
        check(pthread_create(&thread, NULL, visit, arg) == 0);
        check(pthread_join(thread, NULL) == 0);
        asks_left(arg);
    }
    atomic_fetch_add(&leaving, 1);
    return NULL;
}

/* These functions run on the main thread, at the end of the test. */

static bool unloading(const char *name)
{
    struct gone gone = { .count = 0 };
    int err = tocsin_plugin_unload(name, TOCSIN_CALL(on_gone, &gone), NULL);

    if (err == 0)
        turns_until(&gone.count, 1);
    else
        tocsin_loop_turn(1);
    if (gone.status < 0)
        printf("plugin/fuzz_lifecycle: %s: %d: %s\n", name, gone.status, gone.reason),
            fflush(stdout);
    return one_of(err, 0, -ENOENT, -EALREADY) != -ENOENT;
}

static void until_steady(void)
{
    struct gone gone = { .status = -EAGAIN };

    while (gone.status) {
        gone.count = 0;
        if (one_of(tocsin_plugin_reload("guest", SETTINGS("init=everywhere"),
                                        TOCSIN_CALL(on_gone, &gone), NULL),
                   0, -EALREADY) == 0)
            turns_until(&gone.count, 1);
        tocsin_loop_turn(1);
    }
}

static bool all_heard(void)
{
    long last = atomic_load(&sent) + FIRST < MOST ? atomic_load(&sent) + FIRST : MOST;

    for (long i = FIRST; i < last; i++)
        for (int k = 0; k < STAYERS; k++)
            if (__atomic_load_n(&heard[k][i], __ATOMIC_RELAXED) < accepted[i] ||
                __atomic_load_n(&served[k][i], __ATOMIC_RELAXED) < accepted[i])
                return false;
    return true;
}

static void check_numbers(void)
{
    long last = atomic_load(&sent) + FIRST < MOST ? atomic_load(&sent) + FIRST : MOST;

    for (long i = FIRST; i < last; i++)
        for (int k = 0; k < STAYERS; k++)
            ck_assert_msg(heard[k][i] == accepted[i] && served[k][i] == accepted[i],
                          "%ld of %ld, accepted %d: heard %d, served %d on %d", i, last,
                          accepted[i], heard[k][i], served[k][i], k);
}

static void check_owners(void)
{
    struct tocsin_owner_facts facts = { .id = 0 };

    while (tocsin_owner_next(facts.id, &facts) == 0)
        for (int what = 0; what < TOCSIN_RESOURCE_COUNT; what++)
            ck_assert_msg(what == TOCSIN_RESOURCE_SIGNALS || !facts.held[what], "%s has %ld %s",
                          facts.name, (long)facts.held[what],
                          tocsin_resource_name((enum tocsin_resource)what));
}

static void moment(void)
{
    sched_yield();
    tocsin_loop_turn(1);
}

static long seconds(void)
{
    const char *wish = getenv("TOCSIN_STORM_SECONDS");

    return wish ? atol(wish) : 2;
}

static void run_all(uint32_t seed)
{
    time_t end;

    for (int i = 0; i < STAYERS; i++) {
        heard[i] = calloc(MOST, 1);
        served[i] = calloc(MOST, 1);
    }
    accepted = calloc(MOST, 1);
    host.seen = seen;
    host.during = during;
    host.open = 1;
    for (int i = 0; i < THREADS; i++) {
        ones[i] = (struct one){ .number = i, .random = seed + (uint32_t)i * 2654435761u };
        ones[i].random += !ones[i].random;
        check(pthread_create(&threads[i], NULL, i < STAYERS ? stay : come_and_go, &ones[i]) == 0);
    }
    end = time(NULL) + seconds();
    while (time(NULL) < end)
        moment();
    atomic_store(&over, true);
    while (atomic_load(&leaving) < THREADS)
        moment();
    host.open = 1;
    while (one_of(tocsin_inject(NULL, NULL), 0) < 0)
        ;
    while (unloading("wilder") || unloading("wild"))
        ;
    until_steady();
    for (long i = 0; i < 1000 && !all_heard(); i++)
        moment();
    while (atomic_load(&ended) < atomic_load(&started))
        moment();
    while (unloading("guest"))
        ;
    turns_until_mapped(0);
    atomic_store(&done, 1);
    for (int i = 0; i < THREADS; i++)
        check(pthread_join(threads[i], NULL) == 0);
    check_owners();
}

static uint32_t seed_new(void)
{
    const char *wish = getenv("TOCSIN_TEST_SEED");
    uint32_t seed = wish ? (uint32_t)strtoul(wish, NULL, 0)
                         : (uint32_t)time(NULL) * 1000003u + (uint32_t)getpid();

    printf("plugin/fuzz_lifecycle: TOCSIN_TEST_SEED=%u\n", seed);
    fflush(stdout);
    return seed ? seed : 1;
}

START_TEST(nothing_is_lost)
{
    static struct one myself = { .number = THREADS, .random = 1 };

    me = &myself;
    host_begin();
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    run_all(seed_new());
    check_numbers();
    ck_assert_int_eq(atomic_load(&started), atomic_load(&ended));
    printf("plugin/fuzz_lifecycle: %ld loads, %ld of %ld unloads and reloads (%ld unloads, %ld "
           "reloads, %ld "
           "of the steady one), %ld loops, %ld numbers\n",
           atomic_load(&loads_made), unloads_made + reloads_made + steady_made, atomic_load(&ended),
           unloads_made, reloads_made, steady_made, loops_made, sent);
    for (int i = 0; i < STAYERS; i++) {
        free(heard[i]);
        free(served[i]);
    }
    free(accepted);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("plugin/fuzz_lifecycle");
    TCase *tests = test_case(suite, "random transitions");

    tcase_set_timeout(tests, 60 + (double)seconds());
    tcase_add_test(tests, nothing_is_lost);
    return suite;
}
