/* Queues have a limit, and never lose the completion of an operation that was started with the
   queue. */
#include <tocsin/provider.h>

#include "queue_codes.h"

START_TEST(first_in_first_out)
{
    struct tocsin_queue queue = open_queue(NULL, 0, 0);
    struct tocsin_info *info;
    struct tocsin_op op;

    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_QUEUE(queue), &op), 0);
        ck_assert_int_eq(tocsin_op_complete(op, i, NULL), 0);
    }
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
        ck_assert_int_eq(info->status, i);
        tocsin_info_unref(info);
    }
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, &info), -ETIMEDOUT);
    ck_assert_int_eq(tocsin_queue_wait(queue, 1, &info), -ETIMEDOUT);
    ck_assert_int_eq(tocsin_queue_wait(queue, -2, &info), -EINVAL);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    ck_assert_int_eq(tocsin_queue_close(queue), -ENOENT);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, &info), -ENOENT);
    ck_assert_int_eq(tocsin_queue_fd(queue), -ENOENT);
}
END_TEST

START_TEST(malformed_calls_are_refused)
{
    struct tocsin_queue queue;

    ck_assert_int_eq(tocsin_queue_open(NULL, NULL, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_queue_open("..", NULL, &queue), -EINVAL);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_queue_open("nobody.declared.it", NULL, &queue), -ENOENT);
    ck_assert_int_eq(tocsin_queue_open(NULL, &(struct tocsin_queue_options){ .flags = 2 }, &queue),
                     -EINVAL);
    ck_assert_int_eq(
        tocsin_queue_open(NULL, &(struct tocsin_queue_options){ .spare = { 1 } }, &queue), -EINVAL);
    ck_assert_int_eq(
        tocsin_queue_open(NULL, &(struct tocsin_queue_options){ .priority = 40000 }, &queue),
        -EINVAL);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_QUEUE(queue), NULL), -EINVAL);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_QUEUE((struct tocsin_queue){ 0 }), NULL), -ENOENT);
}
END_TEST

START_TEST(a_full_queue_refuses_starts_and_never_a_completion)
{
    struct tocsin_queue queue = open_queue(NULL, 3, 0);
    struct tocsin_op ops[3], op;

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_QUEUE(queue), &ops[i]), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_QUEUE(queue), &op), -EAGAIN);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_op_complete(ops[i], 0, NULL), 0);
    drain_all();
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_QUEUE(queue), &op), -EAGAIN);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_QUEUE(queue), &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
    ck_assert_str_eq(codes(queue), "ddd");
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

START_TEST(refused_starts_free_their_entry)
{
    struct tocsin_queue queue = open_queue(NULL, 2, 0);
    struct tocsin_op op;

    /* ten rounds fit, since refused starts and cancelled operations free their queue entry */
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(tocsin_watch(-1, 1, TOCSIN_QUEUE(queue), &op), -EBADF);
        ck_assert_int_eq(tocsin_watch(99999, 1, TOCSIN_QUEUE(queue), &op), -EBADF);
        ck_assert_int_eq(tocsin_timer(1000, TOCSIN_QUEUE(queue), &op), 0);
        ck_assert_int_eq(tocsin_cancel(op), 0);
        ck_assert_int_eq(tocsin_timer(0, TOCSIN_QUEUE(queue), &op), 0);
        drain_all();
        ck_assert_str_eq(codes(queue), "dd");
    }
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

START_TEST(a_queue_is_closed_with_entries)
{
    struct tocsin_queue queue = open_queue("test.note", 0, 0);
    struct tocsin_op op;

    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_QUEUE(queue), &op), 0);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    /* the operation still runs, although the queue is closed */
    ck_assert_int_eq(tocsin_op_status(op), -EINPROGRESS);
    connect_to("op.done", tell, &told);
    ck_assert_int_eq(tocsin_op_complete(op, 1, NULL), 0);
    drain_all();
    ck_assert_int_eq(told.count, 1);
}
END_TEST

START_TEST(an_open_queue_is_closed_with_the_loop)
{
    struct tocsin_queue queue = open_queue("test.note", 0, 0), other = open_queue(NULL, 0, 0);

    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_QUEUE(other), NULL), 0);
    ck_assert_int_eq(tocsin_loop_free(), 3);
    ck_assert_int_eq(tocsin_queue_close(queue), -ENOENT);
}
END_TEST

static int close_queue(const struct tocsin_info *info, void *arg)
{
    (void)info;
    return tocsin_queue_close(*(struct tocsin_queue *)arg);
}

START_TEST(a_queue_is_closed_during_a_wait)
{
    struct tocsin_queue queue = open_queue(NULL, 0, 0);

    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(close_queue, &queue), NULL), 0);
    ck_assert_int_eq(tocsin_queue_wait(queue, -1, NULL), -ECANCELED);
}
END_TEST

static int free_loop(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return tocsin_loop_free();
}

START_TEST(the_loop_is_freed_during_a_wait)
{
    struct tocsin_queue queue = open_queue(NULL, 0, 0);

    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(free_loop), NULL), 0);
    ck_assert_int_eq(tocsin_queue_wait(queue, -1, NULL), -ECANCELED);
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
}
END_TEST

static int wait_in_handler(const struct tocsin_info *info, void *arg)
{
    struct tocsin_queue queue = *(struct tocsin_queue *)arg;

    (void)info;
    /* this wait succeeds, since the queue has an entry */
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), -ETIMEDOUT);
    ck_assert_int_eq(tocsin_queue_wait(queue, 10, NULL), -EDEADLK);
    ck_assert_int_eq(tocsin_queue_wait(queue, -1, NULL), -EDEADLK);
    told.count++;
    return TOCSIN_NEXT;
}

START_TEST(a_wait_in_a_handler_never_blocks)
{
    struct tocsin_queue queue = open_queue("test.note", 0, 0);

    connect_to("test.note", wait_in_handler, &queue);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

static int task_nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int emit_note(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return tocsin_emit(note, NULL);
}

static int start_work(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return tocsin_work(task_nothing, NULL, TOCSIN_CALL(emit_note), NULL);
}

static int take_note(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ck_assert_int_eq(tocsin_queue_wait(*(struct tocsin_queue *)arg, 0, NULL), 0);
    return TOCSIN_NEXT;
}

/* The program waits for an entry of a queue. An entry arrives, but a handler takes it first. The
   wait must continue. */
START_TEST(a_handler_takes_the_awaited_entry)
{
    struct tocsin_queue queue = open_queue("test.note", 0, 0);

    /* the clock stands still, so that all three timers expire in one turn */
    ck_assert_int_eq(tocsin_clock_move(0), 0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(emit_note), NULL), 0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(take_note, &queue), NULL), 0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(start_work), NULL), 0);
    ck_assert_int_eq(tocsin_queue_wait(queue, -1, NULL), 0);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), -ETIMEDOUT);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

static int task_queue_wait(void *arg)
{
    return tocsin_queue_wait(*(struct tocsin_queue *)arg, -1, NULL);
}

START_TEST(fibers_wait_for_a_queue)
{
    struct tocsin_queue queue = open_queue("test.note", 0, 0);
    struct tocsin_op one, other;

    ck_assert_int_eq(tocsin_spawn(task_queue_wait, &queue, TOCSIN_FUTURE, &one), 0);
    ck_assert_int_eq(tocsin_spawn(task_queue_wait, &queue, TOCSIN_FUTURE, &other), 0);
    ck_assert_int_eq(tocsin_wait(other, -1, NULL), -EBUSY);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(emit_note), NULL), 0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(take_note, &queue), NULL), 0);
    ck_assert_int_eq(tocsin_clock_move(0), 0);
    ck_assert_int_eq(tocsin_op_status(one), -EINPROGRESS);
    ck_assert_int_eq(tocsin_cancel(one), 0);
    ck_assert_int_eq(tocsin_wait(one, -1, NULL), -ECANCELED);
    ck_assert_int_eq(tocsin_spawn(task_queue_wait, &queue, TOCSIN_FUTURE, &one), 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    ck_assert_int_eq(tocsin_wait(one, -1, NULL), -ECANCELED);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("style/queue");
    TCase *tests = test_case(suite, "queue");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, first_in_first_out);
    tcase_add_test(tests, malformed_calls_are_refused);
    tcase_add_test(tests, a_full_queue_refuses_starts_and_never_a_completion);
    tcase_add_test(tests, refused_starts_free_their_entry);
    tcase_add_test(tests, a_queue_is_closed_with_entries);
    tcase_add_test(tests, an_open_queue_is_closed_with_the_loop);
    tcase_add_test(tests, a_queue_is_closed_during_a_wait);
    tcase_add_test(tests, the_loop_is_freed_during_a_wait);
    tcase_add_test(tests, a_wait_in_a_handler_never_blocks);
    tcase_add_test(tests, a_handler_takes_the_awaited_entry);
    tcase_add_test(tests, fibers_wait_for_a_queue);
    return suite;
}
