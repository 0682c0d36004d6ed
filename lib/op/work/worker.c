/* The threads of the pools: starting them, running jobs, ending idle threads, and fork. */
#define _GNU_SOURCE /* makes the headers declare pthread_setname_np */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/fork.h"
#include "base/assert.h"
#include "base/cancel.h"
#include "base/mem.h"
#include "base/refusal.h"
#include "os/rt_overflow.h"
#include "loop/watchdog/crash.h"
#include "loop/engine.h"
#include "op/work/pool.h"
#include "op/work/worker.h"

struct worker {
    /* links of the list that contains the worker: workers, ended or lost */
    struct worker *next, **link;
    struct tocsin__pool *pool;
    pthread_t thread;
    struct tocsin__job *job; /* the job that runs; NULL: the thread is idle */
};

static struct worker *workers;          /* all running threads of all pools */
static __thread struct worker *current; /* the worker of the calling thread; NULL: it is not a pool
                                         * thread */
static int users;                       /* number of loops that have operations */

/* The last loop has no operations any more, and tocsin__workers_rest waits for idle threads to
 * end. */
static bool resting;
static pthread_cond_t rested = PTHREAD_COND_INITIALIZER; /* signalled when a thread has ended */
static struct worker *ended;                             /* threads that have ended and must be
                                                          * joined */

/* In the child of a fork (T8): workers that ran a job in the parent at that moment. They are not
 * freed, since the job may use their memory. */
static struct worker *lost;

static void worker_link(struct worker *worker, struct worker **first)
{
    worker->next = *first;
    worker->link = first;
    if (worker->next)
        worker->next->link = &worker->next;
    *first = worker;
}

static void worker_unlink(struct worker *worker)
{
    *worker->link = worker->next;
    if (worker->next)
        worker->next->link = worker->link;
}

/* Waits at most a second for a job. NULL: the thread must end. */
static struct tocsin__job *worker_wait_job(struct tocsin__pool *pool)
{
    struct tocsin__job *job;
    struct timespec until;
    int err = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    pool->idle++;
    while (!(job = tocsin__job_take(pool)) && err == 0 && users && !pool->closed)
        err = pthread_cond_timedwait(&pool->work, &tocsin__pools_lock, &until);
    pool->idle--;
    return job;
}

/* A pool thread handles no signal and cannot be cancelled, except while it runs a task (S2). */
static void worker_mask_signals(void)
{
    sigset_t all;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
}

void tocsin__worker_task_begin(void)
{
    sigset_t mask;

    if (!current)
        return;
    tocsin__rt_overflow_task_mask(&mask);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
}

void tocsin__worker_task_end(void)
{
    if (current)
        worker_mask_signals();
}

static int worker_start(struct tocsin__pool *pool);

/* Ends all jobs of a pool that has no threads, as failed. Releases the lock during each call. */
static void pool_fail_jobs(struct tocsin__pool *pool)
{
    struct tocsin__job *job;

    while (!pool->threads && (job = tocsin__job_take(pool))) {
        pthread_mutex_unlock(&tocsin__pools_lock);
        job->died(job, -EAGAIN);
        pthread_mutex_lock(&tocsin__pools_lock);
    }
}

/* Marks the calling thread as ended. The caller holds the lock. */
static void worker_end(struct worker *self)
{
    struct tocsin__pool *pool = self->pool;

    tocsin__assert(pool->threads > 0 && pool->idle < pool->threads);
    pool->threads--;
    worker_unlink(self);
    if (resting) {
        worker_link(self, &ended);
    } else { /* tocsin__workers_rest does not wait, so no thread will join this one */
        pthread_detach(self->thread);
        tocsin__release(self);
    }
    pthread_cond_broadcast(&rested);
    tocsin__pool_unref(pool);
}

/* A cleanup handler of the thread: the task has called pthread_exit, or has been cancelled. */
static void worker_died(void *arg)
{
    struct worker *self = arg;
    struct tocsin__pool *pool = self->pool;
    struct tocsin__job *job = self->job;

    worker_mask_signals();
    if (job)
        job->died(job, -ECANCELED);
    pthread_mutex_lock(&tocsin__pools_lock);
    self->job = NULL;
    /* this reference keeps the pool until the function returns */
    pool->refs++;
    worker_end(self);
    if (pool->jobs > (size_t)pool->idle && worker_start(pool) < 0)
        pool_fail_jobs(pool);
    tocsin__pool_unref(pool);
    pthread_mutex_unlock(&tocsin__pools_lock);
}

static void worker_run_job(struct worker *self)
{
    self->job->run(self->job);
    pthread_mutex_lock(&tocsin__pools_lock);
    self->job = NULL;
    pthread_mutex_unlock(&tocsin__pools_lock);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    /* A cancellation that arrived during this task must not act on the next task. */
    pthread_testcancel();
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
}

static void *worker_main(void *arg)
{
    struct worker *self = arg;

    worker_mask_signals();
    pthread_setname_np(pthread_self(), "tocsin-worker");
    tocsin__crash_stack_make();
    current = self;
    pthread_mutex_lock(&tocsin__pools_lock);
    while ((self->job = worker_wait_job(self->pool))) {
        pthread_mutex_unlock(&tocsin__pools_lock);
        pthread_cleanup_push(worker_died, self);
        worker_run_job(self);
        pthread_cleanup_pop(0);
        pthread_mutex_lock(&tocsin__pools_lock);
    }
    worker_end(self);
    pthread_mutex_unlock(&tocsin__pools_lock);
    return NULL;
}

static int worker_start(struct tocsin__pool *pool)
{
    struct worker *worker;
    sigset_t all, was;
    int err;

    worker = tocsin__alloc(sizeof *worker);
    if (!worker)
        return -ENOMEM;
    worker->pool = pool;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    err = tocsin__fault() ? EAGAIN : pthread_create(&worker->thread, NULL, worker_main, worker);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    if (err) {
        tocsin__release(worker);
        return -err;
    }
    worker_link(worker, &workers);
    pool->threads++;
    pool->refs++;
    return 0;
}

int tocsin__worker_run(struct tocsin__pool *pool, struct tocsin__job *job)
{
    int err = 0;

    pthread_mutex_lock(&tocsin__pools_lock);
    if (pool->jobs >= pool->limit)
        err = tocsin__because(
            -EAGAIN, "the pool's queue holds %zu of %zu tasks, and its %d threads are busy",
            pool->jobs, pool->limit, pool->threads);
    else if (pool->jobs >= (size_t)pool->idle && pool->threads < pool->threads_most &&
             worker_start(pool) < 0 && pool->threads == 0)
        err = -EAGAIN; /* fails only if the pool has no threads: otherwise the job waits in the
                        * queue */
    if (err == 0) {
        tocsin__job_append(pool, job);
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&tocsin__pools_lock);
    return err;
}

/* A fork (T8) */

static void workers_fork_prepare(void)
{
    pthread_mutex_lock(&tocsin__pools_lock);
}

static void workers_fork_parent(void)
{
    pthread_mutex_unlock(&tocsin__pools_lock);
}

/* Sets up a pool in the child of a fork: its threads and its users exist only in the parent. */
static void pool_inherit(struct tocsin__pool *pool)
{
    for (struct tocsin__job *job = pool->first; job; job = job->next) {
        job->queued = false;
        job->forgotten = true;
    }
    pool->first = pool->last = NULL;
    pool->jobs = 0;
    pool->idle = 0;
    pool->refs -= (uint32_t)pool->threads;
    pool->threads = 0;
    tocsin__pool_cond_init(&pool->work);
}

static void workers_free(struct worker **first)
{
    while (*first) {
        struct worker *worker = *first;

        worker_unlink(worker);
        if (worker->job)
            worker_link(worker, &lost);
        else
            tocsin__release(worker);
    }
}

/* Sets up all pools in the child of a fork. If a pool thread has called fork, it is the only thread
 * of its pool. */
static void workers_fork_child(void)
{
    for (struct tocsin__pool *pool = tocsin__pools; pool; pool = pool->next)
        pool_inherit(pool);
    if (current)
        worker_unlink(current);
    workers_free(&workers);
    workers_free(&ended);
    if (current) {
        worker_link(current, &workers);
        current->pool->threads++;
        current->pool->refs++;
    }
    pthread_cond_init(&rested, NULL);
    resting = false;
    users = tocsin__self->engine && tocsin__self->engine->loop_client;
    workers_fork_parent();
}

static __attribute__((constructor)) void workers_fork_register(void)
{
    static const struct tocsin__fork_step step = { .prepare = workers_fork_prepare,
                                                   .parent = workers_fork_parent,
                                                   .child = workers_fork_child };

    tocsin__fork_register(TOCSIN__FORK_POOL, &step);
}

/* Functions for the loops that use pools */

void tocsin__workers_use(void)
{
    pthread_mutex_lock(&tocsin__pools_lock);
    users++;
    pthread_mutex_unlock(&tocsin__pools_lock);
}

static bool pools_have_idle(void)
{
    for (struct tocsin__pool *pool = tocsin__pools; pool; pool = pool->next)
        if (pool->idle)
            return true;
    return false;
}

/* Joins the threads that have ended. Releases the lock meanwhile. */
static void workers_join_ended(void)
{
    while (ended) {
        struct worker *worker = ended;

        worker_unlink(worker);
        pthread_mutex_unlock(&tocsin__pools_lock);
        /* A thread that ends with its loop (T6) cannot join itself. */
        if (pthread_equal(worker->thread, pthread_self()))
            pthread_detach(worker->thread);
        else
            pthread_join(worker->thread, NULL);
        tocsin__release(worker);
        pthread_mutex_lock(&tocsin__pools_lock);
    }
}

void tocsin__workers_rest(void)
{
    int cancel = tocsin__cancel_off();

    pthread_mutex_lock(&tocsin__pools_lock);
    if (--users == 0) {
        resting = true;
        for (struct tocsin__pool *pool = tocsin__pools; pool; pool = pool->next)
            pthread_cond_broadcast(&pool->work);
        while (pools_have_idle() && !users)
            pthread_cond_wait(&rested, &tocsin__pools_lock);
        workers_join_ended();
        resting = false;
        if (!users)
            tocsin__pool_standard_free();
    }
    pthread_mutex_unlock(&tocsin__pools_lock);
    tocsin__cancel_back(cancel);
}
