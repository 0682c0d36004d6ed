/* TOCSIN_DEBUG=1: what goes wrong is printed, and what is left in the end. Nothing else in the library ever prints (F2). */
#define _GNU_SOURCE                                    /* secure_getenv */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tocsin.h>

#include "core/loop.h"
#include "report/debug.h"

/* Each loop has observers of ours: what comes from another one is told there. */
static bool foreign(const struct tocsin_info *info)
{
    return info->sequence >> 48 != tocsin_loop_current().id >> 48;
}

static int on_failed(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_handler_failed *failed = tocsin_handler_failed_of(info);

    (void)arg;
    if (foreign(info))
        return TOCSIN_NEXT;
    dprintf(STDERR_FILENO, "tocsin: a handler of %s failed: %s, %s%s%s\n", failed->signal, tocsin_strerror(failed->error), failed->owner,
            *failed->where ? ", " : "", failed->where);
    return TOCSIN_NEXT;
}

static int on_full(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_queue_full *full = tocsin_queue_full_of(info);

    (void)arg;
    if (foreign(info))
        return TOCSIN_NEXT;
    dprintf(STDERR_FILENO, "tocsin: %s of %s is full: %llu of %llu entries, %llu of %llu bytes\n", full->queue ? "a queue" : "what is pended",
            full->signal, (unsigned long long)full->entries, (unsigned long long)full->limit, (unsigned long long)full->bytes,
            (unsigned long long)full->limit_bytes);
    return TOCSIN_NEXT;
}

static __thread struct tocsin_handler ours[2];

static void born(void)
{
    tocsin_observe("tocsin.handler.failed", &(struct tocsin_action){ .fn = on_failed }, &ours[0]);
    tocsin_observe("tocsin.queue.full", &(struct tocsin_action){ .fn = on_full }, &ours[1]);
}

bool tocsin__debug_own(struct tocsin_handler handler)
{
    return handler.id == ours[0].id || handler.id == ours[1].id;
}

static void dies(void)
{
    tocsin_report(STDERR_FILENO);
}

static void at_exit(void)
{
    if (tocsin_loop_current().id && !tocsin_id_error(tocsin_loop_current().id))     /* in a child, nothing of it is ours (T8) */
        dies();
}

static __attribute__((constructor)) void begin(void)
{
    const char *wish = secure_getenv("TOCSIN_DEBUG");

    if (!wish || strcmp(wish, "1") != 0 || atexit(at_exit) != 0)
        return;
    tocsin__loop_born = born;
    tocsin__loop_dies = dies;
}
