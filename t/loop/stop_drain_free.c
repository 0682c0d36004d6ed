/* Tests tocsin_stop, tocsin_drain and tocsin_loop_free, each called in every state of a loop. */
#include <poll.h>
#include <unistd.h>

#include <tocsin/provider.h>

#include "handlers.h"

enum how {
    IN_HANDLER,
    IN_NOTIFY,
    IN_EACH,
    IN_THEN,
    IN_FIBER,
    IN_DROP,
    IN_OP_DROP,
    IN_CANCEL,
    BETWEEN,
    WAYS
};

static struct told told;
static int (*ask)(void);
static int pipes[2];

static int do_ask(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    ck_assert_int_ge(ask(), 0);
    return TOCSIN_NEXT;
}

static int task_ask(void *arg)
{
    (void)arg;
    return ask();
}

static void drop_ask(void *arg)
{
    (void)arg;
    ck_assert_int_ge(ask(), 0);
}

static int cancel_ask(struct tocsin_op op, void *state, int reason)
{
    drop_ask(state);
    return tocsin_op_complete(op, reason, NULL);
}

static const struct tocsin_signal_spec asked_spec = { .name = "asked.done", .doc = "Asked." };
static const struct tocsin_op_type drops_type = { .done = &asked_spec, .drop = drop_ask };
static const struct tocsin_op_type cancels_type = { .done = &asked_spec, .cancel = cancel_ask };

/* Prepares the call that is tested: the call is made inside a turn, or before the turn. */
static void prepare(enum how how)
{
    static struct tocsin_handler handler;
    static struct tocsin_op op;

    switch (how) {
    case IN_HANDLER:
        connect_to("timer.expired", do_ask, NULL);
        ck_assert_int_eq(tocsin_timer(0, NULL, NULL), 0);
        break;
    case IN_NOTIFY: ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(do_ask), NULL), 0); break;
    case IN_EACH:
        ck_assert_int_eq(write(pipes[1], "x", 1), 1);
        ck_assert_int_eq(tocsin_watch(pipes[0], POLLIN, TOCSIN_EACH(do_ask), NULL), 0);
        break;
    case IN_THEN:
        ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &op), 0);
        ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
        ck_assert_int_ge(tocsin_loop_turn(0), 1);
        ck_assert_int_eq(tocsin_then(op, do_ask, NULL), 0);
        break;
    case IN_FIBER: ck_assert_int_eq(tocsin_spawn(task_ask, NULL, NULL, NULL), 0); break;
    case IN_DROP:
        ck_assert_int_eq(
            tocsin_connect("timer.expired",
                           &(struct tocsin_action){ .fn = tell, .arg = &told, .drop = drop_ask },
                           &handler),
            0);
        ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(disconnect_arg, &handler), NULL), 0);
        break;
    case IN_OP_DROP:
        ck_assert_int_eq(tocsin_op_new(&drops_type, NULL, &op), 0);
        ck_assert_int_eq(tocsin_op_start(op, 0, NULL), 0);
        ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
        break;
    case IN_CANCEL:
        ck_assert_int_eq(tocsin_op_new(&cancels_type, NULL, &op), 0);
        ck_assert_int_eq(tocsin_op_start(op, 0, NULL), 0);
        ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(cancel_arg, &op), NULL), 0);
        break;
    default: ck_assert_int_ge(ask(), 0);
    }
}

static void begin(void)
{
    memset(&told, 0, sizeof told);
    ck_assert_int_eq(pipe(pipes), 0);
}

static void end(void)
{
    close(pipes[0]);
    close(pipes[1]);
}

static int nothing(void)
{
    return 0;
}

static int stop(void)
{
    return tocsin_stop(42);
}

START_TEST(stop_in_every_state)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_stop(0), -ENODEV);
    ask = stop;
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_CALL(tell, &told), &op), 0);
    prepare((enum how)_i);
    ck_assert_int_eq(tocsin_run(), 42);
    /* The operation still runs, since tocsin_stop() must not end operations. */
    ck_assert_int_eq(tocsin_op_status(op), -EINPROGRESS);
    ask = nothing;
    ck_assert_int_eq(tocsin_timer_set(op, 0), 0);
    drain_all(); /* a loop that was stopped can run again */
    ck_assert_int_ge(told.count, 1);
}
END_TEST

static int drain(void)
{
    return tocsin_drain(-1);
}

START_TEST(drain_in_every_state)
{
    ask = drain;
    ck_assert_int_eq(tocsin_every(100000, TOCSIN_CALL(tell, &told), NULL), 0);
    prepare((enum how)_i);
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_ge(told.count, 1);
    ck_assert_int_eq(tocsin_every(100000, TOCSIN_CALL(tell, &told), NULL), 0);
    drain_all();
}
END_TEST

static int freed(void)
{
    ck_assert_int_eq(tocsin_loop_free(), 0);
    return 0;
}

START_TEST(free_in_every_state)
{
    ask = _i == BETWEEN ? nothing : freed;
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_CALL(tell, &told), NULL), 0);
    /* All of these timers become ready in the same turn. */
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(tell, &told), NULL), 0);
    prepare((enum how)_i);
    if (_i == BETWEEN)
        ck_assert_int_eq(tocsin_loop_free(), 6);
    else
        ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    /* The completion of each timer must have been announced. */
    ck_assert_int_ge(told.count, 6);
}
END_TEST

START_TEST(free_in_every_state_while_turning)
{
    ask = _i == BETWEEN ? nothing : freed;
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_CALL(tell, &told), NULL), 0);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(tell, &told), NULL), 0);
    prepare((enum how)_i);
    while (_i != BETWEEN && tocsin_loop_current().id)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    tocsin_loop_free();
    ck_assert_int_ge(told.count, 6);
}
END_TEST

START_TEST(free_in_every_state_while_the_clock_moves)
{
    ask = _i == BETWEEN ? nothing : freed;
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_CALL(tell, &told), NULL), 0);
    prepare((enum how)_i);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(tocsin_clock_move(1), 0);
    if (_i == BETWEEN)
        ck_assert_int_eq(tocsin_loop_free(), 1);
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    ck_assert_int_ge(told.count, 6);
}
END_TEST

static int wait_for_ever(void *arg)
{
    struct tocsin_op op;

    (void)arg;
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &op), 0);
    return tocsin_wait(op, -1, NULL);
}

START_TEST(drain_with_a_time_limit)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_drain(-2), -EINVAL);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(tell, &told), &op), 0);
    ck_assert_int_eq(tocsin_spawn(wait_for_ever, NULL, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(tocsin_drain(100000), 0);
    ck_assert_int_eq(tocsin_drain(500), 0);    /* a shorter time limit replaces a longer one */
    ck_assert_int_eq(tocsin_drain(100000), 0); /* a longer time limit is ignored */
    ck_assert_int_eq(tocsin_drain(-1), 0);
    ck_assert_int_eq(tocsin_run(), -ETIMEDOUT);
    ck_assert_int_eq(told.count, 2);
    ck_assert_int_eq(told.status, -ECANCELED);
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(tell, &told), NULL), 0);
    /* The earlier time limit is not in force any more, so the operations may end by themselves. */
    drain_all();
    ck_assert_int_eq(told.status, 0);
}
END_TEST

START_TEST(drain_with_nothing_to_do)
{
    drain_all();
    ck_assert_int_eq(tocsin_drain(0), 0);
    ck_assert_int_eq(tocsin_run(), 0);
}
END_TEST

START_TEST(a_stop_during_a_drain)
{
    struct tocsin_op promise;

    ask = stop;
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(tell, &told), &promise), 0);
    prepare(IN_NOTIFY);
    ck_assert_int_eq(tocsin_drain(-1), 0);
    ck_assert_int_eq(tocsin_run(), 42);
    ck_assert_int_eq(told.count, 0);
    /* The loop is still draining, so it starts no operation. */
    ck_assert_int_eq(tocsin_every(1, NULL, NULL), -ESHUTDOWN);
    ck_assert_int_eq(tocsin_op_complete(promise, 0, NULL), 0);
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(told.count, 1);
}
END_TEST

/* Starts a background operation, which watches a descriptor. */
static void start_serving(int fd)
{
    const struct tocsin_notify serving = { .mode = TOCSIN_AT_EACH | TOCSIN_BACKGROUND,
                                           .fn = tell,
                                           .arg = &told };

    ck_assert_int_eq(tocsin_watch(fd, POLLIN, &serving, NULL), 0);
}

START_TEST(background_operations_do_not_keep_the_loop_running)
{
    start_serving(pipes[0]);
    drain_all();
    ck_assert_int_eq(tocsin_drain(-1), 0);
    /* A background operation may be started during a drain, too. */
    start_serving(pipes[0]);
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(write(pipes[1], "x", 1), 1);
    turns_until(&told.count, 2);             /* both background operations still exist */
    ck_assert_int_eq(tocsin_loop_free(), 0); /* background operations do not count as left */
}
END_TEST

static int check_serves(const struct tocsin_info *info, void *arg)
{
    ck_assert_int_eq(info->status, -ECANCELED);
    /* The background operations must end after all others. */
    ck_assert_int_eq(((struct told *)arg)->count, 0);
    return TOCSIN_NEXT;
}

START_TEST(background_operations_end_last)
{
    const struct tocsin_notify serving = { .mode = TOCSIN_AT_END | TOCSIN_BACKGROUND,
                                           .fn = tell,
                                           .arg = &told };

    ck_assert_int_eq(tocsin_watch(pipes[0], POLLIN, &serving, NULL), 0);
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_CALL(check_serves, &told), NULL), 0);
    ck_assert_int_eq(tocsin_watch(pipes[0], POLLIN, TOCSIN_CALL(check_serves, &told), NULL), 0);
    ck_assert_int_eq(tocsin_loop_free(), 2);
    ck_assert_int_eq(told.count, 1);
}
END_TEST

START_TEST(an_operation_that_was_never_started)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_op_new(&cancels_type, TOCSIN_CALL(tell, &told), &op), 0);
    ck_assert_int_eq(tocsin_drain(0), 0);
    ck_assert_int_eq(tocsin_run(), -ETIMEDOUT);
    ck_assert_int_eq(tocsin_op_new(&cancels_type, TOCSIN_CALL(tell, &told), &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(tocsin_op_new(&cancels_type, TOCSIN_CALL(tell, &told), &op), 0);
    tocsin_loop_free();
    ck_assert_int_eq(told.count, 0); /* the call failed, so it started no operation */
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("loop/stop_drain_free");
    TCase *tests = test_case(suite, "stop, drain, free");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_loop_test(tests, stop_in_every_state, 0, WAYS);
    tcase_add_loop_test(tests, drain_in_every_state, 0, WAYS);
    tcase_add_loop_test(tests, free_in_every_state, 0, WAYS);
    tcase_add_loop_test(tests, free_in_every_state_while_turning, 0, WAYS);
    tcase_add_loop_test(tests, free_in_every_state_while_the_clock_moves, 0, WAYS);
    tcase_add_test(tests, drain_with_a_time_limit);
    tcase_add_test(tests, drain_with_nothing_to_do);
    tcase_add_test(tests, a_stop_during_a_drain);
    tcase_add_test(tests, background_operations_do_not_keep_the_loop_running);
    tcase_add_test(tests, background_operations_end_last);
    tcase_add_test(tests, an_operation_that_was_never_started);
    return suite;
}
