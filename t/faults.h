/* Contract line F3: these functions run a job many times. In each run, another allocation or system
   call fails. */
#ifndef TOCSIN_T_FAULTS_H
#define TOCSIN_T_FAULTS_H

#include "base/mem.h"
#include "handlers.h"

/* The start of an operation. If the start returned 0, the operation must end exactly once. If the
   start failed, the operation must never end. */
struct started {
    struct tocsin_op op;
    int err, ended;
};

TOCSIN__UNUSED static int on_started_end(const struct tocsin_info *info, void *arg)
{
    struct started *one = arg;

    ck_assert_int_eq(info->code, TOCSIN_DONE);
    one->ended++;
    return TOCSIN_NEXT;
}

TOCSIN__UNUSED static void check_started(const struct started *all, int count)
{
    for (int i = 0; i < count; i++) {
        ck_assert_msg(all[i].err <= 0 && all[i].err > -4096, "%d: %d", i, all[i].err);
        ck_assert_int_eq(tocsin_id_error(all[i].op.source.id), all[i].err);
        ck_assert_msg(all[i].ended == (all[i].err == 0), "%d: started %d, ended %d times", i,
                      all[i].err, all[i].ended);
    }
}

/* Runs the job repeatedly. In the nth run, the nth call that can fail fails. The first run has no
   failure, since a process allocates some objects only once. The number of calls varies, since a
   thread takes a varying number of tasks. Therefore the loop ends after a run that made fewer than
   nth calls. Under valgrind only every third call fails. */
TOCSIN__UNUSED static void each_in_turn(const char *what, void (*job)(void))
{
    int descriptors;
    long nth, step = 3 / test_scaled(3, 1, 3), runs = 0;

    tocsin__fault_at(0);
    job();
    descriptors = test_descriptors();
    for (nth = 1;; nth += step) {
        tocsin__fault_at(nth);
        job();
        ck_assert_int_eq(test_descriptors(), descriptors);
        if (tocsin__fault_count() < nth)
            break;
        runs++;
    }
    tocsin__fault_at(0);
    ck_assert_int_gt(nth, 10);
    printf("%s: %ld allocations and system calls made to fail\n", what, runs);
    fflush(stdout);
}

#endif
