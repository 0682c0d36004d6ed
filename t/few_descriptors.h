/* Runs a job in a child process that may open only a few more descriptors. */
#ifndef TOCSIN_T_FEW_DESCRIPTORS_H
#define TOCSIN_T_FEW_DESCRIPTORS_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

enum { SCARCE_LIMIT = 64, SCARCE_MOST = 8 };

static int fillers[SCARCE_LIMIT], filled;

TOCSIN__UNUSED static void scarce_begin(int room)
{
    struct rlimit limit;

    require(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = SCARCE_LIMIT;
    require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    filled = 0;
    while (filled < SCARCE_LIMIT && (fillers[filled] = dup(0)) >= 0)
        filled++;
    require(filled >= room);
    while (room--)
        close(fillers[--filled]);
}

TOCSIN__UNUSED static void scarce_end(void)
{
    while (filled)
        close(fillers[--filled]);
}

/* Runs the job in nine children, which have 0 to 8 free descriptors; under valgrind in five, which
   have an even number. The test fails if a child fails or is killed. */
TOCSIN__UNUSED static void each_room(const char *what, void (*job)(int room))
{
    int step = (int)(2 / test_scaled(2, 1, 2));

    for (int room = 0; room <= SCARCE_MOST; room += step) {
        int status = -1;
        pid_t child;

        fflush(NULL);
        child = fork();
        if (child == 0) {
            job(room);
            _exit(0);
        }
        ck_assert_int_gt(child, 0);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(status == 0, "%s with room for %d: status 0x%x", what, room, status);
    }
}

#endif
