/* Makes, finds and frees pools, and manages their queues of jobs. worker.c has the threads. */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/work.h>

#include "base/assert.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/refusal.h"
#include "op/work/pool.h"

enum { THREADS_MAX = 1024, THREADS_LEAST = 4, LIMIT = 1024 };

pthread_mutex_t tocsin__pools_lock = PTHREAD_MUTEX_INITIALIZER;
struct tocsin__pool *tocsin__pools;
/* the pools of the process; NULL: not made yet */
static struct tocsin__pool *standard, *files;
static struct tocsin__ids ids = { .prefix = TOCSIN__ID_PREFIX(0xfffe, TOCSIN__ID_POOLS) };

void tocsin__pool_cond_init(pthread_cond_t *cond)
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
    tocsin__pool_cond_init(&pool->work);
    pool->threads_most = threads                      ? threads
                         : processors > THREADS_LEAST ? (int)processors
                                                      : THREADS_LEAST;
    pool->limit = limit ? limit : LIMIT;
    pool->refs = 1;
    pool->next = tocsin__pools;
    tocsin__pools = pool;
    return pool;
}

static void pool_unlink(struct tocsin__pool *pool)
{
    struct tocsin__pool **link = &tocsin__pools;

    while (*link != pool)
        link = &(*link)->next;
    *link = pool->next;
}

void tocsin__pool_unref(struct tocsin__pool *pool)
{
    tocsin__assert(pool->refs > 0);
    if (--pool->refs)
        return;
    pool_unlink(pool);
    pthread_cond_destroy(&pool->work);
    tocsin__release(pool);
}

struct tocsin__job *tocsin__job_take(struct tocsin__pool *pool)
{
    struct tocsin__job *job = pool->first;

    tocsin__assert(!job == (pool->jobs == 0));
    if (!job)
        return NULL;
    tocsin__assert(job->queued && job->pool == pool);
    pool->first = job->next;
    if (pool->first)
        pool->first->previous = NULL;
    else
        pool->last = NULL;
    job->queued = false;
    pool->jobs--;
    return job;
}

void tocsin__job_append(struct tocsin__pool *pool, struct tocsin__job *job)
{
    tocsin__assert(!job->queued);
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

bool tocsin__job_remove(struct tocsin__job *job)
{
    struct tocsin__pool *pool = job->pool;
    bool queued;

    pthread_mutex_lock(&tocsin__pools_lock);
    queued = job->queued;
    if (queued) {
        *(job->previous ? &job->previous->next : &pool->first) = job->next;
        *(job->next ? &job->next->previous : &pool->last) = job->previous;
        job->queued = false;
        pool->jobs--;
    }
    pthread_mutex_unlock(&tocsin__pools_lock);
    return queued;
}

int tocsin__pool_find(uint64_t id, struct tocsin__pool **ret_pool)
{
    struct tocsin__pool *pool;

    if (tocsin_id_error(id))
        return tocsin_id_error(id);
    pthread_mutex_lock(&tocsin__pools_lock);
    if (!id && !standard)
        standard = pool_new(0, 0);
    pool = id ? tocsin__id_object(&ids, id) : standard;
    if (pool)
        pool->refs++;
    pthread_mutex_unlock(&tocsin__pools_lock);
    *ret_pool = pool;
    return pool ? 0 : id ? -ENOENT : -ENOMEM;
}

void tocsin__pool_release(struct tocsin__pool *pool)
{
    pthread_mutex_lock(&tocsin__pools_lock);
    tocsin__pool_unref(pool);
    pthread_mutex_unlock(&tocsin__pools_lock);
}

int tocsin__pool_of_files(struct tocsin__pool **ret_pool)
{
    pthread_mutex_lock(&tocsin__pools_lock);
    if (!files)
        files = pool_new(0, SIZE_MAX);
    if (files)
        files->refs++;
    *ret_pool = files;
    pthread_mutex_unlock(&tocsin__pools_lock);
    return *ret_pool ? 0 : -ENOMEM;
}

static void pool_free_unused(struct tocsin__pool **pool)
{
    if (!*pool || (*pool)->refs > 1)
        return;
    tocsin__pool_unref(*pool);
    *pool = NULL;
}

void tocsin__pool_standard_free(void)
{
    pool_free_unused(&standard);
    pool_free_unused(&files);
}

int tocsin_pool_new(int threads, size_t limit, struct tocsin_pool *ret_pool)
{
    struct tocsin__pool *pool = NULL;
    int err = !ret_pool || threads < 0 || threads > THREADS_MAX ? -EINVAL : 0;

    if (err == 0) {
        pthread_mutex_lock(&tocsin__pools_lock);
        pool = pool_new(threads, limit);
        if (pool)
            pool->id = tocsin__id_new(&ids, pool);
        err = pool && pool->id ? 0 : -ENOMEM;
        if (pool && err < 0)
            tocsin__pool_unref(pool);
        pthread_mutex_unlock(&tocsin__pools_lock);
    }
    if (ret_pool)
        ret_pool->id = err < 0 ? (uint64_t)(int64_t)err : pool->id;
    return tocsin__traced(err);
}

int tocsin_pool_free(struct tocsin_pool id)
{
    struct tocsin__pool *pool;
    int err = tocsin_id_error(id.id);

    if (err < 0)
        return tocsin__traced(err);
    pthread_mutex_lock(&tocsin__pools_lock);
    pool = tocsin__id_object(&ids, id.id);
    if (pool) {
        tocsin__id_free(&ids, id.id);
        pool->closed = true;
        pthread_cond_broadcast(&pool->work);
        tocsin__pool_unref(pool);
    }
    pthread_mutex_unlock(&tocsin__pools_lock);
    return tocsin__traced(pool ? 0 : -ENOENT);
}
