/* Ends the program even if a task or a loop hangs in a plugin. Two threads do this. Both are
 * created at the start, because there may be no memory later. Neither thread waits for a lock that
 * a plugin may hold, or for room in a pipe. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include <tocsin/inject.h>
#include <tocsin/watchdog.h>

#include "guard.h"
#include "print/say.h"
#include "threads.h"

/* GRACE_MS is the time in which cancelled operations may end */
enum { GRACE_MS = 1000, RETRY_MS = 20 };

static _Atomic int64_t limit_ms;
static atomic_flag started = ATOMIC_FLAG_INIT;
static sem_t start;
static pthread_t listener;
static struct tocsin_loop listener_loop;
static bool listens;
static _Atomic unsigned asked;

/* The body of a thread that measures the deadline. A timer of the library cannot be used, because a
 * plugin could delay it. */

static void *count_down(void *arg)
{
    struct timespec deadline;
    int64_t most_ms;

    (void)arg;
    while (sem_wait(&start) < 0)
        ;
    most_ms = limit_ms + GRACE_MS;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += most_ms / 1000;
    deadline.tv_nsec += most_ms % 1000 * 1000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL) == EINTR)
        ;
    host_end_now("drain timed out");
}

void guard_limit(int64_t limit)
{
    limit_ms = limit;
}

void guard_start(void)
{
    if (!atomic_flag_test_and_set(&started))
        sem_post(&start);
}

/* Functions that handle the signals, on a separate loop without injection. On the main loop, an
   injection function could delay SIGTERM. The function could also deliver SIGTERM twice, which
   would end the program. */

void guard_asked(void)
{
    atomic_fetch_add(&asked, 1);
}

/* Requests for the main loop. Only the signal thread reads and writes these variables. */
static struct host *for_host;
static const char *_Atomic ends_by;
static bool wants_end, wants_reload;
static struct tocsin_op retry;

static int on_main_end(void *arg)
{
    host_end(arg, ends_by);
    return 0;
}

static int on_main_reload(void *arg)
{
    host_reload(arg);
    return 0;
}

static bool is_refused(tocsin_task task)
{
    return tocsin_loop_call(tocsin_loop_main(), task, for_host, NULL) == -EAGAIN;
}

static int on_retry(const struct tocsin_info *info, void *arg);

/* Forwards the requests to the main loop. While the main loop hangs, its inbox may be full. So this
   function is called again later. */
static void forward(void)
{
    const struct tocsin_notify each = { .mode = TOCSIN_AT_EACH, .fn = on_retry };

    wants_end = wants_end && is_refused(on_main_end);
    wants_reload = wants_reload && is_refused(on_main_reload);
    if ((wants_end || wants_reload) && !retry.source.id)
        tocsin_every(RETRY_MS, &each, &retry);
}

static int on_retry(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    forward();
    if (!wants_end && !wants_reload) {
        tocsin_cancel(retry);
        retry = (struct tocsin_op){ { 0 } };
    }
    return TOCSIN_NEXT;
}

static int on_end(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    if (atomic_fetch_add(&asked, 1))
        host_end_now(info->name);
    ends_by = info->name;
    guard_start();
    wants_end = true;
    forward();
    return TOCSIN_NEXT;
}

static int on_hup(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    wants_reload = true;
    forward();
    return TOCSIN_NEXT;
}

/* Unblocks the signals on this thread, since a plugin may have blocked them on all other
   threads. */
static void unblock_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

struct listening {
    sem_t up;
    int err;
};

static void *listen_for_signals(void *arg)
{
    struct listening *listening = arg;
    int err = tocsin_loop_turn(0); /* the turn creates the loop, or fails */

    if (err >= 0)
        err = tocsin_loop_name("guard");
    if (err >= 0)
        err = tocsin_inject_exempt();
    if (err >= 0)
        err = tocsin_on("os.sigterm, os.sigint", on_end, NULL);
    if (err >= 0)
        err = tocsin_on("os.sighup", on_hup, NULL);
    unblock_signals();
    listener_loop = tocsin_loop_current();
    listening->err = err < 0 ? err : 0;
    /* after the sem_post(), the creating thread may return, and *listening does not exist any
     * more */
    sem_post(&listening->up);
    if (err >= 0)
        tocsin_run();
    tocsin_loop_free();
    return NULL;
}

/* Prints that a loop is blocked. The watchdog's thread calls this function while the loop is still
   blocked. */
static void on_blocked(const struct tocsin_loop_blocked *blocked, const char *text, void *arg)
{
    (void)blocked, (void)arg;
    say("%s", text);
}

int guard_begin(struct host *host)
{
    struct listening listening = { .err = 0 };
    pthread_t id;
    int err;

    for_host = host;
    tocsin_watchdog_tell(on_blocked, NULL);
    sem_init(&start, 0, 0);
    sem_init(&listening.up, 0, 0);
    err = thread_new(&id, count_down, NULL);
    if (err == 0) {
        pthread_detach(id);
        err = thread_new(&listener, listen_for_signals, &listening);
    }
    if (err < 0)
        return err;
    while (sem_wait(&listening.up) < 0)
        ;
    listens = listening.err == 0;
    if (!listens)
        pthread_join(listener, NULL);
    sem_destroy(&listening.up);
    return listening.err;
}

static int on_stop(void *arg)
{
    (void)arg;
    return tocsin_stop(0);
}

void guard_end(void)
{
    if (!listens)
        return;
    while (tocsin_loop_call(listener_loop, on_stop, NULL, NULL) == -EAGAIN)
        sched_yield();
    pthread_join(listener, NULL);
}
