/* The watchdog is one thread, which checks all watched loops several times within their time
 * limit. */
#define _GNU_SOURCE /* makes the headers declare pthread_setname_np */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/fork.h"
#include "base/cancel.h"
#include "base/refusal.h"
#include "loop/clock.h"
#include "loop/watchdog/stall.h"
#include "loop/watchdog/watchdog.h"

/* Protects the following data. The thread holds the lock during a check, so that no handler is
 * freed meanwhile. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static struct tocsin__watched *all;
static enum { NONE, RUNS, ENDS } state;
static pthread_t thread;
static int64_t paused_us; /* time for which the thread waits between two checks; 0: it does not wait
                           * yet */
static bool changed_is_made;

void tocsin__watchdog_look(int64_t now_us)
{
    pthread_mutex_lock(&lock);
    for (struct tocsin__watched *watched = all; watched; watched = watched->next)
        tocsin__stall_look(watched, now_us);
    pthread_mutex_unlock(&lock);
}

void tocsin_watchdog_tell(tocsin_watchdog_fn fn, void *arg)
{
    pthread_mutex_lock(&lock);
    tocsin__stall_set_listener(fn, arg);
    pthread_mutex_unlock(&lock);
}

bool tocsin__watchdog_try_lock(const struct tocsin__loop *loop)
{
    struct tocsin__watched *watched;

    if (pthread_mutex_trylock(&lock))
        return false;
    for (watched = all; watched && watched->loop != loop;)
        watched = watched->next;
    if (!watched)
        pthread_mutex_unlock(&lock);
    return watched;
}

void tocsin__watchdog_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

/* The thread of the watchdog. The caller of the following functions holds the lock. They release it
 * while they wait. */

static void watchdog_wait(int64_t wait_us)
{
    int64_t until_us = tocsin__now(NULL) + wait_us;
    struct timespec until = { until_us / 1000000, until_us % 1000000 * 1000 };

    pthread_cond_timedwait(&changed, &lock, &until);
}

static int64_t watchdog_pause_us(void)
{
    int64_t least_us = INT64_MAX / 4;

    for (struct tocsin__watched *watched = all; watched; watched = watched->next)
        least_us = watched->limit_us < least_us ? watched->limit_us : least_us;
    return least_us / TOCSIN__STALL_LOOKS < 1000 ? 1000 : least_us / TOCSIN__STALL_LOOKS;
}

static void *watchdog_thread(void *arg)
{
    (void)arg;
    pthread_setname_np(pthread_self(), "tocsin-watchdog");
    pthread_mutex_lock(&lock);
    while (state == RUNS) {
        paused_us = watchdog_pause_us();
        watchdog_wait(paused_us);
        for (struct tocsin__watched *watched = all; watched; watched = watched->next)
            tocsin__stall_look(watched, tocsin__now(NULL));
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void watchdog_make_changed(void)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* The child of a fork has no watchdog thread (T8). Another thread of the parent may have held the
 * lock, so the lock is initialized again. */
static void watchdog_fork_child(void)
{
    pthread_mutex_init(&lock, NULL);
    changed_is_made = false;
    all = NULL;
    state = NONE;
}

static __attribute__((constructor)) void watchdog_fork_register(void)
{
    static const struct tocsin__fork_step step = { .child = watchdog_fork_child };

    tocsin__fork_register(TOCSIN__FORK_WATCHDOG, &step);
}

static int watchdog_start(void)
{
    sigset_t every, was;
    int err;

    if (!changed_is_made)
        watchdog_make_changed();
    changed_is_made = true;
    while (state == ENDS)
        pthread_cond_wait(&changed, &lock);
    if (state == RUNS)
        return 0;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &was);
    err = tocsin__fault() ? EAGAIN : pthread_create(&thread, NULL, watchdog_thread, NULL);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    state = err ? NONE : RUNS;
    paused_us = 0;
    return -err;
}

/* Stops the watchdog's thread. The lock is released during the wait for its end. */
static void watchdog_stop(void)
{
    state = ENDS;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    pthread_mutex_lock(&lock);
    state = NONE;
    pthread_cond_broadcast(&changed);
}

/* Watched loops */

/* The function loop->hooks.wait_unseen: returns when the watchdog is not checking. */
static void watchdog_await_look(void)
{
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
}

/* Returns the link that points to this record, or NULL if the loop is not watched. In the child of
   a fork, the list is empty. */
static struct tocsin__watched **watched_link(const struct tocsin__watched *watched)
{
    struct tocsin__watched **link = &all;

    while (*link && *link != watched)
        link = &(*link)->next;
    return link;
}

static void watched_remove(struct tocsin__watched *watched)
{
    struct tocsin__watched **link;
    int cancel = tocsin__cancel_off();

    pthread_mutex_lock(&lock);
    link = watched_link(watched);
    if (*link)
        *link = watched->next;
    watched->loop->hooks.wait_unseen = NULL;
    if (!all && state == RUNS)
        watchdog_stop();
    pthread_mutex_unlock(&lock);
    tocsin__cancel_back(cancel);
}

static void watched_cleanup(struct tocsin__cleanup *cleanup, struct tocsin__engine *engine)
{
    struct tocsin__watched *watched = tocsin__container(cleanup, struct tocsin__watched, cleanup);

    watched_remove(watched);
    engine->watched = NULL;
    watched->ended = true;
    if (!atomic_load(&watched->stall_handler))
        tocsin__release(watched);
}

static int watched_make(struct tocsin__engine *engine)
{
    struct tocsin__watched *watched = engine->watched ? engine->watched
                                                      : tocsin__alloc(sizeof *watched);

    if (!watched || engine->watched)
        return watched ? 0 : -ENOMEM;
    watched->loop = engine->loop;
    watched->id = tocsin_loop_current().id;
    watched->cleanup.run = watched_cleanup;
    tocsin__engine_add_cleanup(engine, &watched->cleanup);
    engine->watched = watched;
    return 0;
}

static int watched_begin(struct tocsin__watched *watched, int64_t limit_ms)
{
    int err, cancel = tocsin__cancel_off();

    pthread_mutex_lock(&lock);
    err = watchdog_start();
    if (err == 0) {
        if (!*watched_link(watched)) {
            watched->next = all;
            all = watched;
        }
        watched->limit_us = limit_ms > INT64_MAX / 4000 ? INT64_MAX / 4 : limit_ms * 1000;
        watched->turn.looks = watched->call.looks = 0;
        watched->loop->hooks.wait_unseen = watchdog_await_look;
        if (watchdog_pause_us() < paused_us)
            pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    tocsin__cancel_back(cancel);
    return err;
}

int tocsin_watchdog(int64_t limit_ms)
{
    struct tocsin__engine *engine = tocsin__self->engine;
    int err = limit_ms < 0 ? -EINVAL : 0;

    if (err == 0 && limit_ms == 0) {
        if (engine && engine->watched)
            watched_remove(engine->watched);
        return 0;
    }
    if (err == 0)
        err = tocsin__engine_make(&engine);
    if (err == 0)
        err = watched_make(engine);
    return tocsin__traced(err < 0 ? err : watched_begin(engine->watched, limit_ms));
}
