/* A result that one thread stores and another one waits for. The operation only wakes the waiter.
   Its status is not used, since other code may end the operation, and an injection function
   (tocsin/inject.h) may change its status. */
#ifndef TOOLS_PROMISE_H
#define TOOLS_PROMISE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <tocsin.h>

struct promise {
    pthread_mutex_t lock; /* protects op, which is replaced after a failed wait */
    struct tocsin_op op;
    _Atomic bool kept; /* result and reason are set */
    _Atomic int refs;  /* the waiter's and the keeper's */
    int result;
    char reason[512]; /* "": no reason */
};

/* Notify for operations of the host; no injection function sees them. */
#define HOST_CALL(function, argument) \
    (&(const struct tocsin_notify){ \
        .mode = TOCSIN_AT_END | TOCSIN_NO_INJECT, .fn = (function), .arg = (argument) })

/* Returns a promise with two references, or NULL and an error in *ret_err. */
struct promise *promise_new(int *ret_err);
/* Stores the result and drops a reference. Any thread may call it. */
void promise_keep(struct promise *promise, int result);
/* Waits until the promise is kept, without limit if limit_ms is -1. Call it on a fiber or on the
   main loop. Returns false if the promise is not kept yet; then the caller may wait again. */
bool promise_wait(struct promise *promise, int64_t limit_ms);
void promise_put(struct promise *promise); /* drops the waiter's reference */

#endif
