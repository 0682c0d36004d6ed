/* What "tocsin run" is while it runs. The main thread reads, compares and asks; each loop of the file is a thread of its own. */
#ifndef TOOLS_HOST_H
#define TOOLS_HOST_H

#include <pthread.h>
#include <tocsin.h>

#include "keys.h"
#include "plan.h"

/* The host's own signals. */
#define HOST_STARTED(F)  F(u32, plugins) F(u32, loops)
#define HOST_RELOADED(F) F(u32, plugins) F(u32, loops) F(u32, failed) F(string, error)
#define HOST_TICKED(F)   F(u64, count)
#define HOST_DRAINING(F) F(string, by)
TOCSIN_LAYOUT(host_started, HOST_STARTED);
TOCSIN_LAYOUT(host_reloaded, HOST_RELOADED);
TOCSIN_LAYOUT(host_ticked, HOST_TICKED);
TOCSIN_LAYOUT(host_draining, HOST_DRAINING);

struct host;

struct thread {                                        /* a loop that is not the main one */
    struct thread *next;
    struct host *host;
    char *name;
    pthread_t id;
    struct tocsin_loop loop;
    struct tocsin_op up, gone;                         /* completed by the thread: its loop is there; it is no more */
    int64_t drain_ms;
    bool told;                                         /* to end */
};

struct act {                                           /* an entry of [actions] that is in force */
    struct act *next;
    struct host *host;
    char *pattern;
    enum action action;
    struct tocsin_handler handler;
};

struct known {                                         /* a plugin that is loaded, and as what */
    struct known *next;
    char *name, *loop, *said;
    struct stamp stamp;
};

struct host {
    const char *file;
    char *path;                                        /* that was set when it began: it stays */
    struct plan *plan;
    struct thread *threads;
    struct act *acts;
    struct known *known;
    struct tocsin_op tick;
    int64_t tick_ms, asked_us, end_by_us;              /* asked_us: since when it is ending; 0: it is not */
    uint64_t ticks;
    unsigned failed;                                   /* things that could not be applied, this time */
    bool ending, reloading, again;
    int started, reloaded, ticked, draining;           /* signos */
};

void host_failed(struct host *host, const char *format, ...) __attribute__((format(printf, 2, 3)));
void host_end(struct host *host, const char *by);      /* asks it to end; a second time: it ends */
_Noreturn void host_end_now(const char *by);           /* from any thread */

/* guard.c: a thread that hears SIGTERM and SIGINT as well, and ends the program at the second, or when so much time, and a little more, is over: also where the main loop does not come to it. */
int  guard_begin(void);
void guard_limit(int64_t limit_ms);                    /* so much time, from then on */
void guard_start(void);                                /* it begins now, and once, whoever says so */
void guard_end(void);

/* threads.c. The calls wait; the main loop goes on meanwhile. */
int  thread_new(pthread_t *ret_id, void *(*body)(void *arg), void *arg);   /* that no real signal is taken on: those are the main thread's */
void promise_drop(struct tocsin_op promise);           /* one that nobody will complete: left alone it would be waited for in the end */
int  host_call(struct tocsin_loop loop, tocsin_task task, void *arg);      /* what the task answered, on that loop */
int  host_call_all(struct host *host, tocsin_task task, void *arg);        /* on each; the first error */
struct tocsin_loop host_loop(const struct host *host, const char *name);
void threads_begin(struct host *host, const struct plan *plan);            /* those that are new */
void threads_end(struct host *host, const struct plan *plan, int64_t drain_ms);    /* those that are not in it; NULL: all */
unsigned threads_count(const struct host *host);

/* actions.c */
int  host_declare(struct host *host);
void actions_listen(struct host *host, const struct plan *plan);           /* what is listed no more ends; NULL: all of it. What is new begins */
void actions_ignore(struct host *host, const struct plan *plan);           /* but what is ignored: that when the plugins have declared it */
void actions_begin(struct host *host, struct tocsin_loop loop);            /* what is ignored, on a loop that is new */

/* apply.c */
void host_apply(struct host *host, struct plan *plan);                     /* the plan is the host's from then on */
void host_unload_all(struct host *host);
unsigned host_plugins(void);                           /* how many are loaded */

#endif
