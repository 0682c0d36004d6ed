#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "mem.h"

/* A call over to a loop: it completes a promise there, and whoever called waits for that, as a fiber or in turns of the main loop. */
struct call { tocsin_task task; void *arg; struct tocsin_op done; };

static int on_call(void *arg)
{
    const struct call *call = arg;

    return tocsin_op_complete(call->done, call->task(call->arg), NULL);
}

void promise_drop(struct tocsin_op promise)
{
    tocsin_op_complete(promise, -ECANCELED, NULL);
    tocsin_op_free(promise);
}

int host_call(struct tocsin_loop loop, tocsin_task task, void *arg)
{
    struct call call = { .task = task, .arg = arg };
    int err = tocsin_op_new(NULL, TOCSIN_FUTURE, &call.done);

    if (err == 0)
        err = tocsin_loop_call(loop, on_call, &call, NULL);
    if (err < 0) {
        promise_drop(call.done);
        return err;
    }
    return tocsin_wait(call.done, -1, NULL);
}

int host_call_all(struct host *host, tocsin_task task, void *arg)
{
    int first = host_call(tocsin_loop_main(), task, arg);

    for (struct thread *thread = host->threads; thread; thread = thread->next) {
        int err = host_call(thread->loop, task, arg);

        first = first < 0 ? first : err;
    }
    return first;
}

/* On the thread */

static int on_stopped(void *arg)
{
    struct thread *thread = arg;
    char *by = must_format("loop %s, which was stopped", thread->name);

    if (!thread->host->ending)
        host_end(thread->host, by);
    free(by);
    return 0;
}

static int on_end(void *arg)
{
    struct thread *thread = arg;

    thread->told = true;
    return tocsin_drain(thread->drain_ms);
}

/* A plugin that stops its loop has the program end; until it is told so, the loop serves the plugins that go. */
static void serve(struct thread *thread)
{
    tocsin_run();
    if (thread->told)
        return;
    tocsin_loop_call(tocsin_loop_main(), on_stopped, thread, NULL);
    while (!thread->told && tocsin_turn(-1) >= 0)
        ;
    tocsin_run();
}

static void *thread_main(void *arg)
{
    struct thread *thread = arg;
    struct tocsin_op gone = thread->gone;
    int err = tocsin_turn(0);

    thread->loop = tocsin_loop_current();
    tocsin_op_complete(thread->up, err < 0 ? err : 0, NULL);
    if (err >= 0)
        serve(thread);
    tocsin_free();
    tocsin_op_complete(gone, 0, NULL);
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
    free(thread->name);
    free(thread);
}

static int thread_start(struct thread *thread)
{
    int err = tocsin_op_new(NULL, TOCSIN_FUTURE, &thread->up);

    if (err == 0)
        err = tocsin_op_new(NULL, TOCSIN_FUTURE, &thread->gone);
    if (err == 0)
        err = thread_new(&thread->id, thread_main, thread);
    if (err < 0) {
        promise_drop(thread->up);
        return err;
    }
    err = tocsin_wait(thread->up, -1, NULL);
    if (err < 0)
        pthread_join(thread->id, NULL);
    return err;
}

static void thread_begin(struct host *host, const char *name)
{
    struct thread *thread = must_alloc(sizeof *thread);
    int err;

    thread->host = host;
    thread->name = must_copy(name);
    err = thread_start(thread);
    if (err < 0) {
        host_failed(host, "loop %s: %s", name, tocsin_strerror(err));
        promise_drop(thread->gone);
        thread_free(thread);
        return;
    }
    thread->next = host->threads;
    host->threads = thread;
    actions_begin(host, thread->loop);
}

/* What is left when its time is over is cancelled and announced; it is waited for, however long that takes: a second signal ends the program. */
static void thread_end(struct host *host, struct thread *thread, int64_t drain_ms)
{
    struct thread **link = &host->threads;

    while (*link != thread)
        link = &(*link)->next;
    *link = thread->next;
    thread->drain_ms = drain_ms;
    if (tocsin_loop_call(thread->loop, on_end, thread, NULL) < 0)
        host_failed(host, "loop %s cannot be asked to end", thread->name);
    else if (tocsin_wait(thread->gone, -1, NULL) == 0)
        pthread_join(thread->id, NULL);
    thread_free(thread);
}

static struct thread *thread_named(const struct host *host, const char *name)
{
    struct thread *thread = host->threads;

    while (thread && strcmp(thread->name, name) != 0)
        thread = thread->next;
    return thread;
}

struct tocsin_loop host_loop(const struct host *host, const char *name)
{
    const struct thread *thread = thread_named(host, name);

    return thread ? thread->loop : strcmp(name, "main") == 0 ? tocsin_loop_main() : (struct tocsin_loop){ 0 };
}

void threads_begin(struct host *host, const struct plan *plan)
{
    for (size_t i = 0; i < plan->config->count; i++) {
        const struct section *section = &plan->config->sections[i];

        if (section->kind == SECTION_LOOP && !thread_named(host, section->name))
            thread_begin(host, section->name);
    }
}

void threads_end(struct host *host, const struct plan *plan, int64_t drain_ms)
{
    struct thread *thread = host->threads;

    while (thread) {
        struct thread *next = thread->next;

        if (!plan || !config_section(plan->config, SECTION_LOOP, thread->name))
            thread_end(host, thread, drain_ms);
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
