/* A handler blocks its loop. Meanwhile another loop must receive the signal loop.blocked, which
   must name the blocking handler. The blocking handler returns only after the other loop has
   received loop.blocked, so the test does not depend on time. */
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <unistd.h>

#include <tocsin/watchdog.h>

#include "handlers.h"

enum { LIMIT_MS = 20, LONG_MS = 500 };

static int note, other, gate[2];
static struct told told;

/* The ids that the text of loop.blocked must contain: those of the loop, of the blocking handler,
   and of the emission and its source. If no handler runs, the text names only the loop and the
   signal. */
static struct named {
    uint64_t loop, handler, source, emission;
    int64_t blocked_us;
    char signal[64], function[64], where[64], owner[64];
    int wrong;
} named;
static uint64_t may_be_named;

static void begin(void)
{
    memset(&told, 0, sizeof told);
    memset(&named, 0, sizeof named);
    may_be_named = 0;
    note = tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.note", .doc = "A note." });
    other = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "test.other", .doc = "Another one." });
    ck_assert_int_eq(pipe(gate), 0);
}

static void end(void)
{
    close(gate[0]);
    close(gate[1]);
}

static bool keep(const struct tocsin_loop_blocked *blocked, const char *signal)
{
    named.wrong += blocked->handler && may_be_named && blocked->handler != may_be_named;
    if (signal ? strcmp(blocked->signal, signal) != 0 : !blocked->handler)
        return false;
    named.loop = blocked->loop;
    named.handler = blocked->handler;
    named.source = blocked->source;
    named.emission = blocked->emission;
    named.blocked_us = blocked->blocked_us;
    strncpy(named.signal, blocked->signal, sizeof named.signal - 1);
    strncpy(named.function, blocked->function, sizeof named.function - 1);
    strncpy(named.where, blocked->where, sizeof named.where - 1);
    strncpy(named.owner, blocked->owner, sizeof named.owner - 1);
    return true;
}

/* The other loop receives loop.blocked, and then opens the gate, so that the blocking handler
   returns. */

static const char *awaited; /* the signal that loop.blocked must name; NULL means no signal */
/* true after loop.blocked was received once; the watchdog may emit it several times */
static bool opened;
static sem_t listens;

static int hear(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    if (opened || !keep(tocsin_loop_blocked_of(info), awaited))
        return TOCSIN_NEXT;
    opened = true;
    ck_assert_int_eq(info->code, TOCSIN_POSTED);
    ck_assert_int_eq(write(gate[1], "x", 1), 1);
    return tocsin_stop(0);
}

static void *listen_to_it(void *arg)
{
    /* This turn makes the first loop, and the first loop declares the signals of the library. */
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_on("loop.blocked", hear, arg), 0);
    sem_post(&listens);
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    return NULL;
}

static pthread_t listener(const char *signal)
{
    pthread_t thread;

    awaited = signal;
    opened = false;
    sem_init(&listens, 0, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, listen_to_it, NULL), 0);
    sem_wait(&listens);
    return thread;
}

static void listener_end(pthread_t thread)
{
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    sem_destroy(&listens);
}

static uint64_t sequence;

static int block(const struct tocsin_info *info, void *arg)
{
    char x;

    (void)arg;
    sequence = info->sequence;
    ck_assert_int_eq(read(gate[0], &x, 1), 1);
    return TOCSIN_NEXT;
}

START_TEST(another_loop_receives_loop_blocked)
{
    struct tocsin_handler handler;
    struct tocsin_source source;
    pthread_t thread = listener(NULL);

    ck_assert_int_eq(tocsin_watchdog(LIMIT_MS), 0);
    ck_assert_int_eq(tocsin_source_new(NULL, &source), 0);
    ck_assert_int_eq(
        tocsin_connect("test.note",
                       &(struct tocsin_action){ .fn = block, .source = source, .name = "block" },
                       &handler),
        0);
    ck_assert_int_eq(tocsin_on("loop.blocked", tell, &told), 0);
    /* The handler "block" returns only when the other loop has received loop.blocked. */
    ck_assert_int_eq(tocsin_emit_from(source, note, NULL), TOCSIN_DELIVERED);
    listener_end(thread);
    ck_assert_uint_eq(named.loop, tocsin_loop_current().id);
    ck_assert_uint_eq(named.handler, handler.id);
    ck_assert_uint_eq(named.source, source.id);
    ck_assert_uint_eq(named.emission, sequence);
    ck_assert_int_ge(named.blocked_us, LIMIT_MS * 1000);
    ck_assert_str_eq(named.signal, "test.note");
    ck_assert_str_eq(named.function, "block");
    ck_assert_ptr_nonnull(strstr(named.where, "loop_blocked.c:"));
    ck_assert_str_eq(named.owner, "program");
    ck_assert_int_eq(told.count, 0);
    turns_until(&told.count, 1); /* this loop receives loop.blocked in its next turn */
    ck_assert_int_eq(tocsin_source_free(source), 0);
}
END_TEST

START_TEST(a_handler_that_blocks_in_a_turn)
{
    struct tocsin_handler handler;
    pthread_t thread = listener(NULL);

    ck_assert_int_eq(tocsin_watchdog(LIMIT_MS), 0);
    ck_assert_int_eq(
        tocsin_connect("timer.expired", &(struct tocsin_action){ .fn = block }, &handler), 0);
    ck_assert_int_eq(tocsin_timer(0, NULL, NULL), 0);
    drain_all();
    listener_end(thread);
    ck_assert_uint_eq(named.handler, handler.id);
    ck_assert_str_eq(named.signal, "timer.expired");
}
END_TEST

static int block_fiber(void *arg)
{
    char x;

    (void)arg;
    return read(gate[0], &x, 1) == 1 ? 0 : -EIO;
}

START_TEST(a_blocking_notify_or_fiber_names_its_operation)
{
    pthread_t thread = listener("timer.expired");
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_watchdog(LIMIT_MS), 0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(block, NULL), &op), 0);
    drain_all();
    listener_end(thread);
    ck_assert_uint_eq(named.handler, 0);
    ck_assert_uint_eq(named.source, op.source.id);
    ck_assert_str_eq(named.owner, "program");
    thread = listener("fiber.done");
    ck_assert_int_eq(tocsin_spawn(block_fiber, NULL, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
    listener_end(thread);
    ck_assert_uint_eq(named.source, op.source.id);
}
END_TEST

/* This handler blocks its loop until loop.blocked has been posted to this same loop. */
static int block_until_posted(const struct tocsin_info *info, void *arg)
{
    struct pollfd loop = { .fd = *(int *)arg, .events = POLLIN };

    (void)info;
    ck_assert_int_eq(poll(&loop, 1, -1), 1);
    ck_assert_int_eq(told.count, 0);
    return TOCSIN_NEXT;
}

static int hear_own(const struct tocsin_info *info, void *arg)
{
    keep(tocsin_loop_blocked_of(info), NULL);
    return tell(info, arg);
}

START_TEST(without_other_listeners_the_next_turn_reports)
{
    struct tocsin_handler handler;
    int fd = tocsin_loop_fd();

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(tocsin_on("loop.blocked", hear_own, &told), 0);
    ck_assert_int_eq(tocsin_connect("test.note",
                                    &(struct tocsin_action){ .fn = block_until_posted, .arg = &fd },
                                    &handler),
                     0);
    ck_assert_int_eq(tocsin_watchdog(LIMIT_MS), 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_gt(tocsin_loop_turn(0), 0);
    ck_assert_int_gt(told.count, 0);
    ck_assert_uint_eq(named.handler, handler.id);
}
END_TEST

static int short_one(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ++*(int *)arg;
    return TOCSIN_NEXT;
}

START_TEST(a_handler_that_does_not_block_is_not_named)
{
    struct tocsin_handler handler;
    struct tocsin_op every;
    pthread_t thread;
    int calls = 0;

    ck_assert_int_eq(tocsin_connect("test.note", &(struct tocsin_action){ .fn = block }, &handler),
                     0);
    may_be_named = handler.id;
    thread = listener(NULL);
    ck_assert_int_eq(tocsin_watchdog(LONG_MS), 0);
    ck_assert_int_eq(tocsin_on("test.other", short_one, &calls), 0);
    ck_assert_int_eq(tocsin_on("timer.ticked", short_one, &calls), 0);
    ck_assert_int_eq(tocsin_every(1, NULL, &every), 0);
    while (calls < 20000) {
        for (int i = 0; i < 100; i++)
            ck_assert_int_eq(tocsin_emit(other, NULL), TOCSIN_DELIVERED);
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    }
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    listener_end(thread);
    ck_assert_uint_eq(named.handler, handler.id);
    ck_assert_int_eq(named.wrong, 0);
    ck_assert_int_eq(tocsin_watchdog(0), 0);
    drain_all();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/loop_blocked");
    TCase *tests = test_case(suite, "blocked");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, another_loop_receives_loop_blocked);
    tcase_add_test(tests, a_handler_that_blocks_in_a_turn);
    tcase_add_test(tests, a_blocking_notify_or_fiber_names_its_operation);
    tcase_add_test(tests, without_other_listeners_the_next_turn_reports);
    tcase_add_test(tests, a_handler_that_does_not_block_is_not_named);
    return suite;
}
