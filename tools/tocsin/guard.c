/* What can neither be cancelled nor waited for, a task that runs or a loop that is stuck in a plugin, must not keep the program for ever. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "host.h"

enum { GRACE_MS = 1000 };                              /* for what is cancelled in time to end in time */

static struct timespec deadline;
static _Atomic int64_t limit_ms;
static atomic_flag started = ATOMIC_FLAG_INIT;
static pthread_t ear;
static struct tocsin_loop ear_loop;
static struct tocsin_op up;
static bool hears;
static unsigned asked;

/* The time: no timer of the library's, which a plugin may hold up. */

static void *count_down(void *arg)
{
    (void)arg;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL) == EINTR)
        ;
    host_end_now("its time was over");
}

void guard_limit(int64_t limit)
{
    limit_ms = limit;
}

void guard_start(void)
{
    int64_t most_ms = limit_ms + GRACE_MS;
    pthread_t id;

    if (atomic_flag_test_and_set(&started))
        return;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += most_ms / 1000;
    deadline.tv_nsec += most_ms % 1000 * 1000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    if (thread_new(&id, count_down, NULL) == 0)              /* without it a second signal ends the program */
        pthread_detach(id);
}

/* The signals */

static int on_asked(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    if (asked++)
        host_end_now(info->name);
    guard_start();
    return TOCSIN_NEXT;
}

static void *hear(void *arg)
{
    int err = tocsin_turn(0);                          /* it has all that a loop needs, or it is no ear */

    (void)arg;
    if (err >= 0)
        err = tocsin_on("os.sigterm, os.sigint", on_asked, NULL);
    ear_loop = tocsin_loop_current();
    tocsin_op_complete(up, err < 0 ? err : 0, NULL);
    if (err >= 0)
        tocsin_run();
    tocsin_free();
    return NULL;
}

int guard_begin(void)
{
    int err = tocsin_op_new(NULL, TOCSIN_FUTURE, &up);

    if (err == 0)
        err = thread_new(&ear, hear, NULL);
    if (err < 0) {
        promise_drop(up);
        return err;
    }
    err = tocsin_wait(up, -1, NULL);
    hears = err >= 0;
    if (!hears)
        pthread_join(ear, NULL);
    return err;
}

static int stop(void *arg)
{
    (void)arg;
    return tocsin_stop(0);
}

void guard_end(void)
{
    if (!hears)
        return;
    while (tocsin_loop_call(ear_loop, stop, NULL, NULL) == -EAGAIN)
        sched_yield();
    pthread_join(ear, NULL);
}
