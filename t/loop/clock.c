/* The test moves the clock. All timers must expire at their time and in order, without any real
   waiting. */
#include <tocsin/provider.h>

#include "handlers.h"

static struct told told;
static int64_t at[64];
static int fired;

static int note_time(const struct tocsin_info *info, void *arg)
{
    (void)info;
    at[fired++] = tocsin_now() / 1000;
    return write_down(info, arg);
}

static void begin(void)
{
    memset(&told, 0, sizeof told);
    written[0] = '\0';
    fired = 0;
    ck_assert_int_eq(tocsin_clock_move(0), 0);
}

static void timer(int64_t delay_ms, const char *text)
{
    ck_assert_int_eq(tocsin_timer(delay_ms, TOCSIN_CALL(note_time, (void *)(uintptr_t)text), NULL),
                     0);
}

START_TEST(timers_expire_at_their_times_and_in_order)
{
    int64_t start = tocsin_now() / 1000;

    timer(30, "c");
    timer(10, "a");
    timer(20, "b");
    timer(40, "d");
    ck_assert_int_eq(tocsin_clock_move(35), 0);
    ck_assert_str_eq(written, "abc");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(at[i], start + 10 * (i + 1));
    ck_assert_int_eq(tocsin_now() / 1000, start + 35);
    ck_assert_int_eq(tocsin_clock_move(4), 0);
    ck_assert_str_eq(written, "abc");
    ck_assert_int_eq(tocsin_clock_move(1), 0);
    ck_assert_str_eq(written, "abcd");
}
END_TEST

START_TEST(timers_due_together_keep_their_order)
{
    struct tocsin_op moved;

    timer(10, "a");
    ck_assert_int_eq(tocsin_timer(10, TOCSIN_CALL(note_time, "d"), &moved), 0);
    timer(10, "b");
    timer(5, "0");
    timer(10, "c");
    ck_assert_int_eq(tocsin_timer_set(moved, 10), 0);
    ck_assert_int_eq(tocsin_clock_move(10), 0);
    ck_assert_str_eq(written, "0abcd");
}
END_TEST

static int arm_nested(const struct tocsin_info *info, void *arg)
{
    int left = *(int *)arg;

    (void)info;
    at[fired++] = tocsin_now() / 1000;
    if (left > 0) {
        --*(int *)arg;
        ck_assert_int_eq(tocsin_timer(left % 2 ? 0 : 5, TOCSIN_CALL(arm_nested, arg), NULL), 0);
    }
    return TOCSIN_NEXT;
}

START_TEST(timers_armed_during_a_move_expire_in_it)
{
    int64_t start = tocsin_now() / 1000;
    int left = 6;

    ck_assert_int_eq(tocsin_timer(5, TOCSIN_CALL(arm_nested, &left), NULL), 0);
    ck_assert_int_eq(tocsin_clock_move(19), 0);
    /* Timers expired at 5, 10, 10, 15 and 15 ms. The other two timers expire at 20 ms, which is
       tested below. */
    ck_assert_int_eq(fired, 5);
    ck_assert_int_eq(at[0], start + 5);
    ck_assert_int_eq(at[1], start + 10);
    ck_assert_int_eq(at[2], start + 10);
    ck_assert_int_eq(tocsin_clock_move(1), 0);
    ck_assert_int_eq(fired, 7);
    ck_assert_int_eq(left, 0);
}
END_TEST

START_TEST(a_repeating_timer_ticks_each_time)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_every(10, TOCSIN_EACH(tell, &told), &op), 0);
    ck_assert_int_eq(tocsin_clock_move(1000), 0);
    ck_assert_int_eq(told.count, 100);
    ck_assert_uint_eq(told.overrun, 0);
    drain_all();
}
END_TEST

static int task(void *arg)
{
    ++*(int *)arg;
    return 0;
}

static int start_work(const struct tocsin_info *info, void *arg)
{
    (void)info;
    return tocsin_work(task, arg, TOCSIN_CALL(tell, &told), NULL);
}

START_TEST(moving_the_clock_waits_for_running_tasks)
{
    int ran = 0;

    for (int i = 1; i <= 20; i++)
        ck_assert_int_eq(tocsin_timer(i, TOCSIN_CALL(start_work, &ran), NULL), 0);
    for (int i = 1; i <= 20; i++) {
        ck_assert_int_eq(tocsin_clock_move(1), 0);
        ck_assert_int_eq(told.count, i);
    }
    ck_assert_int_eq(ran, 20);
}
END_TEST

START_TEST(waits_and_deadlines_use_the_moved_clock)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(tell, &told), &op), 0);
    ck_assert_int_eq(tocsin_op_deadline(op, 50), 0);
    ck_assert_int_eq(tocsin_clock_move(49), 0);
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(tocsin_clock_move(1), 0);
    ck_assert_int_eq(told.status, -ETIMEDOUT);
    ck_assert_int_eq(tocsin_clock_move(-1), -EINVAL);
}
END_TEST

/* The test does not move the clock. A timer of 0 ms must expire. A later timer must not expire,
   even if a turn waits a long time. */
START_TEST(turns_while_the_clock_stands)
{
    int64_t now = tocsin_now();
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(tocsin_loop_turn(5), 0);
    ck_assert_int_eq(tocsin_now(), now);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(tocsin_clock_move(1), 0);
    ck_assert_int_eq(told.count, 1);
}
END_TEST

START_TEST(a_timer_far_in_the_future)
{
    ck_assert_int_eq(tocsin_timer(1000000000000, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(tocsin_clock_move(999999999999), 0);
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(tocsin_clock_move(1), 0);
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(tocsin_timer(1000000000001, TOCSIN_CALL(tell, &told), NULL), -EINVAL);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("loop/clock");
    TCase *tests = test_case(suite, "clock");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, timers_expire_at_their_times_and_in_order);
    tcase_add_test(tests, timers_due_together_keep_their_order);
    tcase_add_test(tests, timers_armed_during_a_move_expire_in_it);
    tcase_add_test(tests, a_repeating_timer_ticks_each_time);
    tcase_add_test(tests, moving_the_clock_waits_for_running_tasks);
    tcase_add_test(tests, waits_and_deadlines_use_the_moved_clock);
    tcase_add_test(tests, turns_while_the_clock_stands);
    tcase_add_test(tests, a_timer_far_in_the_future);
    return suite;
}
