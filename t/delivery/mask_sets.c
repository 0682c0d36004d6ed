/* Tests three groups of functions:

   the set of tocsin_sigmask as text, and the temporary set of tocsin_suspend;
   signals that are ignored, with and without a block;
   TOCSIN_TAKE queues, which take emissions of blocked signals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/loop.h"
#include "mask_helpers.h"

/* Tests of ignored signals and of TOCSIN_TAKE queues */

START_TEST(blocked_ignored_and_taken_emissions)
{
    struct tocsin_queue_options options = { .flags = TOCSIN_TAKE };
    struct tocsin_action observer = { .fn = record_call, .arg = "seen" };
    struct tocsin_queue queue;

    signos[0] = ranked("i.a", 7), signos[1] = ranked("i.b", -7);
    ck_assert_int_eq(tocsin_on("i.*", write_number, NULL), 0);
    ck_assert_int_eq(tocsin_observe("i.a", &observer, NULL), 0);
    ck_assert_int_eq(tocsin_ignore("i.a"), 0);
    ck_assert_int_eq(emit(signos[0], 1), TOCSIN_NOBODY);
    ck_assert_record("seen");
    masks[0] = block("i.*");
    ck_assert_int_eq(emit(signos[0], 2), TOCSIN_PENDED);
    ck_assert_record("");
    unblock(masks[0]);
    ck_assert_record("seen"); /* The emission is ignored: only the observer was called. */
    masks[0] = block("i.*");
    ck_assert_int_eq(emit(signos[0], 3), TOCSIN_PENDED);
    ck_assert_int_eq(emit(signos[1], 4), TOCSIN_PENDED);
    /* A second tocsin_ignore discards what is pending, whether the signal is blocked or not. */
    ck_assert_int_eq(tocsin_ignore("i.a"), 0);
    ck_assert_int_eq(tocsin_pending_count("i.a"), 0);
    ck_assert_record("");
    for (int i = 5; i < 8; i++)
        ck_assert_int_eq(emit(signos[i % 2], i), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_queue_open("i.*", &options, &queue), 0);
    /* Signal i.b has the lower rank, so the queue delivers its emissions first. For the same
       signal, the queue delivers the oldest emission first. */
    ck_assert_int_eq(taken(queue), 4);
    ck_assert_int_eq(taken(queue), 5);
    ck_assert_int_eq(taken(queue), 7);
    ck_assert_int_eq(taken(queue), 6);
    ck_assert_int_eq(taken(queue), -ETIMEDOUT);
    record_take();
    ck_assert_int_eq(emit(signos[0], 8), TOCSIN_PENDED);
    ck_assert_int_eq(emit(signos[1], 9), TOCSIN_PENDED);
    /* The unblock discards the emission of i.a, since i.a is ignored. The queue takes the emission
       of i.b, so the handlers of i.b are not called. */
    unblock(masks[0]);
    ck_assert_record("seen");
    ck_assert_int_eq(taken(queue), 9);
    ck_assert_int_eq(taken(queue), -ETIMEDOUT);
    ck_assert_int_eq(tocsin_unignore("i.*"), 0);
    ck_assert_int_eq(emit(signos[0], 10), TOCSIN_STOPPED);
    ck_assert_int_eq(taken(queue), 10);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

/* A handler ignores its own signal. The pending emissions are discarded, and the running delivery
   continues. New emissions become pending until the delivery ends. */
static int ignore_itself(const struct tocsin_info *info, void *arg)
{
    int number = number_of(info);

    (void)arg;
    record("%d", number);
    if (number == 0 || number > 2)
        return TOCSIN_NEXT;
    ck_assert_int_eq(emit(info->signo, 7), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_ignore(info->name), 0);
    ck_assert_int_eq(tocsin_pending_count(info->name), 0);
    ck_assert_int_eq(emit(info->signo, 8), TOCSIN_PENDED);
    if (number == 1)
        ck_assert_int_eq(tocsin_unignore(info->name), 0);
    return TOCSIN_NEXT;
}

START_TEST(a_handler_ignores_its_own_signal)
{
    signos[0] = ranked("i.own", 0);
    ck_assert_int_eq(tocsin_on("i.own", ignore_itself, NULL), 0);
    ck_assert_int_eq(tocsin_on("i.own", record_call, "second"), 0);
    ck_assert_int_eq(emit(signos[0], 0), TOCSIN_DELIVERED);
    ck_assert_record("0 second");
    ck_assert_int_eq(emit(signos[0], 1), TOCSIN_DELIVERED);
    ck_assert_record("1 second 8 second");
    ck_assert_int_eq(emit(signos[0], 2), TOCSIN_DELIVERED);
    ck_assert_record("2 second");
    ck_assert_int_eq(tocsin_pending_count(NULL), 0);
    ck_assert_int_eq(emit(signos[0], 3), TOCSIN_NOBODY);
    ck_assert_record("");
}
END_TEST

static struct tocsin_queue take_queue;

static int take_in_a_handler(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    record("h%d", number_of(info));
    record("%d", taken(take_queue));
    ck_assert_int_eq(tocsin_queue_wait(take_queue, -1, NULL),
                     tocsin_pending_count("k.b") ? 0 : -EDEADLK);
    return TOCSIN_NEXT;
}

START_TEST(a_handler_takes_emissions_of_a_flush)
{
    struct tocsin_queue_options options = { .flags = TOCSIN_TAKE };

    signos[0] = ranked("k.a", 0), signos[1] = ranked("k.b", 1);
    ck_assert_int_eq(tocsin_on("k.a", take_in_a_handler, NULL), 0);
    ck_assert_int_eq(tocsin_on("k.b", write_number, NULL), 0);
    ck_assert_int_eq(tocsin_queue_open("k.b", &options, &take_queue), 0);
    masks[0] = block("k.*");
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(emit(signos[1], i), TOCSIN_PENDED);
    ck_assert_int_eq(emit(signos[0], 9), TOCSIN_PENDED);
    unblock(masks[0]);
    /* The handler discarded emission 1. The other two emissions are in the queue. */
    ck_assert_record("h9 0");
    ck_assert_int_eq(taken(take_queue), 2);
    ck_assert_int_eq(taken(take_queue), 3);
    ck_assert_int_eq(tocsin_queue_close(take_queue), 0);
    ck_assert_uint_eq(tocsin__loop_signal(tocsin__self, signos[1])->state, 0);
}
END_TEST

static int count_end(const struct tocsin_info *info, void *arg)
{
    ck_assert_int_eq(info->status, 0);
    ++*(int *)arg;
    return TOCSIN_NEXT;
}

/* A TOCSIN_TAKE queue takes the completion of an operation, as sigwait takes a signal. The handlers
   of the signal must not be called. The notify function of the operation must be called (O9). */
START_TEST(a_queue_takes_a_completion)
{
    struct tocsin_queue_options options = { .flags = TOCSIN_TAKE };
    struct tocsin_queue queue;
    struct tocsin_info *info;
    int ended = 0;

    connect_as("timer.expired", record_call, "heard", NULL, 0);
    masks[0] = block("timer.*");
    ck_assert_int_eq(tocsin_queue_open("timer.expired", &options, &queue), 0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(count_end, &ended), NULL), 0);
    ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
    ck_assert_str_eq(info->name, "timer.expired");
    tocsin_info_unref(info);
    while (ended < 1)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_record("");
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(count_end, &ended), NULL), 0);
    while (ended < 2)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(tocsin_pending_count("timer.*"), 1);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    unblock(masks[0]);
    ck_assert_record("heard");
}
END_TEST

/* An unblock would deliver four emissions to a queue that has room for one entry. The other
   emissions stay pending, in order. Their handlers must not be called before the queue has room. */
START_TEST(emissions_wait_for_room_in_a_queue)
{
    struct tocsin_queue_options options = { .limit = 1 };
    struct tocsin_queue queue;

    signos[0] = ranked("g.a", 0);
    ck_assert_int_eq(tocsin_on("g.a", write_number, NULL), 0);
    ck_assert_int_eq(tocsin_queue_open("g.a", &options, &queue), 0);
    masks[0] = block("g.a");
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(emit(signos[0], i), TOCSIN_PENDED);
    unblock(masks[0]);
    ck_assert_record("0");
    ck_assert_int_eq(tocsin_pending_count("g.a"), 3);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(emit(signos[0], 9), -EAGAIN);
    ck_assert_int_eq(taken(queue), 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_record("1");
    masks[0] = block("g.a");
    ck_assert_int_eq(taken(queue), 1);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    unblock(masks[0]);
    ck_assert_record("2");
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_record("3");
}
END_TEST

/* Tests of tocsin_suspend */

static int suspend_in_a_handler(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    record("%d", number_of(info));
    ck_assert_int_eq(tocsin_suspend("", -1), -EDEADLK);
    ck_assert_int_eq(tocsin_suspend("", 1), -EDEADLK);
    return TOCSIN_NEXT;
}

START_TEST(suspend_delivers_and_restores_the_set)
{
    char set[32];

    signos[0] = ranked("s.a", 0), signos[1] = ranked("s.b", 0);
    ck_assert_int_eq(tocsin_on("s.a", suspend_in_a_handler, NULL), 0);
    ck_assert_int_eq(tocsin_on("s.b", write_number, NULL), 0);
    mask_set(TOCSIN_SETMASK, "s.*, !s.c");
    ck_assert_int_eq(tocsin_suspend("s.*", 0), -ETIMEDOUT);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(emit(signos[i], i), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_suspend("**", 0), -ETIMEDOUT);
    /* tocsin_suspend returns at once, since its temporary set lets a pending emission be
       delivered. */
    ck_assert_int_eq(tocsin_suspend("s.b", -1), 0);
    ck_assert_record("0");
    ck_assert_int_eq(tocsin_suspend("s.b", 0), -ETIMEDOUT);
    ck_assert_int_eq(tocsin_pending_count(NULL), 1);
    /* after tocsin_suspend(), the old set is in force again */
    ck_assert_int_eq(emit(signos[0], 2), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_BLOCK, NULL, set, sizeof set), 9);
    ck_assert_str_eq(set, "s.*, !s.c");
    ck_assert_int_eq(tocsin_suspend("", 0), 0);
    ck_assert_record("1 2");
    ck_assert_int_eq(tocsin_timer(0, NULL, NULL), 0);
    connect_as("timer.expired", record_call, "timer", NULL, 0);
    /* this call of tocsin_suspend() returns when the timer expires */
    ck_assert_int_eq(tocsin_suspend("s.*", -1), 0);
    ck_assert_record("timer");
    ck_assert_int_eq(tocsin_suspend("a..b", 0), -EINVAL);
    ck_assert_int_eq(tocsin_suspend(NULL, 0), -EINVAL);
    ck_assert_int_eq(tocsin_suspend("s.*", -2), -EINVAL);
    ck_assert_int_eq(tocsin_suspend("no.such", -1), -ENOENT);
    ck_assert_int_eq(emit(signos[1], 3), TOCSIN_PENDED);
    masks[0] = block("s.b");
    /* a signal that tocsin_block() has blocked stays blocked, whatever set tocsin_suspend() gets */
    ck_assert_int_eq(tocsin_suspend("", 0), -ETIMEDOUT);
    mask_set(TOCSIN_SETMASK, "");
    ck_assert_record("");
    unblock(masks[0]);
    ck_assert_record("3");
}
END_TEST

static int free_suspended(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    record("free");
    ck_assert_int_eq(tocsin_loop_free(), 0);
    return TOCSIN_NEXT;
}

START_TEST(the_loop_is_freed_while_suspended)
{
    signos[0] = ranked("s.a", 0);
    ck_assert_int_eq(tocsin_on("s.a", free_suspended, NULL), 0);
    mask_set(TOCSIN_SETMASK, "s.*");
    ck_assert_int_eq(emit(signos[0], 1), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_suspend("n.*", -1), -ECANCELED);
    ck_assert_record("free");
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    ck_assert_int_eq(tocsin_has_listeners(signos[0]), 0);
}
END_TEST

static int free_by_default(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    ck_assert_int_eq(tocsin_loop_free(), 0);
    return TOCSIN_NEXT;
}

/* While the loop is suspended, a default action frees the loop. No handler has run, so
   tocsin_suspend must notice the freed loop and return -ECANCELED. */
START_TEST(freed_by_a_default_action_while_suspended)
{
    signos[0] = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "s.default", .unhandled_fn = free_by_default });
    mask_set(TOCSIN_SETMASK, "s.*");
    ck_assert_int_eq(tocsin_emit(signos[0], NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_suspend("n.*", -1), -ECANCELED);
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
}
END_TEST

static int suspend_on_a_fiber(void *arg)
{
    char set[32];

    (void)arg;
    record("ended %d", tocsin_suspend("g.*", -1));
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_BLOCK, NULL, set, sizeof set), 3);
    ck_assert_str_eq(set, "f.a");
    return 0;
}

START_TEST(a_fiber_calls_suspend)
{
    signos[0] = ranked("f.a", 0), signos[1] = ranked("g.a", 0);
    ck_assert_int_eq(tocsin_on("*.a", write_number, NULL), 0);
    mask_set(TOCSIN_SETMASK, "f.a");
    ck_assert_int_eq(emit(signos[0], 1), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_spawn(suspend_on_a_fiber, NULL, NULL, NULL), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    /* tocsin_suspend() did not wait, since it let a pending emission be delivered */
    ck_assert_record("1 ended 0");
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_spawn(suspend_on_a_fiber, NULL, NULL, NULL), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_record("");
    /* While the fiber waits in tocsin_suspend(), its set is the set of the whole loop. */
    ck_assert_int_eq(emit(signos[1], 2), TOCSIN_PENDED);
    for (int i = 3; i < 6; i++)
        ck_assert_int_eq(emit(signos[0], i), TOCSIN_DELIVERED);
    ck_assert_record("3 4 5");
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_record("2 ended 0");
    ck_assert_int_eq(emit(signos[0], 6), TOCSIN_PENDED);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    mask_set(TOCSIN_SETMASK, "");
    ck_assert_record("6");
}
END_TEST

/* Tests of the text of a set */

static void set_is(const char *text)
{
    char old[256];

    ck_assert_int_eq(tocsin_sigmask(TOCSIN_BLOCK, NULL, old, sizeof old), strlen(text));
    ck_assert_str_eq(old, text);
}

START_TEST(the_text_of_the_set)
{
    static const char whole[] = "m.**, !m.a.*, m.a.y";

    names_listen();
    set_is("");
    mask_set(TOCSIN_SETMASK, whole);
    set_is(whole);
    for (size_t size = 0; size < sizeof whole + 3; size++) {
        /* In every second round, n.a is added to the set. Then the expected text ends with ",
           n.a". */
        bool in = size % 2;
        char *old = malloc(size + 1);

        memset(old, '#', size + 1);
        ck_assert_int_eq(
            tocsin_sigmask(in ? TOCSIN_BLOCK : TOCSIN_UNBLOCK, "n.a", size ? old : NULL, size),
            strlen(whole) + (in || !size ? 0 : 5));
        /* The set changes even if the buffer is too small for the old text. */
        ck_assert_int_eq(emit(signos[4], 0), in ? TOCSIN_PENDED : TOCSIN_DELIVERED);
        record_take();
        if (size > 0) {
            ck_assert_ptr_nonnull(memchr(old, '\0', size));
            ck_assert_int_eq(
                strncmp(old, whole, strlen(old) < strlen(whole) ? strlen(old) : strlen(whole)), 0);
        }
        ck_assert_int_eq(old[size], '#');
        free(old);
    }
}
END_TEST

START_TEST(a_set_is_restored_by_its_text)
{
    char old[256];

    names_listen();
    for (int i = 0; i < PATTERNS; i++) {
        for (int j = 0; j < 4; j++) {
            bool blocked[NAMES];

            mask_set(TOCSIN_SETMASK, patterns[i]);
            mask_set(j % 2 ? TOCSIN_BLOCK : TOCSIN_UNBLOCK, patterns[j]);
            for (int k = 0; k < NAMES; k++)
                blocked[k] = emit(signos[k], 0) == TOCSIN_PENDED;
            ck_assert_int_lt(tocsin_sigmask(TOCSIN_SETMASK, "", old, sizeof old), sizeof old);
            for (int k = 0; k < NAMES; k++)
                ck_assert_int_eq(*old ? tocsin_match(old, names[k]) : 0, blocked[k]);
            mask_set(TOCSIN_SETMASK, old);
            for (int k = 0; k < NAMES; k++)
                ck_assert_int_eq(emit(signos[k], 0) == TOCSIN_PENDED, blocked[k]);
            mask_set(TOCSIN_SETMASK, "");
            record_take();
        }
    }
}
END_TEST

START_TEST(a_set_does_not_grow_with_removed_names)
{
    char name[32];

    ranked("keep.it", 0);
    mask_set(TOCSIN_BLOCK, "keep.it");
    ck_assert_int_eq(tocsin_ignore("keep.it"), 0);
    for (int i = 0; i < 300; i++) {
        sprintf(name, "grow.n%d", i);
        ranked(name, 0);
        mask_set(TOCSIN_BLOCK, name);
        mask_set(TOCSIN_UNBLOCK, name);
    }
    set_is("keep.it");
}
END_TEST

START_TEST(sets_that_are_refused)
{
    char old[] = "#######";

    names_listen();
    mask_set(TOCSIN_SETMASK, "m.a.x");
    ck_assert_int_eq(tocsin_sigmask((enum tocsin_how)77, "m.**", old, sizeof old), -EINVAL);
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_SETMASK, "m.**", NULL, 5), -EINVAL);
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_SETMASK, "m..", old, sizeof old), -EINVAL);
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_UNBLOCK, "no.such", old, sizeof old), -ENOENT);
    ck_assert_str_eq(old, "#######");
    set_is("m.a.x");
    ck_assert_int_eq(emit(signos[1], 1), TOCSIN_DELIVERED);
    ck_assert_int_eq(emit(signos[0], 2), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_pending_count("a..b"), -EINVAL);
    ck_assert_int_eq(tocsin_pending_count("no.such, m.a.x"), 1);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("delivery/mask_sets");
    TCase *tests = test_case(suite, "mask_sets");

    test_needs_processes();
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, blocked_ignored_and_taken_emissions);
    tcase_add_test(tests, a_handler_ignores_its_own_signal);
    tcase_add_test(tests, a_handler_takes_emissions_of_a_flush);
    tcase_add_test(tests, a_queue_takes_a_completion);
    tcase_add_test(tests, emissions_wait_for_room_in_a_queue);
    tcase_add_test(tests, suspend_delivers_and_restores_the_set);
    tcase_add_test(tests, the_loop_is_freed_while_suspended);
    tcase_add_test(tests, freed_by_a_default_action_while_suspended);
    tcase_add_test(tests, a_fiber_calls_suspend);
    tcase_add_test(tests, the_text_of_the_set);
    tcase_add_test(tests, a_set_is_restored_by_its_text);
    tcase_add_test(tests, a_set_does_not_grow_with_removed_names);
    tcase_add_test(tests, sets_that_are_refused);
    return suite;
}
