/* Contract line T5: a turn is fair, so an operation that is always ready must not delay other
   operations. Also tested is the result of a turn. */
#include <poll.h>
#include <unistd.h>

#include <tocsin/provider.h>

#include "handlers.h"

static int pipes[2], note;
static struct told told;

static void begin(void)
{
    memset(&told, 0, sizeof told);
    written[0] = '\0';
    ck_assert_int_eq(pipe(pipes), 0);
    note = tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.note", .doc = "A note." });
}

static void end(void)
{
    close(pipes[0]);
    close(pipes[1]);
}

static int emit_again(const struct tocsin_info *info, void *arg)
{
    ++*(int *)arg;
    return tocsin_emit(info->signo, NULL);
}

static int start_again(const struct tocsin_info *info, void *arg)
{
    int err = tocsin_timer(0, TOCSIN_CALL(start_again, arg), NULL);

    (void)info;
    ++*(int *)arg;
    ck_assert(err == 0 || err == -ESHUTDOWN);
    return TOCSIN_NEXT;
}

static int yield_again(void *arg)
{
    int status = 0;

    for (; status == 0; status = tocsin_yield())
        ++*(int *)arg;
    return 0;
}

static int complete_again(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op op;
    int err = tocsin_op_new(NULL, TOCSIN_CALL(complete_again, arg), &op);

    (void)info;
    ++*(int *)arg;
    if (err == 0)
        ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
    return TOCSIN_NEXT;
}

static int stop_soon(const struct tocsin_info *info, void *arg)
{
    struct told *seen = arg;

    tell(info, arg);
    return seen->count == 3 ? tocsin_stop(3) : TOCSIN_NEXT;
}

/* Checks that a timer and a watched descriptor are served while another activity keeps the loop
   busy. How often they are served does not matter. */
static void check_fair(const int *busy)
{
    struct told ticks = { .count = 0 };
    struct tocsin_op watch, every;

    ck_assert_int_eq(write(pipes[1], "x", 1), 1);
    ck_assert_int_eq(tocsin_watch(pipes[0], POLLIN, TOCSIN_EACH(tell, &told), &watch), 0);
    ck_assert_int_eq(tocsin_every(1, TOCSIN_EACH(stop_soon, &ticks), &every), 0);
    ck_assert_int_eq(tocsin_run(), 3);
    ck_assert_int_gt(told.count, 0);
    ck_assert_int_ge(*busy, 3);
    tocsin_loop_free();
}

START_TEST(a_handler_that_emits_itself_for_ever)
{
    int count = 0;

    connect_to("test.note", emit_again, &count);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    check_fair(&count);
}
END_TEST

START_TEST(a_timer_that_starts_another_for_ever)
{
    int count = 0;

    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(start_again, &count), NULL), 0);
    check_fair(&count);
}
END_TEST

START_TEST(a_fiber_that_yields_for_ever)
{
    int count = 0;

    ck_assert_int_eq(tocsin_spawn(yield_again, &count, NULL, NULL), 0);
    check_fair(&count);
}
END_TEST

START_TEST(an_operation_that_completes_another_for_ever)
{
    int count = 0;

    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(complete_again, &count), NULL), 0);
    check_fair(&count);
}
END_TEST

START_TEST(new_ready_entries_wait_for_the_next_turn)
{
    int count = 0;

    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(complete_again, &count), NULL), 0);
    ck_assert_int_eq(tocsin_loop_turn(-1), 1);
    for (int i = 2; i < 10; i++) {
        ck_assert_int_eq(tocsin_loop_turn(-1), 1);
        ck_assert_int_eq(count, i);
    }
    tocsin_loop_free();
}
END_TEST

START_TEST(the_result_of_a_turn)
{
    ck_assert_int_eq(tocsin_loop_turn(-2), -EINVAL);
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    /* This turn creates the loop. */
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_uint_ne(tocsin_loop_current().id, 0);
    ck_assert_int_eq(tocsin_loop_turn(1), 0);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(tocsin_loop_turn(1000), 5);
    ck_assert_int_eq(told.count, 5);
}
END_TEST

static int turn_inside(const struct tocsin_info *info, void *arg)
{
    int *answers = arg;

    (void)info;
    answers[0] = tocsin_loop_turn(0);
    answers[1] = tocsin_run();
    answers[2] = tocsin_clock_move(0);
    return TOCSIN_NEXT;
}

START_TEST(turns_are_refused_in_handlers_and_notify_functions)
{
    int answers[3] = { 0 };

    connect_to("test.note", turn_inside, answers);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(answers[i], -EDEADLK);
    memset(answers, 0, sizeof answers);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(turn_inside, answers), NULL), 0);
    ck_assert_int_eq(tocsin_loop_turn(-1), 1);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(answers[i], -EDEADLK);
}
END_TEST

/* Operations start again and again. A drain with a time limit must end nevertheless. */
START_TEST(a_drain_ends_operations_that_restart)
{
    int count = 0;

    connect_to("test.note", emit_again, &count);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(start_again, &count), NULL), 0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(complete_again, &count), NULL), 0);
    ck_assert_int_eq(tocsin_spawn(yield_again, &count, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_drain(10), 0);
    ck_assert_int_eq(tocsin_run(), -ETIMEDOUT);
    ck_assert_int_gt(count, 4);
    ck_assert_int_eq(tocsin_loop_free(), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("loop/turns");
    TCase *tests = test_case(suite, "turns");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, a_handler_that_emits_itself_for_ever);
    tcase_add_test(tests, a_timer_that_starts_another_for_ever);
    tcase_add_test(tests, a_fiber_that_yields_for_ever);
    tcase_add_test(tests, an_operation_that_completes_another_for_ever);
    tcase_add_test(tests, new_ready_entries_wait_for_the_next_turn);
    tcase_add_test(tests, the_result_of_a_turn);
    tcase_add_test(tests, turns_are_refused_in_handlers_and_notify_functions);
    tcase_add_test(tests, a_drain_ends_operations_that_restart);
    return suite;
}
