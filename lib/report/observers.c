/* TOCSIN_DEBUG=1: observers on each loop print failures of handlers and full queues. */
#include <tocsin.h>
#include <tocsin/inspect.h>

#include "report/line.h"
#include "report/observers.h"

/* Returns true if another loop has emitted the signal. Each loop has these observers, so the other
   loop prints the line. */
static bool is_foreign(const struct tocsin_info *info)
{
    return info->sequence >> 48 != tocsin_loop_current().id >> 48;
}

static int on_failed(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_handler_failed *failed = tocsin_handler_failed_of(info);

    (void)arg;
    if (is_foreign(info))
        return TOCSIN_NEXT;
    tocsin__say("tocsin: a handler of %s failed: %s, %s%s%s", failed->signal,
                tocsin_strerror(failed->error), failed->owner, *failed->where ? ", " : "",
                failed->where);
    return TOCSIN_NEXT;
}

static int on_full(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_queue_full *full = tocsin_queue_full_of(info);

    (void)arg;
    if (is_foreign(info))
        return TOCSIN_NEXT;
    tocsin__say("tocsin: %s of %s is full: %llu of %llu entries, %llu of %llu bytes",
                full->queue ? "a queue" : "the pending list", full->signal,
                (unsigned long long)full->entries, (unsigned long long)full->limit,
                (unsigned long long)full->bytes, (unsigned long long)full->limit_bytes);
    return TOCSIN_NEXT;
}

static __thread struct tocsin_handler observers[2];

void tocsin__observers_connect(void)
{
    tocsin_observe("tocsin.handler.failed", &(struct tocsin_action){ .fn = on_failed },
                   &observers[0]);
    tocsin_observe("tocsin.queue.full", &(struct tocsin_action){ .fn = on_full }, &observers[1]);
}

bool tocsin__debug_own(struct tocsin_handler handler)
{
    return handler.id == observers[0].id || handler.id == observers[1].id;
}
