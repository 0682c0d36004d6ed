/* Tests timers that expire once, that tick periodically, that coalesce, that pause, and that are
   set again. */
#include <tocsin/provider.h>

#include "handlers.h"

static struct told told;
static struct tocsin_op op;

static void begin(void)
{
    memset(&told, 0, sizeof told);
    ck_assert_int_eq(tocsin_clock_move(0), 0);
}

static void move(int64_t ms)
{
    ck_assert_int_eq(tocsin_clock_move(ms), 0);
}

static void cancel(void)
{
    ck_assert_int_eq(tocsin_cancel(op), 0);
    move(0);
}

START_TEST(a_single_timer)
{
    ck_assert_int_eq(tocsin_timer(10, TOCSIN_CALL(tell, &told), &op), 0);
    move(9);
    ck_assert_int_eq(told.count, 0);
    move(1);
    ck_assert_int_eq(told.count, 1);
    move(100);
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(tocsin_timer_set(op, 1), -ENOENT);
}
END_TEST

START_TEST(limits_of_a_timer)
{
    ck_assert_int_eq(tocsin_timer(-1, NULL, &op), -EINVAL);
    ck_assert_int_eq(tocsin_timer(1000000000001, NULL, &op), -EINVAL);
    ck_assert_int_eq(tocsin_every(-1, NULL, &op), -EINVAL);
    ck_assert_int_eq(tocsin_every(INT64_MAX, NULL, &op), -EINVAL);
    ck_assert_int_eq(tocsin_timer(1000000000000, NULL, &op), 0);
    ck_assert_int_eq(tocsin_timer_set(op, -2), -EINVAL);
    ck_assert_int_eq(tocsin_timer_set(op, 1000000000001), -EINVAL);
    cancel();
    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &op), 0);
    /* tocsin_timer_set() returns -EINVAL, since this operation is not a timer */
    ck_assert_int_eq(tocsin_timer_set(op, 1), -EINVAL);
    ck_assert_int_eq(tocsin_op_deadline(op, -2), -EINVAL);
    /* INT64_MAX is so late that no deadline is set */
    ck_assert_int_eq(tocsin_op_deadline(op, INT64_MAX), 0);
    cancel();
    ck_assert_int_eq(tocsin_timer_set((struct tocsin_op){ { (uint64_t)-EIO } }, 1), -EIO);
}
END_TEST

START_TEST(set_earlier_later_and_not_at_all)
{
    ck_assert_int_eq(tocsin_timer(10, TOCSIN_CALL(tell, &told), &op), 0);
    ck_assert_int_eq(tocsin_timer_set(op, 100), 0);
    move(99);
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(tocsin_timer_set(op, -1), 0);
    move(1000);
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(tocsin_timer_set(op, 0), 0);
    move(0);
    ck_assert_int_eq(told.count, 1);
}
END_TEST

START_TEST(a_periodic_timer)
{
    ck_assert_int_eq(tocsin_every(10, TOCSIN_EACH(tell, &told), &op), 0);
    for (int i = 1; i <= 5; i++) {
        move(9);
        ck_assert_int_eq(told.count, i - 1);
        move(1);
        ck_assert_int_eq(told.count, i);
        ck_assert_uint_eq(told.overrun, 0);
        ck_assert_int_eq(told.code, TOCSIN_PROGRESS);
    }
    /* This call moves the next tick only. The period does not change. */
    ck_assert_int_eq(tocsin_timer_set(op, 3), 0);
    move(3);
    ck_assert_int_eq(told.count, 6);
    move(10);
    ck_assert_int_eq(told.count, 7);
    ck_assert_int_eq(tocsin_timer_set(op, -1), 0);
    move(100);
    ck_assert_int_eq(told.count, 7);
    ck_assert_int_eq(tocsin_timer_set(op, 1), 0);
    move(11);
    ck_assert_int_eq(told.count, 9);
    ck_assert_uint_eq(told.overrun, 0);
    cancel();
    /* the notify function was called nine times: with TOCSIN_EACH it is not called at the end */
    ck_assert_int_eq(told.count, 9);
}
END_TEST

/* A handler runs for longer than the timer's period. The missed ticks must coalesce into one tick,
   and later ticks must arrive at their times. */
static int stall(const struct tocsin_info *info, void *arg)
{
    int64_t until = tocsin_now() + 35000;

    while (tocsin_now() < until)
        ;
    return tell(info, arg);
}

START_TEST(missed_ticks_are_merged)
{
    int64_t start, ticks;

    ck_assert_int_eq(tocsin_loop_free(), 0); /* the rest of this test uses the real clock */
    start = tocsin_now();
    ck_assert_int_eq(tocsin_every(10, TOCSIN_EACH(stall, &told), &op), 0);
    turns_until(&told.count, 1);
    ticks = told.overrun + 1;
    turns_until(&told.count, 2);
    ck_assert_uint_ge(told.overrun, 2);
    ticks += told.overrun + 1;
    ck_assert_int_le(ticks, (tocsin_now() - start) / 10000);
    ck_assert_int_eq(tocsin_cancel(op), 0);
    while (tocsin_op_status(op) == -EINPROGRESS)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
}
END_TEST

START_TEST(an_unwanted_timer_pauses_and_resumes)
{
    struct tocsin_handler handler;

    ck_assert_int_eq(tocsin_every(10, NULL, &op), 0);
    move(95);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_connect("timer.ticked",
                                    &(struct tocsin_action){ .fn = tell, .arg = &told }, &handler),
                     0);
    move(4);
    ck_assert_int_eq(told.count, 0);
    move(1);
    ck_assert_int_eq(told.count, 1);
    /* the overrun is 9, since no handler was connected during 9 ticks */
    ck_assert_uint_eq(told.overrun, 9);
    move(30);
    ck_assert_int_eq(told.count, 4);
    ck_assert_uint_eq(told.overrun, 0);
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    move(50);
    ck_assert_int_eq(
        tocsin_connect(
            "*.*", &(struct tocsin_action){ .fn = tell, .arg = &told, .source = op.source }, NULL),
        0);
    move(10);
    ck_assert_int_eq(told.count, 5);
    ck_assert_uint_eq(told.overrun, 5);
    cancel();
    ck_assert_int_eq(told.count, 6);
    ck_assert_int_eq(told.code, TOCSIN_DONE);
    ck_assert_int_eq(told.status, -ECANCELED);
}
END_TEST

START_TEST(a_timer_without_a_period_ticks_when_set)
{
    ck_assert_int_eq(tocsin_every(0, TOCSIN_EACH(tell, &told), &op), 0);
    move(100);
    ck_assert_int_eq(told.count, 0);
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(tocsin_timer_set(op, 5), 0);
        move(100);
        ck_assert_int_eq(told.count, i);
    }
    cancel();
}
END_TEST

/* A timer without a period ticks while its queue is full. The tick is delivered when the program
   takes an entry. */
START_TEST(a_timer_without_a_period_and_a_full_queue)
{
    struct tocsin_queue queue;

    ck_assert_int_eq(tocsin_queue_open(NULL, &(struct tocsin_queue_options){ .limit = 2 }, &queue),
                     0);
    ck_assert_int_eq(tocsin_every(0, TOCSIN_QUEUE(queue), &op), 0);
    ck_assert_int_eq(tocsin_timer_set(op, 0), 0);
    move(0);
    ck_assert_int_eq(tocsin_timer_set(op, 0), 0);
    move(0); /* the tick finds no room, since the queue is full */
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    move(0);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), -ETIMEDOUT);
    cancel();
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

static int cancel_it(const struct tocsin_info *info, void *arg)
{
    ck_assert_int_eq(tocsin_cancel(op), 0);
    ck_assert_int_eq(tocsin_timer_set(op, 1), -EALREADY);
    return tell(info, arg);
}

START_TEST(a_tick_cancels_its_timer)
{
    ck_assert_int_eq(tocsin_every(10, TOCSIN_EACH(cancel_it, &told), &op), 0);
    move(100);
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(tocsin_op_status(op), -ENOENT);
}
END_TEST

START_TEST(a_deadline_ends_a_periodic_timer)
{
    ck_assert_int_eq(tocsin_every(10, NULL, &op), 0);
    connect_to("timer.expired", tell, &told);
    ck_assert_int_eq(tocsin_op_deadline(op, 35), 0);
    /* this deadline replaces the one that was set before */
    ck_assert_int_eq(tocsin_op_deadline(op, 25), 0);
    move(24);
    ck_assert_int_eq(told.count, 0);
    move(1);
    ck_assert_int_eq(told.status, -ETIMEDOUT);
    ck_assert_int_eq(tocsin_op_deadline(op, 1), -ENOENT);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("op/timer");
    TCase *tests = test_case(suite, "timer");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, a_single_timer);
    tcase_add_test(tests, limits_of_a_timer);
    tcase_add_test(tests, set_earlier_later_and_not_at_all);
    tcase_add_test(tests, a_periodic_timer);
    tcase_add_test(tests, missed_ticks_are_merged);
    tcase_add_test(tests, an_unwanted_timer_pauses_and_resumes);
    tcase_add_test(tests, a_timer_without_a_period_ticks_when_set);
    tcase_add_test(tests, a_timer_without_a_period_and_a_full_queue);
    tcase_add_test(tests, a_tick_cancels_its_timer);
    tcase_add_test(tests, a_deadline_ends_a_periodic_timer);
    return suite;
}
