/* Pools of threads for functions that block: a bounded queue of jobs each. */
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
    /* called if run ended its thread, or if the pool has no thread */
    void (*died)(struct tocsin__job *job, int status);
    struct tocsin__pool *pool;
    bool queued;
    bool forgotten; /* T8: it was queued when the process forked; in the child it never runs */
};

struct tocsin__pool {
    uint64_t id;               /* 0: a pool of the process */
    struct tocsin__pool *next; /* link in the list of all pools */
    int threads_most, threads, idle;
    size_t limit, jobs; /* the most jobs that may wait; how many wait */
    struct tocsin__job *first, *last;
    uint32_t refs; /* references: one of the owner, one of each user, one of each thread */
    bool closed;
    pthread_cond_t work; /* a job was added, or the idle threads are to end */
};

/* One lock for all pools and their threads: it is taken for each job, and a job takes far longer.
 */
extern tocsin__hidden pthread_mutex_t tocsin__pools_lock;
extern tocsin__hidden struct tocsin__pool *tocsin__pools;

/* Finds a pool and takes a reference. id 0: the pool of the process, made if there is none. */
int tocsin__pool_find(uint64_t id, struct tocsin__pool **ret_pool);
/* Takes a reference to the pool that serves files, made if there is none. Its queue has no limit: a
   file has at most one job in it. -ENOMEM */
int tocsin__pool_of_files(struct tocsin__pool **ret_pool);
void tocsin__pool_release(struct tocsin__pool *pool);
/* Takes a job out of its queue. false: a thread runs it, or has run it. */
bool tocsin__job_remove(struct tocsin__job *job);

/* The caller of these holds the lock. */
void tocsin__pool_cond_init(pthread_cond_t *cond);
void tocsin__pool_unref(struct tocsin__pool *pool);
/* Frees the pools of the process that nobody uses. */
void tocsin__pool_standard_free(void);
void tocsin__job_append(struct tocsin__pool *pool, struct tocsin__job *job);
struct tocsin__job *tocsin__job_take(struct tocsin__pool *pool); /* NULL: none waits */

#endif
