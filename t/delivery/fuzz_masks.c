/* The test makes random operations, also inside handlers and destructors; in some runs, allocations
   fail. The operations concern emissions, blocks, the signal mask, ignored signals, masks of
   handlers, queues, sources and timers. At the end the test removes all blocks, queues and sources.
   Then nothing may be pending or blocked, and no object may be left. */
#include <string.h>

#include <tocsin/posix.h>

#include "delivery/loop.h"
#include "test.h"

#define THING(F) F(object, object)
TOCSIN_LAYOUT(thing, THING);

enum { TOKENS = 6, HANDLERS = 6, QUEUES = 2, SOURCES = 2, DEEP = 60 };

static const char *const names[] = { "z.a", "z.b", "z.c", "y.a", "y.b", "y.c", "x.a", "x.b" };
static const char *const plain[] = { "z.a", "z.*", "x.**", "y.*", "*.a", "x.a, z.b", "z.c, y.*" };
static const char *const patterns[] = { "z.a",      "z.*",      "**",  "y.**, !y.b", "*.a",
                                        "x.a, z.b", "z.c, y.*", "x.*", "*.b, !z.b" };
enum {
    NAMES = sizeof names / sizeof *names,
    PLAIN = sizeof plain / sizeof *plain,
    PATTERNS = sizeof patterns / sizeof *patterns
};

static int signos[NAMES], references, ended;
static bool scarce, may_free;
static uint64_t random_state;
static struct {
    struct tocsin_block mask[TOKENS];
    struct tocsin_handler handler[HANDLERS];
    struct tocsin_queue queue[QUEUES];
    struct tocsin_source source[SOURCES];
    bool held[TOKENS], connected[HANDLERS], open[QUEUES], made[SOURCES], freed;
    /* `acts` is the number of operations that may still be made in this run */
    int acts, depth, started;
} now;

static int below(int limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (int)((random_state >> 33) % (unsigned)limit);
}

static const char *any_of(const char *const *list, int count)
{
    return list[below(count)];
}

/* Checks the result of an operation, and returns true if the operation succeeded. The result may be
   a success or one of the two error codes allowed and also_allowed. In a run in which allocations
   fail, -ENOMEM and -EMFILE are allowed, too. */
static bool done(int answer, int allowed, int also_allowed)
{
    bool lack = scarce && (answer == -ENOMEM || answer == -EMFILE);

    ck_assert_msg(answer >= 0 || answer == allowed || answer == also_allowed || lack, "%d", answer);
    return answer >= 0;
}

static int thing_ref(void *object)
{
    (void)object;
    references++;
    return 0;
}

static void thing_unref(void *object)
{
    (void)object;
    references--;
}

/* Functions that make one random operation each */

static void act(void);

static int on_any(const struct tocsin_info *info, void *arg)
{
    struct tocsin_info *kept = below(5) ? NULL : tocsin_info_ref(info);
    int answers[] = { TOCSIN_STOP, -EIO, 3 };

    (void)arg;
    now.depth++;
    for (int count = below(6); count && now.depth < DEEP; count--)
        act();
    now.depth--;
    tocsin_info_unref(kept);
    return below(8) ? TOCSIN_NEXT : answers[below(3)];
}

static void on_drop(void *arg)
{
    (void)arg;
    now.depth++;
    if (now.depth < DEEP && below(3) == 0)
        act();
    now.depth--;
}

static int on_end(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    ended++;
    return TOCSIN_NEXT;
}

static void act_emit(void)
{
    static const struct tocsin_object_ops shared = { "thing", thing_ref, thing_unref };
    int signo = signos[below(NAMES)], from = below(SOURCES * 2);
    const struct tocsin_payload *payload = TOCSIN_PAYLOAD(thing,
                                                          .object = { &references, &shared });

    done(from < SOURCES && now.made[from] ? tocsin_emit_from(now.source[from], signo, payload)
                                          : tocsin_emit(signo, payload),
         -EAGAIN, -ELOOP);
}

static void act_block(void)
{
    int token = below(TOKENS);

    if (now.held[token])
        return;
    /* The flag must be set before the call: the call may run handlers that read the flag. */
    now.held[token] = true;
    now.held[token] = done(tocsin_block(any_of(patterns, PATTERNS), &now.mask[token]), 0, 0);
}

static void act_unblock(void)
{
    int token = below(TOKENS);

    if (now.held[token]) {
        now.held[token] = false;
        ck_assert_int_eq(tocsin_unblock(now.mask[token]), 0);
    }
}

static void act_sigmask(void)
{
    int how = below(3);

    if (how < 2)
        done(tocsin_sigmask(how ? TOCSIN_BLOCK : TOCSIN_UNBLOCK, any_of(plain, PLAIN), NULL, 0), 0,
             0);
    else
        done(tocsin_sigmask(TOCSIN_SETMASK, below(5) ? any_of(patterns, PATTERNS) : "", NULL, 0), 0,
             0);
}

static void act_ignore(void)
{
    done((below(2) ? tocsin_ignore : tocsin_unignore)(any_of(plain, PLAIN)), 0, 0);
}

static void act_connect(void)
{
    int which = below(HANDLERS), from = below(SOURCES * 3);
    struct tocsin_action action = { .fn = on_any,
                                    .drop = on_drop,
                                    .mask = below(2) ? any_of(patterns, PATTERNS) : NULL,
                                    .priority = below(3) };

    if (now.connected[which]) {
        now.connected[which] = false;
        /* -ENOENT is allowed, since the handler may be disconnected already: a ONCE handler by its
           call, a handler of a source when the source was freed. */
        done(tocsin_disconnect(now.handler[which]), -ENOENT, 0);
        return;
    }
    action.flags = (below(3) ? 0 : TOCSIN_NODEFER) | (below(6) ? 0 : TOCSIN_ONCE);
    if (from < SOURCES && now.made[from])
        action.source = now.source[from];
    now.connected[which] = true;
    now.connected[which] = done(
        below(5) ? tocsin_connect(any_of(patterns, PATTERNS), &action, &now.handler[which])
                 : tocsin_observe(any_of(patterns, PATTERNS), &action, &now.handler[which]),
        0, 0);
}

static void act_queue(void)
{
    struct tocsin_queue_options options = { .flags = below(2) ? TOCSIN_TAKE : 0,
                                            .limit = (size_t)(1 + below(5)) };
    int which = below(QUEUES);

    if (!now.open[which]) {
        now.open[which] = true;
        now.open[which] = done(
            tocsin_queue_open(any_of(patterns, PATTERNS), &options, &now.queue[which]), 0, 0);
    } else if (below(4) == 0) {
        now.open[which] = false;
        ck_assert_int_eq(tocsin_queue_close(now.queue[which]), 0);
    }
}

static void act_wait(void)
{
    int which = below(QUEUES);
    struct tocsin_queue queue = now.queue[which];
    struct tocsin_info *info = NULL;
    bool there;
    int answer;

    if (!now.open[which])
        return;
    answer = tocsin_queue_wait(queue, 0, &info);
    /* A handler that ran during the wait may have closed the queue. */
    there = now.open[which] && now.queue[which].id == queue.id && !now.freed;
    if (done(answer, -ETIMEDOUT, there ? 0 : -ECANCELED)) {
        ck_assert_ptr_nonnull(info);
        tocsin_info_unref(info);
    }
}

static void act_suspend(void)
{
    int answer = tocsin_suspend(below(3) ? any_of(patterns, PATTERNS) : "", 0);

    done(answer == -ECANCELED && now.freed ? 0 : answer, -ETIMEDOUT, -EBUSY);
}

static void act_source(void)
{
    int which = below(SOURCES);

    if (!now.made[which]) {
        now.made[which] = done(tocsin_source_new(NULL, &now.source[which]), 0, 0);
    } else if (below(3) == 0) {
        now.made[which] = false;
        ck_assert_int_eq(tocsin_source_free(now.source[which]), 0);
    }
}

static void act_timer(void)
{
    bool queue = below(3) == 0 && now.open[0];

    if (done(tocsin_timer(0, queue ? TOCSIN_QUEUE(now.queue[0]) : TOCSIN_CALL(on_end, NULL), NULL),
             -EAGAIN, -ENOENT) &&
        !queue)
        now.started++;
}

static void act_turn(void)
{
    if (now.depth == 0)
        done(tocsin_loop_turn(0), 0, 0);
}

static void act_free(void)
{
    if (!may_free || below(8))
        return;
    now.freed = true;
    now.acts = 0;
    ck_assert_int_ge(tocsin_loop_free(), 0);
}

static void act(void)
{
    static void (*const acts[])(void) = {
        act_emit,   act_emit,    act_emit,    act_emit,    act_emit,    act_emit,    act_emit,
        act_block,  act_block,   act_unblock, act_unblock, act_unblock, act_sigmask, act_sigmask,
        act_ignore, act_connect, act_connect, act_queue,   act_wait,    act_suspend, act_source,
        act_timer,  act_timer,   act_turn,    act_free,
    };

    if (now.acts <= 0)
        return;
    now.acts--;
    if (scarce && below(6) == 0)
        tocsin__fault_at(1 + below(12));
    acts[below((int)(sizeof acts / sizeof *acts))]();
}

/* At the end of a run, the test removes everything. Then nothing may be left. */

static void take_back(void)
{
    now.acts = 0;
    for (int i = 0; i < TOKENS; i++)
        if (now.held[i])
            ck_assert_int_eq(tocsin_unblock(now.mask[i]), 0);
    ck_assert_int_ge(tocsin_sigmask(TOCSIN_SETMASK, "", NULL, 0), 0);
    ck_assert_int_eq(tocsin_unignore("x.*, y.*, z.*"), 0);
    for (int i = 0; i < QUEUES; i++)
        if (now.open[i])
            ck_assert_int_eq(tocsin_queue_close(now.queue[i]), 0);
    while (tocsin_loop_turn(0) > 0 || ended < now.started)
        ;
    ck_assert_int_eq(tocsin_pending_count(NULL), 0);
}

static void nothing_is_held(void)
{
    for (int i = 0; i < NAMES; i++) {
        const struct tocsin__loop_signal *slot = tocsin__loop_signal(tocsin__self, signos[i]);

        if (!slot)
            continue;
        ck_assert_uint_eq(slot->state & (TOCSIN__RUNNING | TOCSIN__PENDING | TOCSIN__FLUSHING |
                                         TOCSIN__BLOCKED | TOCSIN__IGNORED),
                          0);
        ck_assert(!slot->masks.blocks && !slot->masks.masked && !slot->masks.ignores &&
                  !slot->delivery.nested && !slot->delivery.nodefer && !slot->delivery.unblocked &&
                  !slot->queued.bytes);
        ck_assert(!tocsin__heap_has(&slot->flush.node) && !slot->flush.released.first);
    }
}

static void storm(void)
{
    int outer = 1 + below(150);

    memset(&now, 0, sizeof now);
    ended = 0;
    ck_assert_int_eq(tocsin_on("x.*, y.*, z.*", on_any, NULL), 0);
    while (outer-- && !now.freed) {
        now.acts = 300;
        act();
        ck_assert_int_eq(now.depth, 0);
    }
    tocsin__fault_at(0);
    if (!now.freed) {
        take_back();
        nothing_is_held();
        for (int i = 0; i < SOURCES; i++)
            if (now.made[i])
                ck_assert_int_eq(tocsin_source_free(now.source[i]), 0);
        ck_assert_int_eq(tocsin_loop_free(), 0);
    }
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    ck_assert_int_eq(ended, now.started);
    ck_assert_int_eq(references, 0);
    for (int i = 0; i < NAMES; i++)
        ck_assert_int_eq(tocsin_has_listeners(signos[i]), 0);
}

static void storms(bool memory_lacks, bool freed)
{
    scarce = memory_lacks;
    may_free = freed;
    for (int i = 0; i < NAMES; i++) {
        signos[i] = tocsin_declare(
            &(struct tocsin_signal_spec){ .name = names[i],
                                          .layout = &thing_layout,
                                          .rank = i * 5 % 7 - 3,
                                          .limit = i == 2 ? 3 : 20,
                                          .kind = i % 3 == 1 ? TOCSIN_COALESCE : TOCSIN_QUEUED });
        ck_assert_int_gt(signos[i], 0);
    }
    for (uint64_t run = 0; run < (uint64_t)test_scaled(2500, 4, 25); run++) {
        random_state = run * 7919 + 1;
        for (int i = 0; i < 5; i++)
            below(2);
        storm();
    }
}

START_TEST(nothing_is_left_at_the_end)
{
    storms(false, false);
}
END_TEST

START_TEST(the_loop_is_freed_in_between)
{
    storms(false, true);
}
END_TEST

START_TEST(random_operations_without_memory)
{
    storms(true, true);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("delivery/fuzz_masks");
    TCase *tests = test_case(suite, "random operations");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, nothing_is_left_at_the_end);
    tcase_add_test(tests, the_loop_is_freed_in_between);
    tcase_add_test(tests, random_operations_without_memory);
    return suite;
}
