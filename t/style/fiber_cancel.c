/* Fibers are cancelled in every state. A fiber must not wait for itself, neither directly nor
   through other fibers: such a wait is refused. */
#include <tocsin/provider.h>

#include "futures.h"
#include "handlers.h"

static int task_wait(void *arg)
{
    return tocsin_wait(*(struct tocsin_op *)arg, -1, NULL);
}

static int task_count_waits(void *arg)
{
    struct tocsin_op op = promise();

    ck_assert_int_eq(tocsin_yield(), -ECANCELED);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), -ECANCELED);
    ++*(int *)arg;
    return 3;
}

START_TEST(cancelled_before_it_begins)
{
    struct tocsin_op op;
    int ran = 0;

    op = spawn(task_count_waits, &ran);
    ck_assert_int_eq(tocsin_cancel(op), 0);
    ck_assert_int_eq(tocsin_cancel(op), -EALREADY);
    /* the result 3 is the result of the fiber's task */
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 3);
    ck_assert_int_eq(ran, 1);
}
END_TEST

START_TEST(cancelled_while_it_waits)
{
    struct tocsin_op inner = promise(), op = spawn(task_wait, &inner);

    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(tocsin_cancel(op), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), -ECANCELED);
    ck_assert_int_eq(tocsin_op_status(inner), -ENOENT);
}
END_TEST

static int task_yield_for_ever(void *arg)
{
    int status = 0;

    (void)arg;
    while (status == 0)
        status = tocsin_yield();
    return status;
}

START_TEST(cancelled_while_it_is_suspended)
{
    struct tocsin_op op = spawn(task_yield_for_ever, NULL);

    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(tocsin_cancel(op), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), -ECANCELED);
}
END_TEST

static int task_cancel_itself(void *arg)
{
    struct tocsin_op *self = arg, op;

    ck_assert_int_eq(tocsin_cancel(*self), 0);
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_FUTURE, &op), 0);
    return tocsin_wait(op, -1, NULL);
}

START_TEST(cancelled_while_it_runs)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_spawn(task_cancel_itself, &op, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), -ECANCELED);
}
END_TEST

START_TEST(a_fiber_cannot_wait_for_itself)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_spawn(task_wait, &op, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), -EDEADLK);
}
END_TEST

START_TEST(fibers_cannot_wait_for_each_other)
{
    struct tocsin_op ops[3];

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_spawn(task_wait, &ops[(i + 1) % 3], TOCSIN_FUTURE, &ops[i]), 0);
    /* the wait would close a cycle of waits, so it is refused */
    ck_assert_int_eq(tocsin_loop_turn(0), 3);
    ck_assert_int_eq(tocsin_wait(ops[0], -1, NULL), -EDEADLK);
    ck_assert_int_eq(tocsin_op_status(ops[1]), -ENOENT);
    ck_assert_int_eq(tocsin_op_status(ops[2]), -ENOENT);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("style/fiber_cancel");
    TCase *tests = test_case(suite, "cancelled");

    tcase_add_test(tests, cancelled_before_it_begins);
    tcase_add_test(tests, cancelled_while_it_waits);
    tcase_add_test(tests, cancelled_while_it_is_suspended);
    tcase_add_test(tests, cancelled_while_it_runs);
    tcase_add_test(tests, a_fiber_cannot_wait_for_itself);
    tcase_add_test(tests, fibers_cannot_wait_for_each_other);
    return suite;
}
