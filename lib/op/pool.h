/* Threads for functions that block. A thread starts when there is a job and none is idle, ends when idle for a second, and blocks
   every signal (S2). */
#ifndef TOCSIN_OP_POOL_H
#define TOCSIN_OP_POOL_H

#include <stdbool.h>
#include <stdint.h>

struct tocsin__pool;

/* What a pool runs; its owner's memory until run has been called or tocsin__pool_remove has answered true. */
struct tocsin__job {
    struct tocsin__job *next, *previous;
    void (*run)(struct tocsin__job *job);
    struct tocsin__pool *pool;
    bool queued;
    bool forgotten;                                    /* T8: it was queued when the process forked, and this is the child: it never runs */
};

int  tocsin__pool_find(uint64_t id, struct tocsin__pool **ret_pool);     /* 0: the process's. The pool is held until tocsin__pool_release */
void tocsin__pool_release(struct tocsin__pool *pool);
int  tocsin__pool_put(struct tocsin__pool *pool, struct tocsin__job *job);     /* -EAGAIN: full, or no thread */
bool tocsin__pool_remove(struct tocsin__job *job);     /* false: it has begun */

/* So long as one loop has operations, threads may idle; when the last one ends they are ended, and waited for. */
void tocsin__pools_use(void);
void tocsin__pools_rest(void);

#endif
