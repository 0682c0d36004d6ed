/* The last resort: what can neither be cancelled nor waited for, a task that runs or a loop that is stuck in a plugin, must not keep the program for ever. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>

#include "host.h"

enum { GRACE_MS = 1000 };                              /* for what is cancelled in time to end in time */

static struct timespec deadline;

static void *guard(void *arg)
{
    (void)arg;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL) == EINTR)
        ;
    host_end_now("its time was over");
}

void guard_begin(int64_t limit_ms)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_t id;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += (limit_ms + GRACE_MS) / 1000;
    deadline.tv_nsec += (limit_ms + GRACE_MS) % 1000 * 1000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_create(&id, &attributes, guard, NULL);     /* without it a second signal ends the program */
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
