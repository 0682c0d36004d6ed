/* Contract line W1: the program can take the result of an operation with TOCSIN_FUTURE in several
   ways, but only once. */
#include <tocsin/provider.h>

#include "futures.h"
#include "handlers.h"

static struct told told;

static struct tocsin_op ended(int status)
{
    struct tocsin_op op = promise();

    ck_assert_int_eq(tocsin_op_complete(op, status, NULL), 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(tocsin_op_status(op), status);
    return op;
}

static void begin(void)
{
    memset(&told, 0, sizeof told);
}

START_TEST(waited_for_before_the_end)
{
    struct tocsin_info *info = NULL;
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_timer(5, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_op_status(op), -EINPROGRESS);
    ck_assert_int_eq(tocsin_wait(op, -1, &info), 0);
    ck_assert_ptr_nonnull(tocsin_timer_expired_of(info));
    ck_assert_uint_eq(info->source.id, op.source.id);
    tocsin_info_unref(info);
    /* tocsin_wait() returns -ENOENT, since the result was taken already */
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), -ENOENT);
}
END_TEST

START_TEST(taken_after_the_end)
{
    struct tocsin_op op = ended(3);
    struct tocsin_info *info = NULL;

    ck_assert_int_eq(tocsin_wait(op, 0, &info), 3);
    ck_assert_int_eq(info->status, 3);
    tocsin_info_unref(info);
    op = ended(-EIO);
    /* -EIO is the status of the failed operation, which has no info */
    ck_assert_int_eq(tocsin_wait(op, -1, &info), -EIO);
    ck_assert_int_eq(tocsin_op_status(op), -ENOENT);
}
END_TEST

START_TEST(completed_by_the_program_with_any_payload)
{
    struct tocsin_op op = promise();
    struct tocsin_info *info;

    ck_assert_int_eq(tocsin_op_complete(op, 0, TOCSIN_PAYLOAD(tocsin_timer_ticked, .late_us = 42)),
                     0);
    ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), -ENOENT);
    ck_assert_int_eq(tocsin_wait(op, -1, &info), 0);
    ck_assert_int_eq(tocsin_timer_ticked_of(info)->late_us, 42);
    tocsin_info_unref(info);
}
END_TEST

START_TEST(then_before_and_after_it_has_ended)
{
    struct tocsin_op op = promise();

    ck_assert_int_eq(tocsin_then(op, tell, &told), 0);
    /* tocsin_then() returns -EINVAL, since the result is promised to another waiter */
    ck_assert_int_eq(tocsin_then(op, tell, &told), -EINVAL);
    ck_assert_int_eq(tocsin_op_complete(op, 1, NULL), 0);
    ck_assert_int_eq(told.count, 0);
    drain_all();
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(told.status, 1);
    ck_assert_int_eq(tocsin_op_status(op), -ENOENT);

    op = ended(2);
    ck_assert_int_eq(tocsin_then(op, tell, &told), 0);
    /* only the first notify function was called; the loop calls the second one later */
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_op_free(op), -EINVAL);
    drain_all();
    ck_assert_int_eq(told.count, 2);
    ck_assert_int_eq(told.status, 2);
    ck_assert_uint_eq(told.source, op.source.id);
    ck_assert_int_eq(tocsin_op_status(op), -ENOENT);
}
END_TEST

START_TEST(then_after_the_end_while_the_loop_is_freed)
{
    ck_assert_int_eq(tocsin_then(ended(4), tell, &told), 0);
    tocsin_loop_free();
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(told.status, 4);
}
END_TEST

/* A chain of operations: in the notify function of each operation, tocsin_then() requests the
   notify function of the next operation. */
enum { LINKS = 20 };
static struct {
    struct tocsin_op ops[LINKS];
    int next, called[LINKS];
} chain;

static int call_next(const struct tocsin_info *info, void *arg)
{
    int *called = arg;

    ck_assert_int_eq(info->status, (int)(called - chain.called));
    ck_assert_int_eq((*called)++, 0);
    if (chain.next < LINKS)
        ck_assert_int_eq(tocsin_then(chain.ops[chain.next], call_next, &chain.called[chain.next]),
                         0);
    chain.next++;
    return TOCSIN_NEXT;
}

/* Requests the first notify function of the chain, in one of these cases: before
   tocsin_loop_free(), with an operation that has ended or still runs; or in the notify function of
   an operation that tocsin_loop_free() cancels. */
static int begin_chain(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    chain.next = 1;
    return tocsin_then(chain.ops[0], call_next, chain.called);
}

enum chain_begins { BEFORE_THE_FREE, IN_A_NOTIFY, IN_A_THEN, CHAIN_BEGINS };

START_TEST(then_in_a_notify_while_the_loop_is_freed)
{
    enum chain_begins begins = (enum chain_begins)_i;
    struct tocsin_op running;

    memset(&chain, 0, sizeof chain);
    for (int i = 0; i < LINKS; i++)
        chain.ops[i] = ended(i);
    if (begins == BEFORE_THE_FREE)
        ck_assert_int_eq(begin_chain(NULL, NULL), 0);
    else if (begins == IN_A_NOTIFY)
        ck_assert_int_eq(tocsin_every(1000, TOCSIN_CALL(begin_chain), NULL), 0);
    else
        ck_assert_int_eq(tocsin_then(running = promise(), begin_chain, NULL), 0);
    ck_assert_int_eq(tocsin_loop_free(), LINKS + (begins != BEFORE_THE_FREE));
    for (int i = 0; i < LINKS; i++)
        ck_assert_int_eq(chain.called[i], 1);
}
END_TEST

/* A handler emits its own signal in each call, so emissions never end. tocsin_loop_free() must
   return nevertheless, and must call every notify of the chain. */
static int emit_again(const struct tocsin_info *info, void *arg)
{
    tell(info, arg);
    ck_assert_int_eq(tocsin_emit(info->signo, NULL), TOCSIN_PENDED);
    return TOCSIN_NEXT;
}

START_TEST(then_beside_a_handler_that_emits_for_ever)
{
    int signo = tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.again" });

    memset(&chain, 0, sizeof chain);
    for (int i = 0; i < LINKS; i++)
        chain.ops[i] = ended(i);
    connect_to("test.again", emit_again, &told);
    ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(begin_chain(NULL, NULL), 0);
    ck_assert_int_eq(tocsin_loop_free(), LINKS);
    for (int i = 0; i < LINKS; i++)
        ck_assert_int_eq(chain.called[i], 1);
}
END_TEST

/* tocsin_then() must be refused after the last turn of the loop. */
#define THING(F) F(object, object)
TOCSIN_LAYOUT(thing, THING);

static int then_result;

static int ref(void *object)
{
    (void)object;
    return 0;
}

static void then_at_last(void *object)
{
    then_result = tocsin_then(*(struct tocsin_op *)object, tell, &told);
}

static const struct tocsin_object_ops shared = { .name = "thing",
                                                 .ref = ref,
                                                 .unref = then_at_last };

START_TEST(then_after_the_last_turn)
{
    int signo = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "test.thing", .layout = &thing_layout });
    struct tocsin_queue queue;
    struct tocsin_op op = ended(1);

    then_result = 1;
    ck_assert_int_eq(tocsin_queue_open("test.thing", NULL, &queue), 0);
    ck_assert_int_eq(tocsin_emit(signo, TOCSIN_PAYLOAD(thing, .object = { &op, &shared })),
                     TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_loop_free(), 2);
    ck_assert_int_eq(then_result, -ESHUTDOWN);
    ck_assert_int_eq(told.count, 0);
}
END_TEST

START_TEST(a_result_is_freed_without_being_taken)
{
    struct tocsin_op op = ended(0), running = promise();

    ck_assert_int_eq(tocsin_op_free(op), 0);
    ck_assert_int_eq(tocsin_op_free(op), -ENOENT);
    ck_assert_int_eq(tocsin_op_free(running), 0);
    /* the operation still runs, although the program has given up its result */
    ck_assert_int_eq(tocsin_op_status(running), -EINPROGRESS);
    ck_assert_int_eq(tocsin_wait(running, -1, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_op_complete(running, 0, NULL), 0);
    drain_all();
    ck_assert_int_eq(tocsin_op_status(running), -ENOENT);
}
END_TEST

START_TEST(untaken_results_are_counted)
{
    ended(0);
    promise();
    test_leaves(2);
}
END_TEST

START_TEST(an_operation_without_a_future_keeps_no_result)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_timer(1, NULL, &op), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_then(op, tell, &told), -EINVAL);
    ck_assert_int_eq(tocsin_op_free(op), -EINVAL);
    ck_assert_int_eq(tocsin_all(&op, 1, NULL, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_wait(op, -2, NULL), -EINVAL);
    drain_all();
}
END_TEST

START_TEST(the_error_that_the_id_carries)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_timer(-1, TOCSIN_FUTURE, &op), -EINVAL);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), -EINVAL);
    ck_assert_int_eq(
        tocsin_op_new(NULL, TOCSIN_QUEUE((struct tocsin_queue){ (uint64_t)-EIO }), &op), -EIO);
    ck_assert_int_eq(tocsin_then(op, tell, &told), -EIO);
    ck_assert_int_eq(tocsin_cancel(op), -EIO);
    ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), -EIO);
}
END_TEST

START_TEST(the_time_limit_is_its_deadline)
{
    struct tocsin_op op = promise();

    ck_assert_int_eq(tocsin_wait(op, 1, NULL), -ETIMEDOUT);
    ck_assert_int_eq(tocsin_op_status(op), -ENOENT);
    op = promise();
    ck_assert_int_eq(tocsin_op_deadline(op, 1), 0);
    /* The earlier deadline stays in force, so this longer wait ends early. */
    ck_assert_int_eq(tocsin_wait(op, 1000000, NULL), -ETIMEDOUT);
    op = promise();
    ck_assert_int_eq(tocsin_op_deadline(op, 1), 0);
    ck_assert_int_eq(tocsin_op_deadline(op, -1), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 9, NULL), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 9);
}
END_TEST

struct second {
    struct tocsin_op op;
    int wait, then, free, all, any;
};

static int try_all_ways(const struct tocsin_info *info, void *arg)
{
    struct second *second = arg;

    (void)info;
    second->wait = tocsin_wait(second->op, -1, NULL);
    second->then = tocsin_then(second->op, tell, &told);
    second->free = tocsin_op_free(second->op);
    second->all = tocsin_all(&second->op, 1, NULL, NULL);
    second->any = tocsin_any(&second->op, 1, NULL, NULL);
    return TOCSIN_NEXT;
}

static void check_busy(const struct second *second)
{
    ck_assert_int_eq(second->wait, -EBUSY);
    ck_assert_int_eq(second->then, -EBUSY);
    ck_assert_int_eq(second->free, -EBUSY);
    ck_assert_int_eq(second->all, -EBUSY);
    ck_assert_int_eq(second->any, -EBUSY);
}

START_TEST(a_second_waiter_is_refused)
{
    struct second second = { .op = promise() };

    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(try_all_ways, &second), NULL), 0);
    ck_assert_int_eq(tocsin_op_deadline(second.op, 20), 0);
    ck_assert_int_eq(tocsin_wait(second.op, -1, NULL), -ETIMEDOUT);
    check_busy(&second);
}
END_TEST

/* The operation has ended in this turn, but its waiter has not been called yet. The waiter will get
   the result, so a second waiter must be refused. */
START_TEST(a_second_waiter_is_refused_after_the_end)
{
    struct second second = { .op = promise() };
    struct tocsin_op other;

    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(try_all_ways, &second), &other), 0);
    ck_assert_int_eq(tocsin_op_complete(second.op, 6, NULL), 0);
    ck_assert_int_eq(tocsin_op_complete(other, 0, NULL), 0);
    ck_assert_int_eq(tocsin_wait(second.op, -1, NULL), 6);
    check_busy(&second);
}
END_TEST

static int task_wait(void *arg)
{
    return tocsin_wait(*(struct tocsin_op *)arg, -1, NULL);
}

START_TEST(a_second_waiter_is_refused_on_a_fiber)
{
    struct second second = { .op = promise() };
    struct tocsin_op other, fiber;

    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(try_all_ways, &second), &other), 0);
    ck_assert_int_eq(tocsin_spawn(task_wait, &second.op, TOCSIN_FUTURE, &fiber), 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(tocsin_op_complete(second.op, 6, NULL), 0);
    ck_assert_int_eq(tocsin_op_complete(other, 0, NULL), 0);
    ck_assert_int_eq(tocsin_wait(fiber, -1, NULL), 6);
    check_busy(&second);
}
END_TEST

static int cancel_it(const struct tocsin_info *info, void *arg)
{
    (void)info;
    return tocsin_cancel(*(struct tocsin_op *)arg) == 0 ? TOCSIN_NEXT : -EIO;
}

START_TEST(a_fiber_is_cancelled_after_the_end_of_its_wait)
{
    struct tocsin_op op = promise(), other, fiber;

    ck_assert_int_eq(tocsin_spawn(task_wait, &op, TOCSIN_FUTURE, &fiber), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(cancel_it, &fiber), &other), 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(tocsin_op_complete(op, 6, NULL), 0);
    ck_assert_int_eq(tocsin_op_complete(other, 0, NULL), 0);
    ck_assert_int_eq(tocsin_wait(fiber, -1, NULL), 6);
}
END_TEST

struct inside {
    struct tocsin_op running, ended;
    int blocked, there;
};

static int wait_inside(const struct tocsin_info *info, void *arg)
{
    struct inside *inside = arg;

    (void)info;
    inside->blocked = tocsin_wait(inside->running, 0, NULL);
    inside->there = tocsin_wait(inside->ended, -1, NULL);
    return TOCSIN_NEXT;
}

START_TEST(a_wait_in_a_handler_never_blocks)
{
    struct inside inside = { .running = promise(), .ended = ended(8) };

    connect_to("timer.expired", wait_inside, &inside);
    ck_assert_int_eq(tocsin_timer(0, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_loop_turn(-1), 1);
    ck_assert_int_eq(inside.blocked, -EDEADLK);
    ck_assert_int_eq(inside.there, 8);
    /* the operation still runs: the refused call has not changed it */
    ck_assert_int_eq(tocsin_op_status(inside.running), -EINPROGRESS);
    ck_assert_int_eq(tocsin_op_complete(inside.running, 0, NULL), 0);
    ck_assert_int_eq(tocsin_wait(inside.running, -1, NULL), 0);
}
END_TEST

static int free_loop(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return tocsin_loop_free();
}

START_TEST(the_loop_is_freed_during_a_wait)
{
    struct tocsin_op op = promise();

    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(free_loop), NULL), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), -ESHUTDOWN);
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
}
END_TEST

static int complete_both(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op *ops = arg;

    (void)info;
    return tocsin_op_complete(ops[0], 1, NULL) | tocsin_op_complete(ops[1], 2, NULL);
}

static int wait_for_second(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op *ops = arg;

    (void)info;
    ck_assert_int_eq(tocsin_wait(ops[1], -1, NULL), -EDEADLK);
    return TOCSIN_NEXT;
}

/* While the program waits for one operation, all other operations must make progress. */
START_TEST(other_operations_continue_during_a_wait)
{
    struct tocsin_op ops[2] = { promise(), promise() };

    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(complete_both, ops), NULL), 0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(wait_for_second, ops), NULL), 0);
    ck_assert_int_eq(tocsin_wait(ops[0], -1, NULL), 1);
    ck_assert_int_eq(tocsin_wait(ops[1], 0, NULL), 2);
}
END_TEST

/* A handler of the operation's completion tries to take the result. The result is not available in
   the handler, because the notify function gets it after the handlers have run. */
enum own { OWN_LEFT, OWN_FREED, OWN_THEN };

static int take_own(const struct tocsin_info *info, void *arg)
{
    const enum own *own = arg;
    struct tocsin_op op = { info->source };

    ck_assert_int_eq(tocsin_op_status(op), -EINPROGRESS);
    ck_assert_int_eq(tocsin_cancel(op), -EALREADY);
    ck_assert_int_eq(tocsin_op_deadline(op, 1), -EALREADY);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), -EDEADLK);
    if (*own == OWN_THEN)
        ck_assert_int_eq(tocsin_then(op, tell, &told), 0);
    if (*own == OWN_FREED)
        ck_assert_int_eq(tocsin_op_free(op), 0);
    return TOCSIN_NEXT;
}

static void end_of_own(enum own own)
{
    struct tocsin_op op = promise();
    struct tocsin_handler handler;

    ck_assert_int_eq(
        tocsin_connect("op.done", &(struct tocsin_action){ .fn = take_own, .arg = &own }, &handler),
        0);
    ck_assert_int_eq(tocsin_op_complete(op, 5, NULL), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(tocsin_op_status(op), own == OWN_LEFT ? 5 : -ENOENT);
    if (own == OWN_LEFT)
        ck_assert_int_eq(tocsin_op_free(op), 0);
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
}

START_TEST(a_wait_in_a_handler_of_the_completion)
{
    end_of_own(OWN_LEFT);
    ck_assert_int_eq(told.count, 0);
    end_of_own(OWN_FREED);
    ck_assert_int_eq(told.count, 0);
    end_of_own(OWN_THEN);
    ck_assert_int_eq(told.count, 1);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("style/future");
    TCase *tests = test_case(suite, "future");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, waited_for_before_the_end);
    tcase_add_test(tests, taken_after_the_end);
    tcase_add_test(tests, completed_by_the_program_with_any_payload);
    tcase_add_test(tests, then_before_and_after_it_has_ended);
    tcase_add_test(tests, then_after_the_end_while_the_loop_is_freed);
    tcase_add_loop_test(tests, then_in_a_notify_while_the_loop_is_freed, 0, CHAIN_BEGINS);
    tcase_add_test(tests, then_beside_a_handler_that_emits_for_ever);
    tcase_add_test(tests, then_after_the_last_turn);
    tcase_add_test(tests, a_result_is_freed_without_being_taken);
    tcase_add_test(tests, untaken_results_are_counted);
    tcase_add_test(tests, an_operation_without_a_future_keeps_no_result);
    tcase_add_test(tests, the_error_that_the_id_carries);
    tcase_add_test(tests, the_time_limit_is_its_deadline);
    tcase_add_test(tests, a_second_waiter_is_refused);
    tcase_add_test(tests, a_second_waiter_is_refused_after_the_end);
    tcase_add_test(tests, a_second_waiter_is_refused_on_a_fiber);
    tcase_add_test(tests, a_fiber_is_cancelled_after_the_end_of_its_wait);
    tcase_add_test(tests, a_wait_in_a_handler_never_blocks);
    tcase_add_test(tests, a_wait_in_a_handler_of_the_completion);
    tcase_add_test(tests, the_loop_is_freed_during_a_wait);
    tcase_add_test(tests, other_operations_continue_during_a_wait);
    return suite;
}
