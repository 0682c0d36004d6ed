#define _DEFAULT_SOURCE /* for the constant NSIG */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "test.h"

static int descriptors, leaves;
static bool needs_processes;

int test_descriptors(void)
{
    DIR *open_files = opendir("/proc/self/fd");
    int count = 0;

    ck_assert_ptr_nonnull(open_files);
    while (readdir(open_files))
        count++;
    closedir(open_files);
    return count;
}

void test_needs_processes(void)
{
    needs_processes = true;
}

void test_leaves(int count)
{
    leaves = count;
}

static void begin(void)
{
    leaves = 0;
    descriptors = test_descriptors();
}

static void end(void)
{
    ck_assert_int_eq(tocsin_loop_free(), leaves);
    ck_assert_int_eq(test_descriptors(), descriptors);
}

TCase *test_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, begin, end);
    suite_add_tcase(suite, tests);
    return tests;
}

/* nohup makes the process ignore some signals, and so does a shell that starts a background
   process. The tests expect the default dispositions, which this function restores. */
static void signals_as_usual(void)
{
    for (int number = 1; number < NSIG; number++) {
        struct sigaction now;

        if (sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
            signal(number, SIG_DFL);
    }
}

int main(void)
{
    SRunner *runner = srunner_create(test_suite());
    int failed;

    signals_as_usual();
    if (test_on_valgrind() && !needs_processes && !getenv("CK_FORK"))
        srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
