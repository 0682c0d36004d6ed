#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/host.h>
#include <tocsin/provider.h>
#include <tocsin/watchdog.h>

#include "actions.h"
#include "mem.h"
#include "print/say.h"
#include "threads.h"

enum { GRACE_MS = 1000, CALL_LIMIT_MS = 5000 };

/* A call to a loop. The request has memory of its own, because a loop that hangs may run the call
   after the caller's time limit. */
struct request {
    struct call call;
    struct promise *promise;
};

static int on_call(void *arg)
{
    const struct request *request = arg;
    int result = request->call.task(request->call.arg);

    snprintf(request->promise->reason, sizeof request->promise->reason, "%s",
             result < 0 ? tocsin_plugin_last_error() : "");
    promise_keep(request->promise, result);
    return 0;
}

static void request_drop(void *arg)
{
    struct request *request = arg;

    if (request->call.drop)
        request->call.drop(request->call.arg);
    free(request);
}

int host_call(struct tocsin_loop loop, struct call call, int64_t limit_ms, char *reason)
{
    struct request *request = must_alloc(sizeof *request);
    struct promise *promise;
    int err;

    *request = (struct request){ call, promise_new(&err) };
    promise = request->promise;
    if (promise)
        err = tocsin_loop_call(loop, on_call, request, request_drop);
    if (err < 0) {
        request_drop(request);
        if (promise)
            promise_keep(promise, err);
    } else {
        err = promise_wait(promise, limit_ms) ? promise->result : -ETIMEDOUT;
    }
    if (promise && reason)
        snprintf(reason, sizeof promise->reason, "%s", err == -ETIMEDOUT ? "" : promise->reason);
    if (promise)
        promise_put(promise);
    return err;
}

int host_call_with(struct tocsin_loop loop, tocsin_task task, const void *arg, size_t size)
{
    void *copy = must_alloc(size);

    memcpy(copy, arg, size);
    return host_call(loop, (struct call){ task, copy, free }, CALL_LIMIT_MS, NULL);
}

int host_call_all(struct host *host, tocsin_task task, const void *arg, size_t size)
{
    int first = host_call_with(tocsin_loop_main(), task, arg, size);

    for (struct thread *thread = host->threads; thread; thread = thread->next) {
        int err = thread->leaving ? 0 : host_call_with(thread->loop, task, arg, size);

        first = first < 0 ? first : err;
    }
    return first;
}

/* Functions that run on the thread of a loop */

static int on_stopped(void *arg)
{
    struct thread *thread = arg;
    char *by = must_format("loop %s, because it was stopped", thread->name);

    host_end_unasked(thread->host, by);
    free(by);
    return 0;
}

static int on_asked(const struct tocsin_info *info, void *arg)
{
    struct thread *thread = arg;

    thread->told = true;
    return info->status < 0 ? TOCSIN_NEXT : tocsin_drain(thread->drain_ms);
}

/* Runs the loop. If a plugin stops the loop, the end of the program is requested. The loop must
   then continue to run until the thread is asked to end, because plugins are unloaded on this
   loop. */
static void thread_serve(struct thread *thread)
{
    int err = -EAGAIN;

    tocsin_run();
    host_leave_child();
    if (thread->told)
        return;
    while (!thread->told && err == -EAGAIN) {
        err = tocsin_loop_call(tocsin_loop_main(), on_stopped, thread, NULL);
        if (tocsin_loop_turn(err == -EAGAIN ? 10 : 0) < 0)
            return;
    }
    while (!thread->told && tocsin_loop_turn(-1) >= 0)
        ;
    tocsin_run();
}

/* Creates the loop. The operation that asks the thread to end belongs to this loop, so a full inbox
   cannot refuse it. */
static int loop_begin(struct thread *thread)
{
    const struct tocsin_notify notify = {
        .mode = TOCSIN_AT_END | TOCSIN_BACKGROUND | TOCSIN_NO_INJECT, .fn = on_asked, .arg = thread
    };
    int err = tocsin_loop_turn(0);

    tocsin_loop_name(thread->name);
    if (err >= 0)
        err = tocsin_op_new(NULL, &notify, &thread->ask);
    return err < 0 ? err : 0;
}

static void *thread_main(void *arg)
{
    struct thread *thread = arg;
    struct promise *gone = thread->gone;
    int err = loop_begin(thread);

    pthread_mutex_lock(&thread->lock);
    thread->loop = tocsin_loop_current();
    thread->err = err;
    thread->begun = true;
    pthread_cond_signal(&thread->changed);
    pthread_mutex_unlock(&thread->lock);
    if (err == 0)
        thread_serve(thread);
    tocsin_loop_free();
    promise_keep(gone, 0);
    return NULL;
}

int thread_new(pthread_t *ret_id, void *(*body)(void *arg), void *arg)
{
    sigset_t all, before;
    int err;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    err = pthread_create(ret_id, NULL, body, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -err;
}

static void thread_free(struct thread *thread)
{
    if (thread->gone)
        promise_put(thread->gone);
    pthread_cond_destroy(&thread->changed);
    pthread_mutex_destroy(&thread->lock);
    free(thread->name);
    free(thread);
}

/* Starts the thread, and waits until the member `begun` is set. The main loop runs no turn
   meanwhile. Until then the new thread runs no plugin code, so it cannot hang. */
static int thread_start(struct thread *thread)
{
    int err;

    thread->gone = promise_new(&err);
    if (!thread->gone)
        return err;
    err = thread_new(&thread->id, thread_main, thread);
    if (err < 0) {
        promise_keep(thread->gone, err);
        return err;
    }
    pthread_mutex_lock(&thread->lock);
    while (!thread->begun)
        pthread_cond_wait(&thread->changed, &thread->lock);
    pthread_mutex_unlock(&thread->lock);
    if (thread->err < 0)
        pthread_join(thread->id, NULL);
    return thread->err;
}

static void thread_begin(struct host *host, const char *name)
{
    struct thread *thread = must_alloc(sizeof *thread);
    int err;

    thread->host = host;
    thread->name = must_copy(name);
    pthread_mutex_init(&thread->lock, NULL);
    pthread_cond_init(&thread->changed, NULL);
    err = thread_start(thread);
    if (err < 0) {
        host_failed(host, "cannot start loop %s: %s", name, tocsin_strerror(err));
        thread_free(thread);
        return;
    }
    thread->next = host->threads;
    host->threads = thread;
    actions_begin(host, thread->loop);
}

static void thread_remove(struct host *host, struct thread *thread)
{
    struct thread **link = &host->threads;

    while (*link != thread)
        link = &(*link)->next;
    *link = thread->next;
    pthread_join(thread->id, NULL);
    thread_free(thread);
}

/* Ends a thread. The thread is joined only after it has kept its promise "gone", so a thread that
   hangs cannot block the host. A thread that has not ended in time stays in the list, and the next
   reload waits for it again. At the end of the program this wait has no limit, since the guard ends
   the program. */
static void thread_end(struct host *host, struct thread *thread, int64_t drain_ms, int64_t limit_ms)
{
    char runs[LINE_MOST / 2];

    if (!thread->leaving) {
        thread->drain_ms = drain_ms;
        thread->leaving = true;
        /* The result -ENOENT is ignored, since it means that the loop has ended already. */
        tocsin_op_complete(thread->ask, 0, NULL);
    }
    if (promise_wait(thread->gone, limit_ms)) {
        thread_remove(host, thread);
        return;
    }
    tocsin_still_running(runs, sizeof runs);
    host_failed(host, "cannot end loop %s: still running: %s", thread->name, runs);
}

static struct thread *thread_find(const struct host *host, const char *name)
{
    struct thread *thread = host->threads;

    while (thread && strcmp(thread->name, name) != 0)
        thread = thread->next;
    return thread;
}

struct tocsin_loop host_loop(const struct host *host, const char *name)
{
    const struct thread *thread = thread_find(host, name);

    if (thread)
        return thread->leaving ? (struct tocsin_loop){ 0 } : thread->loop;
    return strcmp(name, "main") == 0 ? tocsin_loop_main() : (struct tocsin_loop){ 0 };
}

void threads_begin(struct host *host, const struct plan *plan)
{
    struct index names = { .room = 0 };

    for (struct thread *thread = host->threads, *next; thread; thread = next) {
        next = thread->next;
        if (thread->leaving && config_section(plan->config, SECTION_LOOP, thread->name))
            /* the loop may have ended by itself since the last reload */
            thread_end(host, thread, 0, 0);
    }
    for (const struct thread *thread = host->threads; thread; thread = thread->next)
        index_add(&names, 0, thread->name, 0);
    for (size_t i = 0; i < plan->config->count; i++) {
        const struct section *section = &plan->config->sections[i];

        if (section->kind == SECTION_LOOP && index_find(&names, 0, section->name) == INDEX_NONE)
            thread_begin(host, section->name);
    }
    index_free(&names);
}

void threads_end(struct host *host, const struct plan *plan, int64_t drain_ms)
{
    struct thread *thread = host->threads;

    while (thread) {
        struct thread *next = thread->next;

        if (!plan || !config_section(plan->config, SECTION_LOOP, thread->name))
            thread_end(host, thread, drain_ms, plan ? drain_ms + GRACE_MS : -1);
        thread = next;
    }
}

unsigned threads_count(const struct host *host)
{
    unsigned count = 1;

    for (const struct thread *thread = host->threads; thread; thread = thread->next)
        count++;
    return count;
}
