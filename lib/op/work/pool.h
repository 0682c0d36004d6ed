/* Pools of threads that run functions that may block. Each pool has a bounded queue of jobs. */
#ifndef TOCSIN_OP_POOL_H
#define TOCSIN_OP_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct tocsin__pool;

/* A function that a pool runs. Its memory is the caller's until run or died has been called, or
   tocsin__job_remove has returned true. */
struct tocsin__job {
    struct tocsin__job *next, *previous;
    void (*run)(struct tocsin__job *job);
    /* called instead of the rest of `run` if `run` has ended its thread, or if the pool has no
     * thread */
    void (*died)(struct tocsin__job *job, int status);
    struct tocsin__pool *pool;
    bool queued;
    bool forgotten; /* the job was queued when the process forked (T8); the child never runs it */
};

struct tocsin__pool {
    uint64_t id;               /* 0: a pool of the process */
    struct tocsin__pool *next; /* link in the list of all pools */
    int threads_most, threads, idle;
    size_t limit, jobs; /* the most jobs that may wait, and the number that waits */
    struct tocsin__job *first, *last;
    uint32_t refs; /* references: one of the owner, one of each operation that uses the pool, one of
                    * each thread */
    bool closed;
    pthread_cond_t work; /* signalled when a job was added, and when idle threads must end */
};

/* One lock for all pools and their threads. A job holds it only briefly, so one lock is enough. */
extern tocsin__hidden pthread_mutex_t tocsin__pools_lock;
extern tocsin__hidden struct tocsin__pool *tocsin__pools;

/* Finds a pool and takes a reference. id 0: the standard pool of the process, which is made at its
 * first use. */
int tocsin__pool_find(uint64_t id, struct tocsin__pool **ret_pool);
/* Takes a reference to the pool that serves files, made if there is none. Its queue has no limit: a
   file has at most one job in it. -ENOMEM */
int tocsin__pool_of_files(struct tocsin__pool **ret_pool);
void tocsin__pool_release(struct tocsin__pool *pool);
/* Removes a job from its queue. Returns false if a thread already runs the job, or has run it. */
bool tocsin__job_remove(struct tocsin__job *job);

/* The caller of the following functions holds tocsin__pools_lock. */
void tocsin__pool_cond_init(pthread_cond_t *cond);
void tocsin__pool_unref(struct tocsin__pool *pool);
/* Frees the pools of the process that nobody uses. */
void tocsin__pool_standard_free(void);
void tocsin__job_append(struct tocsin__pool *pool, struct tocsin__job *job);
struct tocsin__job *tocsin__job_take(struct tocsin__pool *pool); /* Takes the next job of the pool.
                                                                  * NULL: no job waits. */

#endif
