/* The loops of the file, each on a thread of its own, and calls to loops. A call waits for its
   result while the main loop runs. */
#ifndef TOOLS_THREADS_H
#define TOOLS_THREADS_H

#include <pthread.h>

#include "host.h"
#include "promise.h"

struct thread { /* a loop other than the main one */
    struct thread *next;
    struct host *host;
    char *name;
    pthread_t id;
    struct tocsin_loop loop;
    struct tocsin_op ask; /* its completion asks the thread to end */
    struct promise *gone; /* kept after the thread has freed its loop */
    int64_t drain_ms;
    int64_t watchdog_ms; /* the watchdog limit of its loop */
    bool told;           /* the thread was asked to end; only the thread writes it */
    bool leaving;        /* the thread was asked to end; only the main thread writes it */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool begun; /* under lock: loop, ask and err are set */
    int err;    /* negative: the loop could not be created, and the thread has ended */
};

/* Starts a thread that receives no real signals, because only the main thread handles them. */
int thread_new(pthread_t *ret_id, void *(*body)(void *arg), void *arg);

struct call {
    tocsin_task task;
    void *arg;
    void (*drop)(void *arg); /* called after the task, or instead of it; may be NULL */
};
/* Runs the task on that loop and returns its result, or -ETIMEDOUT. reason: 512 bytes, or NULL */
int host_call(struct tocsin_loop loop, struct call call, int64_t limit_ms, char *reason);
/* Runs the task on that loop with a copy of arg; -ETIMEDOUT after 5 s. */
int host_call_with(struct tocsin_loop loop, tocsin_task task, const void *arg, size_t size);
/* Runs the task on each loop, with a copy of arg. Returns the first error. */
int host_call_all(struct host *host, tocsin_task task, const void *arg, size_t size);

/* returns id 0 if there is no such loop, or if it is ending */
struct tocsin_loop host_loop(const struct host *host, const char *name);
/* creates the loops that the plan lists and that do not exist yet */
void threads_begin(struct host *host, const struct plan *plan);
/* Ends the loops that the plan does not list; plan NULL: all. */
void threads_end(struct host *host, const struct plan *plan, int64_t drain_ms);
unsigned threads_count(const struct host *host);

#endif
