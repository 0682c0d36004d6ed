/* Paused operations wait in two lists: those to which nobody listens, and those whose listeners
   have no room. Covered: what resumes an operation of each list (a handler of this operation, a
   handler of all, another notify, room in a queue), that it resumes no other operation, and the
   moves from one list to the other, both ways. */
#include "text_operations.h"

enum { OPS = 50, CHOSEN = 7 };

static struct tocsin_op ops[OPS];
static uint64_t resumed_ids;

static void note_resume(struct tocsin_op op, void *state)
{
    (void)state;
    resumed++;
    resumed_ids ^= op.source.id;
}

static const struct tocsin_op_type pausing_type = {
    .done = &done_spec,
    .progress = { &part_spec },
    .state_size = sizeof(struct state),
    .cancel = text_cancel,
    .resume = note_resume,
};

static int offer(struct tocsin_op op)
{
    return tocsin_op_progress(op, 0, TOCSIN_PAYLOAD(text, .text = "part"), 0);
}

/* All are refused, since nobody listens. */
static void start_unwanted(int count)
{
    begin();
    resumed_ids = 0;
    for (int i = 0; i < count; i++) {
        ops[i] = start(&pausing_type, NULL);
        ck_assert_int_eq(offer(ops[i]), 0);
    }
    turns();
    ck_assert_int_eq(resumed, 0);
}

static void check_only_chosen(void)
{
    turns();
    ck_assert_int_eq(resumed, 1);
    ck_assert_uint_eq(resumed_ids, ops[CHOSEN].source.id);
    ck_assert_int_eq(offer(ops[CHOSEN]), 1);
    turns();
    ck_assert_int_eq(resumed, 1);
}

START_TEST(own_handler_resumes_its_operation)
{
    start_unwanted(OPS);
    hear_from(ops[CHOSEN], "pended.part", tell, &told);
    check_only_chosen();
    ck_assert_int_eq(offer(ops[CHOSEN + 1]), 0);
    test_leaves(OPS);
}
END_TEST

START_TEST(own_pattern_resumes_its_operation)
{
    start_unwanted(OPS);
    hear_from(ops[CHOSEN], "pended.*", tell, &told);
    check_only_chosen();
    test_leaves(OPS);
}
END_TEST

START_TEST(notify_resumes_its_operation)
{
    start_unwanted(OPS);
    ck_assert_int_eq(tocsin_op_notify(ops[CHOSEN], TOCSIN_EACH(tell, &told)), 0);
    check_only_chosen();
    test_leaves(OPS);
}
END_TEST

START_TEST(handler_of_all_resumes_all)
{
    start_unwanted(OPS);
    connect_to("pended.part", tell, &told);
    turns();
    ck_assert_int_eq(resumed, OPS);
    test_leaves(OPS);
}
END_TEST

/* Nobody listens; then a queue listens that is full; then it has room. */
START_TEST(unwanted_then_full)
{
    struct tocsin_queue queue;
    struct tocsin_op other;

    start_unwanted(OPS);
    queue = open_queue(NULL, 2, 0);
    other = start(&text_type, TOCSIN_QUEUE(queue));
    ck_assert_int_eq(tocsin_op_notify(ops[CHOSEN], TOCSIN_QUEUE(queue)), 0);
    turns();
    ck_assert_int_eq(resumed, 0);
    done(other, 1);
    turns();
    ck_assert_int_eq(resumed, 0);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    check_only_chosen();
    close_queue(queue);
    test_leaves(OPS);
}
END_TEST

/* A queue that is full listens; then nobody; then a handler. */
START_TEST(full_then_unwanted)
{
    struct tocsin_queue queue;

    start_unwanted(0);
    queue = open_queue(NULL, 2, 0);
    start(&text_type, TOCSIN_QUEUE(queue));
    ops[CHOSEN] = start(&pausing_type, TOCSIN_QUEUE(queue));
    ck_assert_int_eq(offer(ops[CHOSEN]), -EAGAIN);
    turns();
    ck_assert_int_eq(tocsin_op_notify(ops[CHOSEN], NULL), 0);
    turns();
    ck_assert_int_eq(resumed, 0);
    connect_to("pended.part", tell, &told);
    check_only_chosen();
    close_queue(queue);
    test_leaves(2);
}
END_TEST

/* Operations of both lists are ended, and the loop is freed with others in them. */
START_TEST(ends_while_paused)
{
    struct tocsin_queue queue;

    start_unwanted(OPS);
    queue = open_queue(NULL, 1, 0);
    ck_assert_int_eq(tocsin_op_notify(ops[0], TOCSIN_QUEUE(queue)), 0);
    turns();
    for (int i = 0; i < OPS / 2; i++)
        ck_assert_int_eq(tocsin_cancel(ops[i]), 0);
    turns();
    connect_to("pended.part", tell, &told);
    turns();
    ck_assert_int_eq(resumed, OPS - OPS / 2);
    close_queue(queue);
    test_leaves(OPS - OPS / 2);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("op/pause_lists");
    TCase *tests = test_case(suite, "lists");

    tcase_add_test(tests, own_handler_resumes_its_operation);
    tcase_add_test(tests, own_pattern_resumes_its_operation);
    tcase_add_test(tests, notify_resumes_its_operation);
    tcase_add_test(tests, handler_of_all_resumes_all);
    tcase_add_test(tests, unwanted_then_full);
    tcase_add_test(tests, full_then_unwanted);
    tcase_add_test(tests, ends_while_paused);
    return suite;
}
