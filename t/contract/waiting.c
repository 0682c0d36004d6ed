/* Contract lines W1 to W4 of waiting: each has one test here. */
#include <poll.h>
#include <pthread.h>

#include <tocsin/provider.h>

#include "handlers.h"

static struct told told;
static int note;

static void begin(void)
{
    memset(&told, 0, sizeof told);
    written[0] = '\0';
    note = tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.note", .doc = "A note." });
    ck_assert_int_gt(note, 0);
}

static struct tocsin_op promise(void)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &op), 0);
    return op;
}

START_TEST(W1_the_operation_stands_for_its_result)
{
    struct tocsin_info *info;
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_timer(1, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, &info), 0);
    ck_assert_ptr_nonnull(tocsin_timer_expired_of(info));
    tocsin_info_unref(info);
    ck_assert_int_eq(tocsin_wait(op, -1, &info), -ENOENT);

    op = promise(); /* this operation has no type, so the test must complete it */
    ck_assert_int_eq(tocsin_op_complete(op, 6, TOCSIN_PAYLOAD(tocsin_fd_done, .fd = 3)), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, &info), 6); /* the wait returns the operation's status */
    ck_assert_int_eq(tocsin_fd_done_of(info)->fd, 3);
    tocsin_info_unref(info);

    op = promise();
    ck_assert_int_eq(tocsin_then(op, tell, &told), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 2, NULL), 0);
    drain_all();
    ck_assert_int_eq(told.status, 2);
    op = promise();
    ck_assert_int_eq(tocsin_op_complete(op, 2, NULL), 0);
    ck_assert_int_eq(tocsin_op_free(op), 0);
    drain_all();
}
END_TEST

static int wait_second(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op *op = arg;

    told.status = tocsin_wait(*op, -1, NULL);
    told.count = tocsin_then(*op, tell, &told);
    (void)info;
    return TOCSIN_NEXT;
}

START_TEST(W1_one_waiter_and_only_with_TOCSIN_FUTURE)
{
    struct tocsin_op op = promise(), plain;

    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(wait_second, &op), NULL), 0);
    /* tocsin_wait() returns -ETIMEDOUT, since the time limit is a deadline of the operation */
    ck_assert_int_eq(tocsin_wait(op, 20, NULL), -ETIMEDOUT);
    ck_assert_int_eq(told.status, -EBUSY);
    ck_assert_int_eq(told.count, -EBUSY);
    ck_assert_int_eq(tocsin_timer(1, NULL, &plain), 0);
    ck_assert_int_eq(tocsin_wait(plain, -1, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_op_free(plain), -EINVAL);
    drain_all();
}
END_TEST

static int wait_in_handler(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op *ops = arg;

    (void)info;
    ck_assert_int_eq(tocsin_wait(ops[0], -1, NULL), 4); /* the result was there before the wait */
    ck_assert_int_eq(tocsin_wait(ops[1], -1, NULL), -EDEADLK);
    told.count++;
    return TOCSIN_NEXT;
}

static int task_emit(void *arg)
{
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    return tocsin_wait(*(struct tocsin_op *)arg, -1, NULL);
}

START_TEST(W2_a_wait_blocks_suspends_or_is_refused)
{
    struct tocsin_op ops[3] = { promise(), promise() };

    connect_to("test.note", wait_in_handler, ops);
    ck_assert_int_eq(tocsin_op_complete(ops[0], 4, NULL), 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(tocsin_spawn(task_emit, &ops[1], TOCSIN_FUTURE, &ops[2]), 0);
    /* The handler's wait on the loop's own stack was refused. The fiber's wait suspended the
       fiber. */
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(tocsin_op_status(ops[2]), -EINPROGRESS);
    ck_assert_int_eq(tocsin_op_complete(ops[1], 5, NULL), 0);
    /* this wait runs the turns of the loop itself */
    ck_assert_int_eq(tocsin_wait(ops[2], -1, NULL), 5);
}
END_TEST

static int task_write(void *arg)
{
    struct tocsin_op *op = arg;

    ck_assert_int_eq(tocsin_wait(*op, -1, NULL), 0);
    strcat(written, "f");
    /* no handler is running here, so the id is 0 */
    ck_assert_uint_eq(tocsin_handler_current().id, 0);
    return 0;
}

START_TEST(W2_a_fiber_is_resumed_between_deliveries)
{
    struct tocsin_op op = promise();

    connect_to("op.done", write_down, "1");
    connect_to("op.done", write_down, "2");
    ck_assert_int_eq(tocsin_spawn(task_write, &op, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
    ck_assert_str_eq(written, "");
    drain_all();
    ck_assert_str_eq(written, "12f");
}
END_TEST

START_TEST(W3_a_queue_with_a_pattern)
{
    struct tocsin_queue among, take;

    ck_assert_int_eq(tocsin_queue_open("test.*", NULL, &among), 0);
    connect_to("test.note", tell, &told);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    /* the handler was called, since this queue does not keep emissions from the handlers */
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(tocsin_queue_wait(among, 0, NULL), 0);
    ck_assert_int_eq(tocsin_queue_open("test.note",
                                       &(struct tocsin_queue_options){ .flags = TOCSIN_TAKE },
                                       &take),
                     0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_STOPPED);
    ck_assert_int_eq(told.count, 1); /* TOCSIN_TAKE keeps the emission from the handlers */
    ck_assert_int_eq(tocsin_queue_wait(among, 0, NULL), -ETIMEDOUT);
    ck_assert_int_eq(tocsin_queue_wait(take, 0, NULL), 0);
    ck_assert_int_eq(tocsin_queue_close(among) | tocsin_queue_close(take), 0);
}
END_TEST

START_TEST(W3_the_queues_descriptor_is_the_loops)
{
    struct tocsin_queue queue;
    struct pollfd polled;
    int taken = 0;

    ck_assert_int_eq(tocsin_queue_open(NULL, NULL, &queue), 0);
    polled = (struct pollfd){ .fd = tocsin_queue_fd(queue), .events = POLLIN };
    ck_assert_int_eq(poll(&polled, 1, 0), 0);
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_QUEUE(queue), NULL), 0);
    ck_assert_int_eq(tocsin_timer(2, TOCSIN_CALL(tell, &told), NULL), 0);
    while (taken < 1 || told.count < 1) {
        ck_assert_int_eq(poll(&polled, 1, -1), 1);
        while (tocsin_queue_wait(queue, 0, NULL) == 0)
            taken++;
    }
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

/* Waits for three timers, one after the other, and returns the sum of their results. */
static int job(void *arg)
{
    int sum = 0;

    for (int i = 1; i <= 3; i++) {
        struct tocsin_op op;
        int err = tocsin_timer(i, TOCSIN_FUTURE, &op);

        err = err < 0 ? err : tocsin_wait(op, -1, NULL);
        if (err < 0)
            return err;
        sum += i;
    }
    return sum + *(int *)arg;
}

static void *job_on_thread(void *arg)
{
    *(int *)arg = job(arg);
    tocsin_loop_free();
    return NULL;
}

START_TEST(W4_one_function_in_main_on_a_thread_and_on_fibers)
{
    struct tocsin_op fibers[10];
    pthread_t thread;
    int zero = 0, result = 0;

    ck_assert_int_eq(job(&zero), 6);
    ck_assert_int_eq(pthread_create(&thread, NULL, job_on_thread, &result), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(result, 6);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(tocsin_spawn(job, &zero, TOCSIN_FUTURE, &fibers[i]), 0);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(tocsin_wait(fibers[i], -1, NULL), 6);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/waiting");
    TCase *tests = test_case(suite, "waiting");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, W1_the_operation_stands_for_its_result);
    tcase_add_test(tests, W1_one_waiter_and_only_with_TOCSIN_FUTURE);
    tcase_add_test(tests, W2_a_wait_blocks_suspends_or_is_refused);
    tcase_add_test(tests, W2_a_fiber_is_resumed_between_deliveries);
    tcase_add_test(tests, W3_a_queue_with_a_pattern);
    tcase_add_test(tests, W3_the_queues_descriptor_is_the_loops);
    tcase_add_test(tests, W4_one_function_in_main_on_a_thread_and_on_fibers);
    return suite;
}
