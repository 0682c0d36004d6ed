/* Tests tocsin_suspend(), which is like sigsuspend(): the loop blocks another set of signals until
   a handler has run. In every case the old set must be restored. */
#include <tocsin/inspect.h>
#include <tocsin/posix.h>
#include <tocsin/provider.h>

#include "futures.h"
#include "faults.h"
#include "record.h"

static struct told told;
static int a, b, c;

static int declare(const char *name, int rank)
{
    int signo = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = name, .rank = rank, .doc = "Of a test." });

    ck_assert_int_gt(signo, 0);
    return signo;
}

static void set_is(const char *text)
{
    char set[256];

    ck_assert_int_ge(tocsin_sigmask(TOCSIN_BLOCK, NULL, set, sizeof set), 0);
    /* While a handler runs, the text of the set ends with "@handlers". The helper removes that
       word. */
    set[strcspn(set, "@")] = '\0';
    for (size_t size = strlen(set); size && strchr(", ", set[size - 1]);)
        set[--size] = '\0';
    ck_assert_str_eq(set, text);
}

static void set_to(const char *text)
{
    ck_assert_int_ge(tocsin_sigmask(TOCSIN_SETMASK, text, NULL, 0), 0);
}

static bool blocked(int signo)
{
    struct tocsin_signal_facts facts;

    ck_assert_int_eq(tocsin_signal_get(signo, &facts), 0);
    return facts.blocked;
}

static void emit(int signo, int result)
{
    ck_assert_int_eq(tocsin_emit(signo, NULL), result);
}

static int emit_it(const struct tocsin_info *info, void *arg)
{
    (void)info;
    tocsin_emit(*(int *)arg, NULL);
    return TOCSIN_NEXT;
}

static int write_name(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    record("%s", info->name + strlen("suspend."));
    return TOCSIN_NEXT;
}

/* Starts a timer that calls fn from the loop. No handler receives the completion of the timer, so
   only fn counts as called. */
static void soon(tocsin_fn fn, void *arg)
{
    ck_assert_int_eq(tocsin_timer(0, fn ? TOCSIN_CALL(fn, arg) : NULL, NULL), 0);
}

/* A fiber emits a signal. No handler receives the completion of the fiber, so only handlers of the
   signal run. */
static int task_emit(void *arg)
{
    return tocsin_emit(*(int *)arg, NULL);
}

static void emitted_soon(int *signo)
{
    ck_assert_int_eq(tocsin_spawn(task_emit, signo, NULL, NULL), 0);
}

static void begin(void)
{
    memset(&told, 0, sizeof told);
    record_take();
    a = declare("suspend.a", 3);
    b = declare("suspend.b", 2);
    c = declare("suspend.c", 1);
    ck_assert_int_ge(tocsin_loop_turn(0), 0); /* this turn creates the loop */
    connect_to("suspend.*", write_name, NULL);
}

/* Tests: which events end the suspend */

START_TEST(a_pending_emission_ends_the_suspend)
{
    set_to("suspend.a, suspend.b, suspend.c");
    emit(a, TOCSIN_PENDED), emit(b, TOCSIN_PENDED), emit(c, TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_suspend("suspend.b", -1), 0);
    /* tocsin_suspend() delivers all pending emissions, in the order of their rank */
    ck_assert_record("c a");
    set_is("suspend.a, suspend.b, suspend.c");
    ck_assert_int_eq(tocsin_suspend("suspend.c", 0), 0);
    ck_assert_record("b");
    emit(a, TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_suspend("**, !suspend.a", -1), 0);
    ck_assert_record("a");
    ck_assert(blocked(a) && blocked(b) && blocked(c));
}
END_TEST

START_TEST(a_later_emission_ends_the_suspend)
{
    set_to("suspend.*");
    emitted_soon(&a);
    ck_assert_int_eq(tocsin_suspend("", -1), 0);
    ck_assert_record("a");
    emit(a, TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_suspend("suspend.a", 0), -ETIMEDOUT);
    ck_assert_int_eq(tocsin_suspend("suspend.a", 1), -ETIMEDOUT);
    ck_assert_record("");
    ck_assert_int_eq(tocsin_suspend("", 0), 0);
    ck_assert_record("a");
}
END_TEST

/* Emissions that only the temporary set blocks are delivered when the old set is restored. */
START_TEST(emissions_blocked_during_the_suspend)
{
    int *both[] = { &a, &c };

    set_to("suspend.b");
    emit(b, TOCSIN_PENDED);
    for (int i = 0; i < 2; i++)
        emitted_soon(both[i]);
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(tocsin_suspend("suspend.*", -1), 0);
    ck_assert_int_eq(told.count, 1);
    ck_assert_record("c a");
    ck_assert_int_eq(tocsin_pending_count("suspend.b"), 1);
    drain_all(); /* drain_all() runs the loop until the fibers have ended */
}
END_TEST

START_TEST(a_notify_function_ends_the_suspend)
{
    struct told each = { .count = 0 };
    struct tocsin_op op;

    soon(tell, &told);
    ck_assert_int_eq(tocsin_suspend("**", -1), 0);
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(tocsin_every(1, TOCSIN_EACH(tell, &each), &op), 0);
    ck_assert_int_eq(tocsin_suspend("**", -1), 0);
    ck_assert_int_eq(each.count, 1);
    ck_assert_int_eq(tocsin_cancel(op), 0);
    drain_all();
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
    /* tocsin_suspend() returns -ETIMEDOUT, since no handler has run; the emission stays pending */
    ck_assert_int_eq(tocsin_suspend("", 1), -ETIMEDOUT);
    ck_assert_int_eq(tocsin_then(op, tell, &told), 0);
    ck_assert_int_eq(tocsin_suspend("", -1), 0);
    ck_assert_int_eq(told.count, 2);
}
END_TEST

static int count_unhandled(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    told.count++;
    return TOCSIN_NEXT;
}

START_TEST(events_that_do_not_end_the_suspend)
{
    struct tocsin_block mask;
    int unheard = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "test.unheard", .unhandled_fn = count_unhandled });
    int seen = declare("test.seen", 0), ignored = declare("suspend.ignored", 0);
    int *all[] = { &a, &unheard, &seen, &ignored };

    ck_assert_int_eq(
        tocsin_observe("test.seen", &(struct tocsin_action){ .fn = tell, .arg = &told }, NULL), 0);
    ck_assert_int_eq(tocsin_ignore("suspend.ignored"), 0);
    ck_assert_int_eq(tocsin_block("suspend.a", &mask), 0);
    for (int i = 0; i < 4; i++)
        emitted_soon(all[i]);
    soon(NULL, NULL);
    ck_assert_int_eq(tocsin_suspend("suspend.b", 100), -ETIMEDOUT);
    ck_assert_int_eq(told.count, 2);
    ck_assert_record("");
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    ck_assert_record("a");
}
END_TEST

/* A program blocks a signal, tests a flag, and suspends the loop. A signal that arrives between the
   test and the wait must not be missed. */
static int set_flag(const struct tocsin_info *info, void *arg)
{
    (void)info;
    *(bool *)arg = true;
    return TOCSIN_NEXT;
}

START_TEST(no_wake_up_is_missed)
{
    bool flag;

    connect_to("suspend.a", set_flag, &flag);
    set_to("suspend.a");
    for (int i = 0; i < 100; i++) {
        flag = false;
        for (int j = 0; j < i % 3; j++)
            emit(b, TOCSIN_DELIVERED);
        if (i % 2)
            emit(a, TOCSIN_PENDED);
        else
            emitted_soon(&a);
        while (!flag)
            ck_assert_int_eq(tocsin_suspend("", -1), 0);
        set_is("suspend.a");
    }
    drain_all();
    record_take();
}
END_TEST

/* Tests: calls of tocsin_suspend() that are refused */

static int suspend_inside(const struct tocsin_info *info, void *arg)
{
    int expected = tocsin_pending_count("suspend.b") ? 0 : -ETIMEDOUT;

    (void)info, (void)arg;
    ck_assert_int_eq(tocsin_suspend("", -1), -EDEADLK);
    ck_assert_int_eq(tocsin_suspend("", 1), -EDEADLK);
    set_is("suspend.b");
    record("(");
    ck_assert_int_eq(tocsin_suspend("", 0), expected);
    record(")");
    set_is("suspend.b");
    return TOCSIN_NEXT;
}

START_TEST(a_suspend_in_a_handler_is_refused)
{
    connect_to("suspend.c", suspend_inside, NULL);
    set_to("suspend.b");
    emit(c, TOCSIN_DELIVERED);
    ck_assert_record("c ( )");
    emit(b, TOCSIN_PENDED);
    emit(c, TOCSIN_DELIVERED);
    ck_assert_record("c ( b )");
    soon(suspend_inside, NULL);
    ck_assert_int_ge(tocsin_loop_turn(-1), 1);
    ck_assert_record("( )");
}
END_TEST

static int suspend_again(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ck_assert_int_eq(tocsin_suspend("", 0), -EBUSY);
    ++*(int *)arg;
    return TOCSIN_NEXT;
}

static int task_suspend(void *arg)
{
    return tocsin_suspend(arg, -1);
}

START_TEST(a_second_suspend_is_refused)
{
    struct tocsin_op first, second;
    int count = 0;

    connect_to("suspend.a", suspend_again, &count);
    set_to("suspend.*");
    ck_assert_int_eq(tocsin_spawn(task_suspend, "", TOCSIN_FUTURE, &first), 0);
    ck_assert_int_eq(tocsin_spawn(task_suspend, "suspend.c", TOCSIN_FUTURE, &second), 0);
    ck_assert_int_eq(tocsin_wait(second, -1, NULL), -EBUSY);
    ck_assert_int_eq(tocsin_suspend("suspend.c", -1), -EBUSY);
    ck_assert_int_eq(tocsin_suspend("suspend.c", 0), -EBUSY);
    set_is("");
    emit(a, TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_wait(first, -1, NULL), 0);
    set_is("suspend.*");
    emit(a, TOCSIN_PENDED);
    /* Only tocsin_suspend() outside of a handler succeeds. The handlers call it, too, and are
       refused. */
    ck_assert_int_eq(tocsin_suspend("", -1), 0);
    ck_assert_int_eq(count, 2);
}
END_TEST

START_TEST(wrong_arguments_are_refused)
{
    set_to("suspend.a");
    ck_assert_int_eq(tocsin_suspend(NULL, 0), -EINVAL);
    ck_assert_int_eq(tocsin_suspend("", -2), -EINVAL);
    ck_assert_int_eq(tocsin_suspend("suspend..a", 0), -EINVAL);
    ck_assert_int_eq(tocsin_suspend("!suspend.a", 0), -EINVAL);
    ck_assert_int_eq(tocsin_suspend("suspend.nobody", 0), -ENOENT);
    set_is("suspend.a");
    /* the loop is not suspended any more, so tocsin_suspend() is allowed again */
    ck_assert_int_eq(tocsin_suspend("", 0), -ETIMEDOUT);
}
END_TEST

/* Tests: what handlers may do during the suspend */

static int change_set(const struct tocsin_info *info, void *arg)
{
    (void)info;
    set_is("suspend.c");
    set_to(arg);
    declare("late.named", 0);
    return TOCSIN_NEXT;
}

START_TEST(a_handler_changes_the_set_during_the_suspend)
{
    struct tocsin_block mask = { 0 };

    connect_to("suspend.a", change_set, "suspend.a, suspend.b");
    set_to("suspend.a, late.*");
    emit(a, TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_suspend("suspend.c", -1), 0);
    set_is("suspend.a, late.*");
    ck_assert(blocked(a) && !blocked(b) && !blocked(c) && blocked(tocsin_find("late.named")));
    ck_assert_int_eq(tocsin_block("suspend.a", &mask), 0);
    set_to("");
    ck_assert(blocked(a));
    ck_assert_int_eq(tocsin_suspend("suspend.c", 0), -ETIMEDOUT);
    ck_assert(blocked(a));
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    ck_assert(!blocked(a));
}
END_TEST

static int free_loop(const struct tocsin_info *info, void *arg)
{
    (void)info;
    record("%s", (const char *)arg);
    tocsin_loop_free();
    return TOCSIN_NEXT;
}

static int free_unhandled(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    record("%s", info->name + strlen("test."));
    tocsin_loop_free();
    return TOCSIN_NEXT;
}

/* A handler frees the loop during the suspend. In the first case this is the handler of a pending
   emission. In the second case it is the handler of a later emission. In the third case it is a
   handler that runs when the set is restored. */
START_TEST(the_loop_is_freed_during_the_suspend)
{
    static const char *const sets[] = { "", "", "suspend.a" };

    for (int i = 0; i < 3; i++) {
        connect_to("suspend.a", free_loop, "freed");
        set_to(i < 2 ? "suspend.a" : "");
        if (i == 0)
            emit(a, TOCSIN_PENDED);
        else
            emitted_soon(&a);
        if (i == 2)
            soon(tell, &told);
        ck_assert_int_eq(tocsin_suspend(sets[i], -1), -ECANCELED);
        /* the other pending emissions were freed with the loop */
        ck_assert_record(i == 0 ? "a freed" : "freed");
        ck_assert_uint_eq(tocsin_loop_current().id, 0);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
}
END_TEST

/* A default action frees the loop during the suspend. No handler has run. */
START_TEST(a_default_action_frees_the_loop)
{
    int signo = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "test.fatal", .unhandled_fn = free_unhandled });

    ck_assert_int_gt(signo, 0);
    emitted_soon(&signo);
    ck_assert_int_eq(tocsin_suspend("", -1), -ECANCELED);
    ck_assert_record("fatal");
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
}
END_TEST

static int stop_loop(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return tocsin_stop(5);
}

START_TEST(the_loop_is_stopped_during_the_suspend)
{
    connect_to("suspend.a", stop_loop, NULL);
    set_to("suspend.a");
    emitted_soon(&a);
    ck_assert_int_eq(tocsin_suspend("", -1), 0);
    ck_assert_int_eq(tocsin_run(), 5);
    set_is("suspend.a");
    ck_assert_record("a");
    drain_all();
}
END_TEST

static int on_others(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    /* the emission becomes pending, since the temporary set blocks the signal */
    emit(b, TOCSIN_PENDED);
    emit(c, TOCSIN_DELIVERED);
    return TOCSIN_NEXT;
}

START_TEST(emissions_of_handlers_during_the_suspend)
{
    connect_to("suspend.a", on_others, NULL);
    set_to("suspend.a, suspend.c");
    emit(a, TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_suspend("suspend.b", -1), 0);
    ck_assert_record("a c b");
    ck_assert_int_eq(tocsin_pending_count(NULL), 0);
}
END_TEST

/* Tests: a fiber calls tocsin_suspend() */

static void waits(struct tocsin_op op, int status)
{
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), status);
}

static void turns(void)
{
    for (int i = 0; i < 4; i++)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
}

START_TEST(a_suspended_fiber_and_pending_emissions)
{
    set_to("suspend.*");
    for (int i = 0; i < 3; i++) {
        emit(a, TOCSIN_PENDED);
        waits(spawn(task_suspend, ""), 0);
        turns();
    }
    ck_assert_record("a a a");
    set_is("suspend.*");
}
END_TEST

/* A fiber first calls tocsin_suspend(), and then waits for an operation. The suspend must have no
   effect on the later wait. */
static int task_suspend_and_wait(void *arg)
{
    struct tocsin_queue *queue = arg;

    ck_assert_int_eq(tocsin_suspend("", -1), 0);
    ck_assert_int_eq(tocsin_queue_wait(*queue, 1, NULL), -ETIMEDOUT);
    ck_assert_int_eq(tocsin_suspend("suspend.*", 1), -ETIMEDOUT);
    ck_assert_int_eq(tocsin_yield(), 0);
    return 7;
}

START_TEST(a_suspended_fiber_continues)
{
    struct tocsin_queue queue;

    ck_assert_int_eq(tocsin_queue_open(NULL, NULL, &queue), 0);
    set_to("suspend.*");
    emit(a, TOCSIN_PENDED), emit(b, TOCSIN_PENDED);
    waits(spawn(task_suspend_and_wait, &queue), 7);
    turns();
    ck_assert_record("b a");
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

START_TEST(a_fiber_waits)
{
    struct tocsin_op op = spawn(task_suspend, "suspend.c");

    set_to("suspend.*");
    turns();
    /* while the fiber waits in tocsin_suspend(), the whole loop uses this set */
    set_is("suspend.c");
    emit(c, TOCSIN_PENDED);
    turns();
    ck_assert_int_eq(tocsin_op_status(op), -EINPROGRESS);
    emit(a, TOCSIN_DELIVERED);
    emit(b, TOCSIN_DELIVERED);
    set_is("suspend.c"); /* the set is unchanged, since the fiber has not continued yet */
    waits(op, 0);
    set_is("suspend.*");
    ck_assert_record("a b");
    turns();
    set_to("");
    ck_assert_record("c");
}
END_TEST

START_TEST(a_fiber_that_is_cancelled)
{
    struct tocsin_op op;

    set_to("suspend.a");
    op = spawn(task_suspend, "suspend.b");
    turns();
    emit(b, TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_cancel(op), 0);
    waits(op, -ECANCELED);
    set_is("suspend.a");
    ck_assert_record("b");
    turns();
    op = spawn(task_suspend, "suspend.b");
    ck_assert_int_eq(tocsin_cancel(op), 0); /* the fiber is cancelled before it has started */
    waits(op, -ECANCELED);
    op = spawn(task_suspend, "suspend.b");
    /* the deadline of the wait cancels the fiber, so the wait returns -ECANCELED */
    ck_assert_int_eq(tocsin_wait(op, 1, NULL), -ECANCELED);
    set_is("suspend.a");
}
END_TEST

static int task_suspend_freed(void *arg)
{
    int err = tocsin_suspend("suspend.b", -1);

    record("%s%d", (const char *)arg, err);
    return err;
}

START_TEST(the_loop_is_freed_with_a_suspended_fiber)
{
    ck_assert_int_eq(tocsin_spawn(task_suspend_freed, "fiber", NULL, NULL), 0);
    set_to("suspend.a");
    turns();
    emit(b, TOCSIN_PENDED);
    /* The result 1 counts the waiting fiber. The fiber's wait ends, so the loop uses its own set
       again, and the emission of b is delivered. */
    ck_assert_int_eq(tocsin_loop_free(), 1);
    ck_assert_record("b fiber0"); /* tocsin_suspend() returned 0, since the handler of b ran */
    ck_assert_int_eq(tocsin_spawn(task_suspend_freed, "fiber", NULL, NULL), 0);
    turns();
    ck_assert_int_eq(tocsin_loop_free(), 1);
    ck_assert_record("fiber-125");
}
END_TEST

START_TEST(a_handler_frees_the_loop_under_a_suspended_fiber)
{
    connect_to("suspend.a", free_loop, "free");
    ck_assert_int_eq(tocsin_spawn(task_suspend_freed, "fiber", NULL, NULL), 0);
    set_to("suspend.a");
    emit(a, TOCSIN_PENDED);
    while (tocsin_loop_current().id)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_record("a free fiber-125");
}
END_TEST

/* Each allocation fails in turn. After a failure, the set must be unchanged. */
static void job(void)
{
    struct tocsin_op op = { { 0 } };
    bool handler, set;
    int err;

    handler = tocsin_connect("suspend.a", &(struct tocsin_action){ .fn = emit_it, .arg = &b },
                             NULL) == 0;
    set = tocsin_sigmask(TOCSIN_SETMASK, "suspend.a, suspend.b", NULL, 0) >= 0;
    err = tocsin_emit(a, NULL);
    ck_assert(err >= 0 || err == -ENOMEM || err == -ENODEV);
    err = tocsin_suspend("suspend.b, suspend.c", 0);
    ck_assert_msg(err == 0 || err == -ETIMEDOUT || err == -ENOMEM || err == -EMFILE, "%d", err);
    ck_assert(blocked(a) == set && blocked(b) == set && !blocked(c));
    if (handler && set && err == 0)
        ck_assert_int_eq(tocsin_pending_count("suspend.a"), 0);
    if (tocsin_spawn(task_suspend, "suspend.c", TOCSIN_FUTURE, &op) == 0) {
        turns();
        tocsin_emit(b, NULL);
        tocsin_cancel(op);
        waits(op, tocsin_op_status(op) == -EINPROGRESS ? -ECANCELED : tocsin_op_status(op));
    }
    ck_assert(blocked(a) == set && blocked(b) == set && !blocked(c));
    ck_assert_int_eq(tocsin_loop_free(), 0);
}

START_TEST(suspends_without_memory)
{
    begin();
    tocsin_loop_free();
    each_in_turn("style/suspend", job);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("style/suspend");
    TCase *tests = test_case(suite, "suspend"), *faults = test_case(suite, "faults");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, a_pending_emission_ends_the_suspend);
    tcase_add_test(tests, a_later_emission_ends_the_suspend);
    tcase_add_test(tests, emissions_blocked_during_the_suspend);
    tcase_add_test(tests, a_notify_function_ends_the_suspend);
    tcase_add_test(tests, events_that_do_not_end_the_suspend);
    tcase_add_test(tests, no_wake_up_is_missed);
    tcase_add_test(tests, a_suspend_in_a_handler_is_refused);
    tcase_add_test(tests, a_second_suspend_is_refused);
    tcase_add_test(tests, wrong_arguments_are_refused);
    tcase_add_test(tests, a_handler_changes_the_set_during_the_suspend);
    tcase_add_test(tests, the_loop_is_freed_during_the_suspend);
    tcase_add_test(tests, a_default_action_frees_the_loop);
    tcase_add_test(tests, the_loop_is_stopped_during_the_suspend);
    tcase_add_test(tests, emissions_of_handlers_during_the_suspend);
    tcase_add_test(tests, a_suspended_fiber_and_pending_emissions);
    tcase_add_test(tests, a_suspended_fiber_continues);
    tcase_add_test(tests, a_fiber_waits);
    tcase_add_test(tests, a_fiber_that_is_cancelled);
    tcase_add_test(tests, the_loop_is_freed_with_a_suspended_fiber);
    tcase_add_test(tests, a_handler_frees_the_loop_under_a_suspended_fiber);
    tcase_set_timeout(faults, 60);
    tcase_add_test(faults, suspends_without_memory);
    return suite;
}
