/* Contract line F3: a scenario runs in many child processes. In the nth child, the nth allocation
   or opened descriptor fails. Each child is a new process, so the objects that a process allocates
   only once are allocated there, too. */
#ifndef TOCSIN_T_FAULT_CHILDREN_H
#define TOCSIN_T_FAULT_CHILDREN_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "test.h"

/* The number of calls that failed with -ENOMEM or -EMFILE. A test may also add calls that returned
   NULL. */
static int failures;

static bool failed(int result)
{
    failures += result == -ENOMEM || result == -EMFILE;
    return result == -ENOMEM || result == -EMFILE;
}

/* Makes the call. If the call fails with -ENOMEM or -EMFILE, the macro makes the call again. The
   macro's value is the result of the last call. */
#define retried(call) \
    ({ \
        int result_ = (call); \
        if (failed(result_)) \
            result_ = (call); \
        result_; \
    })

/* Runs the scenario in a child. Returns the number of calls that failed. Returns -1 if the child
   found an error, and -2 if the scenario has fewer than nth allocations. */
static int fail_at(void (*scenario)(void), long nth)
{
    pid_t pid = fork();
    int status;

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        int descriptors = test_descriptors();

        tocsin__fault_at(nth);
        scenario();
        require(test_descriptors() == descriptors);
        if (tocsin__fault_count() < nth)
            exit(100);
        exit(10 + failures);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) < 10)
        return -1;
    return WEXITSTATUS(status) == 100 ? -2 : WEXITSTATUS(status) - 10;
}

/* Makes each allocation of the scenario fail in turn. If valgrind runs the test, only one of `step`
   allocations fails. At least `least` of the failures must be returned by a call. The library may
   repeat an allocation itself, so the other failures need not be returned. */
static void each_child_in_turn(const char *what, void (*scenario)(void), int step, int least)
{
    int returned = 0, repeated = 0, count;
    long nth, every = step / test_scaled(step, 1, step);

    for (nth = 1; (count = fail_at(scenario, nth)) != -2; nth += every) {
        ck_assert_msg(count >= 0, "the %ldth to fail", nth);
        ck_assert_msg(count <= 1, "one failed, %d calls noticed: the %ldth", count, nth);
        returned += count;
        repeated += !count;
    }
    ck_assert_int_gt(returned, test_scaled(least, 1, step));
    printf("%s: %ld failed in turn, %d returned by a call, %d repeated by the library\n", what,
           (nth - 1) / every, returned, repeated);
}

#endif
