/* TOCSIN_DEBUG=1: the library prints errors, full queues, and the objects that are left when a loop
   ends. Without TOCSIN_DEBUG=1 the library prints nothing (F2). */
#define _GNU_SOURCE /* makes the headers declare secure_getenv and pthread_getname_np */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <tocsin.h>
#include <tocsin/inspect.h>

#include "base/debug_hooks.h"
#include "report/line.h"
#include "report/observers.h"
#include "report/refusals.h"

static void on_loop_end(void)
{
    tocsin_report(STDERR_FILENO);
}

static void on_thread_end(void)
{
    struct tocsin_loop_facts facts = { .main = false };
    char name[16] = "";

    tocsin_loop_get(&facts);
    pthread_getname_np(pthread_self(), name, sizeof name);
    tocsin__say("tocsin: thread %ld (%s) ends without tocsin_loop_free: its loop %u%s is closed",
                (long)syscall(SYS_gettid), name, (unsigned)(facts.loop.id >> 48),
                facts.main ? ", the main loop," : "");
    tocsin_report(STDERR_FILENO);
}

/* Prints the operations that still run after the time to drain. */
static void on_drain_expired(void)
{
    struct tocsin_op_facts op = { .op = { { 0 } } };
    char place[256];

    while (tocsin_op_next(op.op, &op) == 0) {
        if (op.serving || op.status != -EINPROGRESS)
            continue;
        tocsin__debug_place(op.started, place, sizeof place);
        dprintf(STDERR_FILENO, "tocsin: drain timed out, still running: operation %s, %s%s%s\n",
                op.name, op.owner, *place ? ", started at " : "", place);
    }
}

static void at_exit(void)
{
    /* In the child of a fork (T8), the id of the loop carries an error until tocsin_after_fork. */
    if (tocsin_loop_current().id && !tocsin_id_error(tocsin_loop_current().id))
        on_loop_end();
}

static __attribute__((constructor)) void debug_register(void)
{
    const char *args = secure_getenv("TOCSIN_DEBUG");

    if (!args || strcmp(args, "1") != 0 || atexit(at_exit) != 0)
        return;
    tocsin__debug.loop_born = tocsin__observers_connect;
    tocsin__debug.loop_dies = on_loop_end;
    tocsin__debug.loop_ended = on_thread_end;
    tocsin__debug.loop_lingers = on_drain_expired;
    tocsin__debug_refusals();
}
