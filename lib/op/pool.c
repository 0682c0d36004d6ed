#define _GNU_SOURCE                                    /* pthread_setname_np */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/work.h>

#include "core/id.h"
#include "core/mem.h"
#include "loop/engine.h"
#include "op/pool.h"

enum { THREADS_MAX = 1024, THREADS_LEAST = 4, LIMIT = 1024 };

struct worker {
    struct worker *next, **link;                       /* among those that run, or that are to be joined */
    struct tocsin__pool *pool;
    pthread_t thread;
    sigset_t mask;                                     /* of the thread that started it */
    struct tocsin__job *job;                           /* that it is at */
};

struct tocsin__pool {
    uint64_t id;
    struct tocsin__pool *next;                         /* among all */
    int threads_most, threads, idle;
    size_t limit, jobs;
    struct tocsin__job *first, *last;
    uint32_t refs;                                     /* its owner's, each user's, each thread's */
    bool closed;
    pthread_cond_t work;
};

/* One lock for all pools: they change hands at each job, which takes far longer. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t rested = PTHREAD_COND_INITIALIZER;     /* an idle thread has ended */
static struct tocsin__pool *pools, *standard;
static struct tocsin__ids ids = { .prefix = (uint64_t)0xfffe << TOCSIN__ID_NUMBER_SHIFT };
static struct worker *workers;                         /* that run */
static __thread struct worker *current;                /* the one that this thread is; NULL: none */
static struct worker *lost;                            /* T8: that were at a job in the parent, which stays as it was */
static struct worker *ended;                           /* while somebody rests: to be joined */
static int users;                                      /* loops that have operations */
static bool resting;                                   /* somebody waits for idle threads to end */

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

/* Pools; all of it with the lock held */

static void cond_new(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

static struct tocsin__pool *pool_new(int threads, size_t limit)
{
    struct tocsin__pool *pool = tocsin__alloc(sizeof *pool);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (!pool)
        return NULL;
    cond_new(&pool->work);
    pool->threads_most = threads ? threads : processors > THREADS_LEAST ? (int)processors : THREADS_LEAST;
    pool->limit = limit ? limit : LIMIT;
    pool->refs = 1;
    pool->next = pools;
    pools = pool;
    return pool;
}

static void pool_unlink(struct tocsin__pool *pool)
{
    struct tocsin__pool **link = &pools;

    while (*link != pool)
        link = &(*link)->next;
    *link = pool->next;
}

static void pool_put(struct tocsin__pool *pool)
{
    if (--pool->refs)
        return;
    pool_unlink(pool);
    pthread_cond_destroy(&pool->work);
    tocsin__release(pool);
}

/* Threads */

static struct tocsin__job *job_take(struct tocsin__pool *pool)
{
    struct tocsin__job *job = pool->first;

    if (!job)
        return NULL;
    pool->first = job->next;
    if (pool->first)
        pool->first->previous = NULL;
    else
        pool->last = NULL;
    job->queued = false;
    pool->jobs--;
    return job;
}

/* A job, waited for at most a second; NULL: the thread is to end. */
static struct tocsin__job *job_wait(struct tocsin__pool *pool)
{
    struct tocsin__job *job;
    struct timespec until;
    int err = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    pool->idle++;
    while (!(job = job_take(pool)) && err == 0 && users && !pool->closed)
        err = pthread_cond_timedwait(&pool->work, &lock, &until);
    pool->idle--;
    return job;
}

static void *work(void *arg)
{
    struct worker *self = arg;
    struct tocsin__pool *pool = self->pool;
    struct tocsin__job *job;

    pthread_setname_np(pthread_self(), "tocsin-worker");
    pthread_mutex_lock(&lock);
    current = self;
    while ((job = job_wait(pool))) {
        self->job = job;
        pthread_mutex_unlock(&lock);
        job->run(job);
        pthread_mutex_lock(&lock);
        self->job = NULL;
    }
    pool->threads--;
    worker_unlink(self);
    if (resting) {
        worker_link(self, &ended);
    } else {                                           /* nobody may ever come */
        pthread_detach(self->thread);
        tocsin__release(self);
    }
    pthread_cond_broadcast(&rested);
    pool_put(pool);
    pthread_mutex_unlock(&lock);
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
    err = tocsin__fault() ? EAGAIN : pthread_create(&worker->thread, NULL, work, worker);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    worker->mask = was;
    if (err) {
        tocsin__release(worker);
        return -err;
    }
    worker_link(worker, &workers);
    pool->threads++;
    pool->refs++;
    return 0;
}

/* Jobs */

static void job_append(struct tocsin__pool *pool, struct tocsin__job *job)
{
    job->pool = pool;
    job->queued = true;
    job->next = NULL;
    job->previous = pool->last;
    if (pool->last)
        pool->last->next = job;
    else
        pool->first = job;
    pool->last = job;
    pool->jobs++;
}

int tocsin__pool_put(struct tocsin__pool *pool, struct tocsin__job *job)
{
    int err = 0;

    pthread_mutex_lock(&lock);
    if (pool->jobs >= pool->limit)
        err = -EAGAIN;
    else if (pool->jobs >= (size_t)pool->idle && pool->threads < pool->threads_most)
        err = worker_start(pool) < 0 && pool->threads == 0 ? -EAGAIN : 0;     /* one that is there will do */
    if (err == 0) {
        job_append(pool, job);
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&lock);
    return err;
}

bool tocsin__pool_remove(struct tocsin__job *job)
{
    struct tocsin__pool *pool = job->pool;
    bool queued;

    pthread_mutex_lock(&lock);
    queued = job->queued;
    if (queued) {
        *(job->previous ? &job->previous->next : &pool->first) = job->next;
        *(job->next ? &job->next->previous : &pool->last) = job->previous;
        job->queued = false;
        pool->jobs--;
    }
    pthread_mutex_unlock(&lock);
    return queued;
}

/* T8 */

static void fork_begins(void)
{
    pthread_mutex_lock(&lock);
}

static void fork_over(void)
{
    pthread_mutex_unlock(&lock);
}

/* Nobody waits for its jobs any more, and its threads are not here. */
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
    cond_new(&pool->work);
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

/* A thread of ours that has forked is one still, and there is no other; what it goes on to run has the signals of the program (S2). */
static void fork_child(void)
{
    for (struct tocsin__pool *pool = pools; pool; pool = pool->next)
        pool_inherit(pool);
    if (current)
        worker_unlink(current);
    workers_free(&workers);
    workers_free(&ended);
    if (current) {
        worker_link(current, &workers);
        current->pool->threads++;
        current->pool->refs++;
        pthread_sigmask(SIG_SETMASK, &current->mask, NULL);
    }
    pthread_cond_init(&rested, NULL);
    resting = false;
    users = tocsin__self->engine && tocsin__self->engine->tenant;
    fork_over();
}

static __attribute__((constructor)) void fork_watch(void)
{
    pthread_atfork(fork_begins, fork_over, fork_child);
}

/* Users */

int tocsin__pool_find(uint64_t id, struct tocsin__pool **ret_pool)
{
    struct tocsin__pool *pool;

    if (tocsin_id_error(id))
        return tocsin_id_error(id);
    pthread_mutex_lock(&lock);
    if (!id && !standard)
        standard = pool_new(0, 0);
    pool = id ? tocsin__id_object(&ids, id) : standard;
    if (pool)
        pool->refs++;
    pthread_mutex_unlock(&lock);
    *ret_pool = pool;
    return pool ? 0 : id ? -ENOENT : -ENOMEM;
}

void tocsin__pool_release(struct tocsin__pool *pool)
{
    pthread_mutex_lock(&lock);
    pool_put(pool);
    pthread_mutex_unlock(&lock);
}

void tocsin__pools_use(void)
{
    pthread_mutex_lock(&lock);
    users++;
    pthread_mutex_unlock(&lock);
}

static bool any_idle(void)
{
    for (struct tocsin__pool *pool = pools; pool; pool = pool->next)
        if (pool->idle)
            return true;
    return false;
}

/* Joining them does not wait, since they have nothing left to do. The lock is given up meanwhile. */
static void join_ended(void)
{
    while (ended) {
        struct worker *worker = ended;

        worker_unlink(worker);
        pthread_mutex_unlock(&lock);
        pthread_join(worker->thread, NULL);
        tocsin__release(worker);
        pthread_mutex_lock(&lock);
    }
}

void tocsin__pools_rest(void)
{
    pthread_mutex_lock(&lock);
    if (--users == 0) {
        resting = true;
        for (struct tocsin__pool *pool = pools; pool; pool = pool->next)
            pthread_cond_broadcast(&pool->work);
        while (any_idle() && !users)
            pthread_cond_wait(&rested, &lock);
        join_ended();
        resting = false;
        if (standard && !users && standard->refs == 1) {
            pool_put(standard);
            standard = NULL;
        }
    }
    pthread_mutex_unlock(&lock);
}

int tocsin_pool_new(int threads, size_t limit, struct tocsin_pool *ret_pool)
{
    struct tocsin__pool *pool = NULL;
    int err = !ret_pool || threads < 0 || threads > THREADS_MAX ? -EINVAL : 0;

    if (err == 0) {
        pthread_mutex_lock(&lock);
        pool = pool_new(threads, limit);
        if (pool)
            pool->id = tocsin__id_new(&ids, pool);
        err = pool && pool->id ? 0 : -ENOMEM;
        if (pool && err < 0)
            pool_put(pool);
        pthread_mutex_unlock(&lock);
    }
    if (ret_pool)
        ret_pool->id = err < 0 ? (uint64_t)(int64_t)err : pool->id;
    return err;
}

int tocsin_pool_free(struct tocsin_pool id)
{
    struct tocsin__pool *pool;
    int err = tocsin_id_error(id.id);

    if (err < 0)
        return err;
    pthread_mutex_lock(&lock);
    pool = tocsin__id_object(&ids, id.id);
    if (pool) {
        tocsin__id_free(&ids, id.id);
        pool->closed = true;
        pthread_cond_broadcast(&pool->work);
        pool_put(pool);
    }
    pthread_mutex_unlock(&lock);
    return pool ? 0 : -ENOENT;
}
