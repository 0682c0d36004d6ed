/* Tests the default actions of signals: ignore the emission, stop the loop, abort the process, call
   a function. Further cases: a pending emission whose signal has no handler any more, and an
   emission that an observer tries to stop. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/loop.h"
#include "record.h"
#include "test.h"

static void end(void)
{
    ck_assert_int_eq(tocsin_loop_free(), 0);
    record_take();
}

static int declare(const char *name, enum tocsin_unhandled unhandled)
{
    int signo = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = name, .unhandled = unhandled });

    ck_assert_int_gt(signo, 0);
    ck_assert_int_eq(tocsin_has_listeners(signo), unhandled != TOCSIN_IGNORE);
    return signo;
}

START_TEST(the_default_action_is_to_ignore)
{
    int signo = declare("quiet", TOCSIN_IGNORE);

    ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_NOBODY);
    ck_assert_int_eq(tocsin_on("quiet", record_call, "a"), 0);
    ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_DELIVERED);
    ck_assert(!tocsin__self->life.stop_wanted);
}
END_TEST

START_TEST(the_default_action_stops_the_loop)
{
    int signo = declare("last.call", TOCSIN_STOP_LOOP);

    /* This thread has no loop yet, so there is no loop that the default action could stop. */
    ck_assert_int_eq(tocsin_emit(signo, NULL), -ENODEV);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_NOBODY);
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(tocsin_on("last.call", record_call, "a"), 0);
    ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_DELIVERED);
    ck_assert(!tocsin__self->life.stop_wanted);
}
END_TEST

static int by_function(const struct tocsin_info *info, void *arg)
{
    record("%s:%d", info->name, arg != NULL);
    return -EIO; /* the library ignores the result of a default action */
}

START_TEST(the_default_action_is_a_function)
{
    struct tocsin_signal_spec spec = { .name = "called",
                                       .unhandled_fn = by_function,
                                       .unhandled = TOCSIN_ABORT };
    int signo = tocsin_declare(&spec);

    ck_assert_int_gt(signo, 0);
    ck_assert_int_eq(tocsin_emit(signo, NULL), -ENODEV);
    ck_assert_int_eq(tocsin_on("tocsin.**", record_call, "failed"), 0);
    ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_NOBODY);
    ck_assert_record("called:0");
}
END_TEST

static int emit_pended(const struct tocsin_info *info, void *arg)
{
    record_call(info, arg);
    ck_assert_int_eq(tocsin_emit(info->signo, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_emit(info->signo, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_disconnect(tocsin_handler_current()), 0);
    return TOCSIN_NEXT;
}

START_TEST(once_for_each_pending_emission_without_a_handler)
{
    int signo = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "orphaned", .unhandled_fn = by_function });

    ck_assert_int_eq(tocsin_on("orphaned", emit_pended, "a"), 0);
    ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_DELIVERED);
    ck_assert_record("a orphaned:0 orphaned:0");
}
END_TEST

static int who_runs(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    record("%d", tocsin_handler_current().id != 0);
    return 0;
}

START_TEST(stopped_by_an_observer_is_not_handled)
{
    int signo = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "observed", .unhandled_fn = who_runs });

    ck_assert_int_eq(
        tocsin_observe("observed", &(struct tocsin_action){ .fn = record_stop, .arg = "o" }, NULL),
        0);
    ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_NOBODY);
    ck_assert_record("o 0");
}
END_TEST

START_TEST(the_default_action_aborts)
{
    int signo = declare("fatal", TOCSIN_ABORT);

    ck_assert_int_eq(tocsin_on("fatal", record_call, "a"), 0);
    ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(tocsin_on("other.*", record_call, "a"), 0);
    (void)tocsin_emit(signo, NULL);
    exit(1);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("delivery/default_action");
    TCase *tests = test_case(suite, "default action");
    const char *fork = getenv("CK_FORK");

    test_needs_processes();
    tcase_add_checked_fixture(tests, NULL, end);
    tcase_add_test(tests, the_default_action_is_to_ignore);
    tcase_add_test(tests, the_default_action_stops_the_loop);
    tcase_add_test(tests, the_default_action_is_a_function);
    tcase_add_test(tests, once_for_each_pending_emission_without_a_handler);
    tcase_add_test(tests, stopped_by_an_observer_is_not_handled);
    if (fork && strcmp(fork, "no") == 0)
        test_skip("delivery/default_action: abort",
                  "it would end the process, and there is no other");
    else
        tcase_add_test_raise_signal(tests, the_default_action_aborts, SIGABRT);
    return suite;
}
