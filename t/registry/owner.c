/* Contract line P1: the library counts the handlers, operations, blocks, sources, queues and tasks
   of each owner. The tests check these figures and their limits. */
#include <errno.h>

#include <tocsin/owner.h>

#include "handlers.h"

static uint64_t held(enum tocsin_resource what)
{
    struct tocsin_owner_facts facts;

    ck_assert_int_eq(tocsin_owner_next(0, &facts), 0);
    ck_assert_str_eq(facts.name, "program");
    return facts.held[what];
}

static int signo;
static struct told limited;

static void begin(void)
{
    signo = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "test.said", .doc = "Of a test." });
    ck_assert_int_gt(signo, 0);
    connect_to("tocsin.owner.limited", tell, &limited);
}

static struct tocsin_handler handler;
static struct tocsin_op op;
static struct tocsin_block mask;
static struct tocsin_source source;
static struct tocsin_queue queue;

static int task(void *arg)
{
    (void)arg;
    return 0;
}

static int take_handler(void)
{
    return tocsin_connect(
        "test.said", &(struct tocsin_action){ .fn = tell, .arg = &(struct told){ 0 } }, &handler);
}
static int give_handler(void)
{
    return tocsin_disconnect(handler);
}
static int take_op(void)
{
    return tocsin_timer(3600000, TOCSIN_FUTURE, &op);
}
static int give_op(void)
{
    int err = tocsin_cancel(op), status = tocsin_wait(op, -1, NULL);

    ck_assert_int_eq(status, -ECANCELED);
    return err;
}
static int take_mask(void)
{
    return tocsin_block("test.said", &mask);
}
static int give_mask(void)
{
    return tocsin_unblock(mask);
}
static int take_source(void)
{
    return tocsin_source_new(NULL, &source);
}
static int give_source(void)
{
    return tocsin_source_free(source);
}
static int take_queue(void)
{
    return tocsin_queue_open("test.said", NULL, &queue);
}
static int give_queue(void)
{
    return tocsin_queue_close(queue);
}
static int take_task(void)
{
    return tocsin_loop_call(tocsin_loop_current(), task, NULL, NULL);
}
static int give_task(void)
{
    return tocsin_loop_turn(0) < 0;
}

static const struct {
    enum tocsin_resource what;
    int (*take)(void), (*give)(void);
} holdings[] = {
    { TOCSIN_RESOURCE_HANDLERS, take_handler, give_handler },
    { TOCSIN_RESOURCE_OPERATIONS, take_op, give_op },
    { TOCSIN_RESOURCE_BLOCKS, take_mask, give_mask },
    { TOCSIN_RESOURCE_SOURCES, take_source, give_source },
    { TOCSIN_RESOURCE_QUEUES, take_queue, give_queue },
    { TOCSIN_RESOURCE_TASKS, take_task, give_task },
};

/* An owner takes one object, which must be counted, and then reaches its limit. Three further
   attempts must be refused with -EDQUOT. Only the first of these refusals emits the signal that
   announces the limit. */
START_TEST(each_resource_is_counted_and_limited)
{
    uint64_t before;

    begin();
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    before = held(holdings[_i].what);
    ck_assert_int_eq(holdings[_i].take(), 0);
    ck_assert_uint_eq(held(holdings[_i].what), before + 1);
    ck_assert_int_eq(tocsin_owner_limit("program", holdings[_i].what, before + 1), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(holdings[_i].take(), -EDQUOT);
    ck_assert_int_eq(limited.count, 1);
    ck_assert_uint_eq(held(holdings[_i].what), before + 1);
}
END_TEST

START_TEST(the_counts_return_to_their_start)
{
    uint64_t before;

    begin();
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    before = held(holdings[_i].what);
    for (int round = 1; round <= 3; round++) {
        ck_assert_int_eq(tocsin_owner_limit("program", holdings[_i].what, before + 1), 0);
        ck_assert_int_eq(holdings[_i].take(), 0);
        ck_assert_int_eq(holdings[_i].give(), 0);
        while (tocsin_loop_turn(0) > 0)
            ;
        ck_assert_uint_eq(held(holdings[_i].what), before);
    }
    ck_assert_int_eq(limited.count, 0);
}
END_TEST

START_TEST(pending_emissions_are_counted_for_the_owner)
{
    begin();
    connect_to("test.said", tell, &(struct told){ 0 });
    ck_assert_int_eq(take_mask(), 0);
    ck_assert_int_eq(tocsin_owner_limit("program", TOCSIN_RESOURCE_PENDING, 2), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_PENDED);
    ck_assert_uint_eq(held(TOCSIN_RESOURCE_PENDING), 2);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tocsin_emit(signo, NULL), -EDQUOT);
    ck_assert_int_eq(limited.count, 1);
    ck_assert_int_eq(give_mask(), 0);
    ck_assert_uint_eq(held(TOCSIN_RESOURCE_PENDING), 0);
}
END_TEST

START_TEST(wrong_arguments_are_refused)
{
    struct tocsin_owner_facts facts;

    ck_assert_int_eq(tocsin_owner_next(0, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_owner_next(0, &facts), 0);
    ck_assert_int_eq(tocsin_owner_next(facts.id, &facts), -ENOENT);
    ck_assert_int_eq(tocsin_owner_limit(NULL, TOCSIN_RESOURCE_TASKS, 1), -EINVAL);
    ck_assert_int_eq(tocsin_owner_limit("program", TOCSIN_RESOURCE_TYPES, 1), -EINVAL);
    ck_assert_int_eq(tocsin_owner_limit("program", (enum tocsin_resource) - 1, 1), -EINVAL);
    ck_assert_int_eq(tocsin_owner_limit("", TOCSIN_RESOURCE_TASKS, 1), -EINVAL);
}
END_TEST

Suite *test_suite(void)
{
    enum { COUNT = sizeof holdings / sizeof holdings[0] };
    Suite *suite = suite_create("registry/owner");
    TCase *tests = test_case(suite, "owner"), *full = tcase_create("limits");

    test_needs_processes();
    /* This test leaves the objects that it has taken. So its test case must not have the usual
       fixture, which checks that nothing is left. */
    suite_add_tcase(suite, full);
    tcase_add_loop_test(full, each_resource_is_counted_and_limited, 0, COUNT);
    tcase_add_loop_test(tests, the_counts_return_to_their_start, 0, COUNT);
    tcase_add_test(tests, pending_emissions_are_counted_for_the_owner);
    tcase_add_test(tests, wrong_arguments_are_refused);
    return suite;
}
