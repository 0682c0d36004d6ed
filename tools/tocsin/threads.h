/* The loops of the file, each on a thread of its own, and calls to loops. A call waits for its
   result while the main loop runs. */
#ifndef TOOLS_THREADS_H
#define TOOLS_THREADS_H

#include <pthread.h>

#include "host.h"
#include "promise.h"

struct thread { /* the thread of a loop other than the main loop */
    struct thread *next;
    struct host *host;
    char *name;
    pthread_t id;
    struct tocsin_loop loop;
    struct tocsin_op ask; /* the completion of this operation asks the thread to end */
    struct promise *gone; /* a promise that the thread keeps when it has freed its loop */
    int64_t drain_ms;
    int64_t watchdog_ms; /* the limit of the watchdog on its loop */
    bool told;           /* true if the thread was asked to end; only the thread itself writes it */
    bool leaving;        /* true if the thread was asked to end; only the main thread writes it */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool begun; /* true when loop, ask and err are set; protected by lock */
    int err;    /* negative if the loop could not be created; then the thread has ended */
};

/* Starts a thread with all real signals blocked: only one thread of guard.c handles them. */
int thread_new(pthread_t *ret_id, void *(*body)(void *arg), void *arg);

struct call {
    tocsin_task task;
    void *arg;
    /* called after the task, or without the task if the task never runs; may be NULL */
    void (*drop)(void *arg);
};
/* Runs the task on the given loop. Returns the result of the task, or -ETIMEDOUT. The buffer
 * `reason` has 512 bytes, or is NULL. */
int host_call(struct tocsin_loop loop, struct call call, int64_t limit_ms, char *reason);
/* Runs the task on the given loop, with a copy of arg. Returns -ETIMEDOUT after 5 seconds. */
int host_call_with(struct tocsin_loop loop, tocsin_task task, const void *arg, size_t size);
/* Runs the task on each loop, with a copy of arg. Returns the first error, or 0. */
int host_call_all(struct host *host, tocsin_task task, const void *arg, size_t size);

/* returns the id 0 if there is no such loop, or if the loop is ending */
struct tocsin_loop host_loop(const struct host *host, const char *name);
/* creates the loops that the plan lists, unless they exist already */
void threads_begin(struct host *host, const struct plan *plan);
/* Ends the loops that the plan does not list. If plan is NULL, ends all loops. */
void threads_end(struct host *host, const struct plan *plan, int64_t drain_ms);
unsigned threads_count(const struct host *host);

#endif
