/* A result that one thread stores, and that another thread waits for. The operation only wakes the
 * waiting thread. The status of the operation is not used: other code may end the operation, and an
 * injection function (tocsin/inject.h) may change its status. */
#ifndef TOOLS_PROMISE_H
#define TOOLS_PROMISE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <tocsin.h>

struct promise {
    pthread_mutex_t lock; /* protects the member `op`, which is replaced after a failed wait */
    struct tocsin_op op;
    _Atomic bool kept; /* true when result and reason are set */
    /* the references of the waiting thread and of the thread that stores the result */
    _Atomic int refs;
    int result;
    char reason[512]; /* an empty text means that there is no reason */
};

/* A notify for operations of the host. No injection function sees these operations. */
#define HOST_CALL(function, argument) \
    (&(const struct tocsin_notify){ \
        .mode = TOCSIN_AT_END | TOCSIN_NO_INJECT, .fn = (function), .arg = (argument) })

/* Returns a promise with two references. On failure, returns NULL and stores an error in
 *ret_err. */
struct promise *promise_new(int *ret_err);
/* Stores the result, and releases a reference. Any thread may call this function. */
void promise_keep(struct promise *promise, int result);
/* Waits until the promise is kept, without limit if limit_ms is -1. It must be called on a fiber or
   on the main loop. Returns false if the promise is not kept yet. Then the caller may wait
   again. */
bool promise_wait(struct promise *promise, int64_t limit_ms);
void promise_put(struct promise *promise); /* releases the reference of the waiting thread */

#endif
