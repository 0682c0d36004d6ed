/* Tests tocsin__assert. In a debug build, a false condition prints the file, the line and the
   condition, and then aborts the process. A true condition does nothing. In other builds
   tocsin__assert does not evaluate its condition. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "test.h"

static int evaluated;

static bool count_evaluation(bool result)
{
    evaluated++;
    return result;
}

static const int debug = TOCSIN__DEBUG;

static void check_as_configured(bool result)
{
    tocsin__assert(count_evaluation(result));
}

#undef TOCSIN__DEBUG
#undef TOCSIN_BASE_ASSERT_H
#undef tocsin__assert
#define TOCSIN__DEBUG 1
#include "base/assert.h"

static int check_line;

static void check_in_debug(bool result)
{
    check_line = __LINE__ + 1;
    tocsin__assert(result && "text of the condition");
}

/* Runs check(result) in a child, and returns the wait status of the child. The child's output is
   stored in text. */
static int status_of(void (*check)(bool), bool result, char *text, size_t size)
{
    int ends[2], status;
    ssize_t count;
    pid_t child;

    ck_assert_int_eq(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        check(result);
        _exit(0);
    }
    close(ends[1]);
    count = read(ends[0], text, size - 1);
    text[count > 0 ? count : 0] = '\0';
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

START_TEST(a_false_condition_prints_and_aborts)
{
    char text[512], expected[512];
    int status;

    check_in_debug(true);
    snprintf(expected, sizeof expected,
             "%s:%d: invariant violated: result && \"text of the condition\"\n", __FILE__,
             check_line);
    status = status_of(check_in_debug, false, text, sizeof text);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGABRT);
    ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(a_true_condition_prints_nothing)
{
    char text[512];

    ck_assert_int_eq(status_of(check_in_debug, true, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(conditions_are_evaluated_in_debug_builds_only)
{
    char text[512];

    check_as_configured(true);
    ck_assert_int_eq(evaluated, debug);
    ck_assert_int_eq(!!status_of(check_as_configured, false, text, sizeof text), debug);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/assert");
    TCase *asserts = test_case(suite, "assert");

    tcase_add_test(asserts, a_false_condition_prints_and_aborts);
    tcase_add_test(asserts, a_true_condition_prints_nothing);
    tcase_add_test(asserts, conditions_are_evaluated_in_debug_builds_only);
    return suite;
}
