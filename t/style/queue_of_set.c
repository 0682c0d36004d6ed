/* Tests queues that were opened with a pattern. Such a queue has a priority among the handlers of a
   signal, and reserves entries for the completions of operations. */
#include <tocsin/provider.h>

#include "queue_codes.h"

START_TEST(a_full_queue_refuses_emissions)
{
    struct tocsin_queue queue = open_queue("test.note", 2, 0);

    connect_to("test.note", tell, &told);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_emit(note, NULL), -EAGAIN);
    /* the handlers also received both accepted emissions */
    ck_assert_int_eq(told.count, 2);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_emit(note, NULL), -EAGAIN);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
}
END_TEST

START_TEST(no_completion_is_lost_when_emissions_fill_it)
{
    struct tocsin_queue queue = open_queue("test.note, op.done", 8, 0),
                        own = open_queue("test.note", 6, 0);
    struct tocsin_op ops[5];

    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_QUEUE(own), &ops[i]), 0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    /* tocsin_emit() returns -EAGAIN: the queue has one entry, and reserves five for the running
       operations */
    ck_assert_int_eq(tocsin_emit(note, NULL), -EAGAIN);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(tocsin_op_complete(ops[i], i, NULL), 0);
    drain_all();
    ck_assert_str_eq(codes(own), "eddddd");
    ck_assert_str_eq(codes(queue), "eddddd");
    ck_assert_int_eq(tocsin_queue_close(queue) | tocsin_queue_close(own), 0);
}
END_TEST

START_TEST(a_queue_reserves_entries_for_running_operations)
{
    struct tocsin_queue queue = open_queue("op.done, test.note", 2, 0);
    struct tocsin_op ops[2], op;

    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &ops[0]), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &ops[1]), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &op), -EAGAIN);
    ck_assert_int_eq(tocsin_emit(note, NULL), -EAGAIN);
    /* this start is accepted, since the queue does not receive the completion of a timer */
    ck_assert_int_eq(tocsin_timer(0, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_op_complete(ops[0], 0, NULL), 0);
    ck_assert_int_eq(tocsin_op_complete(ops[1], 0, NULL), 0);
    drain_all();
    ck_assert_str_eq(codes(queue), "dd");
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

/* An operation ends in some way, or its start fails. Then its entry in the queue must not be
   reserved any more. */
START_TEST(reserved_entries_are_released)
{
    struct told stops = { .answer = TOCSIN_STOP };
    struct tocsin_queue set = open_queue("op.done, fd.done", 2, 0), full = open_queue(NULL, 1, 0),
                        late;
    struct tocsin_op ops[2], timer;

    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_QUEUE(full), &timer), 0);
    ck_assert_int_eq(tocsin_cancel(timer), 0);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(tocsin_op_new(NULL, NULL, &ops[0]), 0);
        ck_assert_int_eq(tocsin_op_new(NULL, NULL, &ops[1]), 0);
        /* when it is opened, the queue reserves entries for the operations that run */
        late = open_queue("op.done", 3, 0);
        ck_assert_int_eq(tocsin_cancel(ops[0]), 0);
        ck_assert_int_eq(tocsin_op_complete(ops[1], 0, NULL), 0);
        drain_all();
        ck_assert_str_eq(codes(set), "dd");
        ck_assert_str_eq(codes(late), "dd");
        ck_assert_int_eq(tocsin_queue_close(late), 0);
        ck_assert_int_eq(tocsin_watch(-1, 1, NULL, NULL), -EBADF);
        ck_assert_int_eq(tocsin_watch(65432, 1, NULL, NULL), -EBADF);
        ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_QUEUE(full), &ops[0]), -EAGAIN);
    }
    ck_assert_int_eq(
        tocsin_connect("op.done",
                       &(struct tocsin_action){ .fn = tell, .arg = &stops, .priority = 1 }, NULL),
        0);
    for (int i = 0; i < 5; i++) { /* tocsin.queue.full is not emitted for these refused starts */
        ck_assert_int_eq(tocsin_op_new(NULL, NULL, &ops[0]), 0);
        ck_assert_int_eq(tocsin_op_complete(ops[0], 0, NULL), 0);
        drain_all();
        ck_assert_str_eq(codes(set), "");
    }
    ck_assert_int_eq(tocsin_queue_close(set) | tocsin_queue_close(full), 0);
}
END_TEST

static int open_in_handler(const struct tocsin_info *info, void *arg)
{
    (void)info;
    *(struct tocsin_queue *)arg = open_queue("op.done", 1, 0);
    return TOCSIN_NEXT;
}

START_TEST(a_queue_opened_by_a_completion_misses_it)
{
    struct tocsin_queue set = { 0 };
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &op), 0);
    ck_assert_int_eq(tocsin_connect("op.done",
                                    &(struct tocsin_action){
                                        .fn = open_in_handler, .arg = &set, .flags = TOCSIN_ONCE },
                                    NULL),
                     0);
    ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
    drain_all();
    /* contract line E2: the queue was opened later, so it gets no earlier emission */
    ck_assert_str_eq(codes(set), "");
    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
    drain_all();
    ck_assert_str_eq(codes(set), "d");
    ck_assert_int_eq(tocsin_queue_close(set), 0);
}
END_TEST

START_TEST(a_TAKE_queue_stops_the_signal)
{
    struct tocsin_queue queue;
    struct told last = { .count = 0 };

    connect_to("test.note", tell, &told);
    ck_assert_int_eq(
        tocsin_connect("test.note",
                       &(struct tocsin_action){ .fn = tell, .arg = &last, .priority = 32767 },
                       NULL),
        0);
    queue = open_queue("test.*", 0, TOCSIN_TAKE);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_STOPPED);
    ck_assert_int_eq(told.count + last.count, 0);
    ck_assert_str_eq(codes(queue), "e");
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(told.count + last.count, 2);
}
END_TEST

START_TEST(a_queue_has_a_priority_among_handlers)
{
    struct told stop = { .answer = TOCSIN_STOP };
    struct tocsin_queue before, after;

    ck_assert_int_eq(
        tocsin_connect("test.note",
                       &(struct tocsin_action){ .fn = tell, .arg = &stop, .priority = 5 }, NULL),
        0);
    ck_assert_int_eq(
        tocsin_queue_open("test.note", &(struct tocsin_queue_options){ .priority = 6 }, &before),
        0);
    ck_assert_int_eq(
        tocsin_queue_open("test.note", &(struct tocsin_queue_options){ .priority = 4 }, &after), 0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_STOPPED);
    ck_assert_str_eq(codes(before), "e");
    ck_assert_str_eq(codes(after), "");
    ck_assert_int_eq(tocsin_queue_close(before) | tocsin_queue_close(after), 0);
}
END_TEST

START_TEST(several_queues_hold_the_same_info)
{
    struct tocsin_queue queues[3] = { open_queue("test.note", 0, 0), open_queue("test.*", 0, 0),
                                      open_queue("**", 0, 0) };
    struct tocsin_info *info[3];

    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tocsin_queue_wait(queues[i], 0, &info[i]), 0);
        ck_assert_ptr_eq(info[i], info[0]);
        ck_assert_int_eq(tocsin_queue_close(queues[i]), 0);
    }
    for (int i = 0; i < 3; i++)
        tocsin_info_unref(info[i]);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("style/queue_of_set");
    TCase *tests = test_case(suite, "queues with a pattern");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, a_full_queue_refuses_emissions);
    tcase_add_test(tests, no_completion_is_lost_when_emissions_fill_it);
    tcase_add_test(tests, a_queue_reserves_entries_for_running_operations);
    tcase_add_test(tests, reserved_entries_are_released);
    tcase_add_test(tests, a_queue_opened_by_a_completion_misses_it);
    tcase_add_test(tests, a_TAKE_queue_stops_the_signal);
    tcase_add_test(tests, a_queue_has_a_priority_among_handlers);
    tcase_add_test(tests, several_queues_hold_the_same_info);
    return suite;
}
