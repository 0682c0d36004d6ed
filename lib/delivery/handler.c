/* Handlers. This file adds them to the lists of their signals, disconnects them, and reports facts
 * about them. */
#include <string.h>

#include "registry/catalogue.h"
#include "delivery/emit.h"
#include "delivery/handler.h"
#include "delivery/hooks.h"
#include "delivery/loop_signal.h"
#include "registry/owner.h"
#include "delivery/quarantine.h"
#include "registry/pattern.h"
#include "base/refusal.h"

/* Functions by which a handler joins and leaves signals */

/* Changes the signal's numbers of queues when a queue joins (`by` is 1) or leaves (`by` is -1). */
static void queues_count(struct tocsin__loop_signal *loop_signal,
                         struct tocsin__admission *admission, uint32_t by)
{
    tocsin__assert(by == 1 || loop_signal->queues.gated > 0);
    loop_signal->queues.gated += by;
    loop_signal->state = loop_signal->queues.gated ? loop_signal->state | TOCSIN__GATED
                                                   : loop_signal->state & ~(uint32_t)TOCSIN__GATED;
    if (!admission->count_pending)
        return;
    loop_signal->queues.takers += by;
    if (loop_signal->queued.count)
        admission->count_pending(admission, loop_signal, loop_signal->queued.count * by);
}

/* Changes the numbers of handlers or observers of the signal; `by` is 1 or -1. */
static void handlers_count(struct tocsin__loop_signal *loop_signal,
                           const struct tocsin__handler *handler, uint32_t by)
{
    tocsin__assert(by == 1 || (handler->flags & TOCSIN__OBSERVER ? loop_signal->observers
                                                                 : loop_signal->handlers) > 0);
    tocsin__assert(by == 1 || !handler->source || loop_signal->sourced > 0);
    if (handler->flags & TOCSIN__OBSERVER)
        loop_signal->observers += by;
    else
        loop_signal->handlers += by;
    if (handler->source)
        loop_signal->sourced += by;
    if (handler->admission)
        queues_count(loop_signal, handler->admission, by);
    tocsin__loop_signal_update_interest(loop_signal);
}

static struct tocsin__handler *handler_of(struct tocsin__subscription *subscription)
{
    return tocsin__container(subscription, struct tocsin__handler, subscription);
}

static int join(struct tocsin__loop *loop, struct tocsin__subscription *subscription,
                struct tocsin__loop_signal *loop_signal)
{
    struct tocsin__handler *handler = handler_of(subscription);
    struct tocsin__source *source = handler->source
                                        ? tocsin__id_object(&loop->ids.sources, handler->source)
                                        : NULL;
    struct tocsin__list **list = source ? tocsin__source_listen(source, loop_signal)
                                        : &loop_signal->list;

    if (!list || tocsin__list_add(loop, loop_signal, list, handler) < 0)
        return -ENOMEM;
    handlers_count(loop_signal, handler, 1);
    return 0;
}

static void leave(struct tocsin__loop *loop, struct tocsin__subscription *subscription,
                  struct tocsin__loop_signal *loop_signal)
{
    struct tocsin__handler *handler = handler_of(subscription);
    struct tocsin__source *source = handler->source
                                        ? tocsin__id_object(&loop->ids.sources, handler->source)
                                        : NULL;
    struct tocsin__list *list = handler->source
                                    ? (source ? tocsin__source_list(source, loop_signal) : NULL)
                                    : loop_signal->list;

    handlers_count(loop_signal, handler, -1u);
    if (!list)
        return; /* the source is ending and frees its lists itself */
    list->dead++;
    tocsin__list_handling(list, handler, -1u);
    if (loop_signal->state & TOCSIN__RUNNING)
        loop_signal->state |= TOCSIN__UNTIDY;
    else if (list->dead * 2 > list->count)
        tocsin__list_compact(loop, loop_signal, list);
}

static bool handles(const struct tocsin__subscription *subscription)
{
    return !(tocsin__container(subscription, struct tocsin__handler, subscription)->flags &
             TOCSIN__OBSERVER);
}

const struct tocsin__subscription_ops tocsin__handler_subscription_ops = {
    .join = join, .leave = leave, .handles = handles, .questions = true
};
const struct tocsin__subscription_ops tocsin__queue_subscription_ops = {
    .join = join, .leave = leave, .handles = handles
}; /* questions is false, because a queue cannot answer questions */
const struct tocsin__subscription_ops tocsin__fiber_subscription_ops = {
    .join = join, .leave = leave, .handles = handles
}; /* questions is false, because an answer is needed before a fiber begins */

/* Disconnecting */

int tocsin__handler_noop(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}

static void source_unlink(struct tocsin__handler *handler)
{
    if (!handler->link)
        return;
    *handler->link = handler->next;
    if (handler->next)
        handler->next->link = handler->link;
    handler->link = NULL;
}

void tocsin__handler_disconnect(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    uint64_t id = handler->id;

    tocsin__subscription_remove_signal(loop, &handler->subscription);
    handler->fn = tocsin__handler_noop;
    if (handler->os)
        tocsin__hooks.os_give(handler);
    source_unlink(handler);
    tocsin__id_free(&loop->ids.handlers, id);
    handler->id = 0;
    tocsin__subscription_leave(loop, &handler->subscription);
    /* keeps the handler in memory until tocsin.disconnected has been delivered */
    tocsin__loop_enter(loop);
    tocsin__handler_defer_free(loop, handler);
    if (handler->flags & TOCSIN__CONNECTED && !loop->life.freeing)
        tocsin__handler_announce(handler, id, &tocsin__disconnected_spec);
    tocsin__loop_leave(loop);
}

void tocsin__handler_fiber_over(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    tocsin__assert(handler->fibers > 0);
    if (--handler->fibers || !(handler->flags & TOCSIN__AWAITS_FIBERS))
        return;
    handler->flags &= ~(uint32_t)TOCSIN__AWAITS_FIBERS;
    tocsin__handler_defer_free(loop, handler);
}

int tocsin__handler_find(uint64_t id, struct tocsin__handler **ret_handler)
{
    return tocsin__loop_find(offsetof(struct tocsin__loop, ids.handlers), id, (void **)ret_handler);
}

/* Asks the loop of another thread to disconnect the handler. The other loop does so in its next
 * turn. */
static int request_disconnect(uint64_t id)
{
    struct tocsin__loop *loop = tocsin__loop_numbered(tocsin__id_number(id));

    if (!tocsin__id_request_end(&loop->ids.handlers, id, &loop->inbox.requests))
        return -ENOENT;
    tocsin__inbox_wake(&loop->inbox);
    return 0;
}

void tocsin__handlers_disconnect_requested(struct tocsin__loop *loop)
{
    uint32_t next = atomic_load_explicit(&loop->inbox.requests, memory_order_relaxed)
                        ? atomic_exchange(&loop->inbox.requests, 0)
                        : 0;
    void *handler;

    while (next) {
        next = tocsin__id_next_request(&loop->ids.handlers, next, &handler);
        if (handler)
            tocsin__handler_disconnect(loop, handler);
    }
}

int tocsin_disconnect(struct tocsin_handler id)
{
    struct tocsin__handler *handler;
    int err = tocsin__handler_find(id.id, &handler);

    if (err == -EXDEV && !tocsin_id_error(id.id))
        return tocsin__traced_async(request_disconnect(id.id));
    if (err == 0 && handler->admission)
        /* refused, because the handler belongs to a queue: only tocsin_queue_close disconnects
         * it */
        err = -ENOENT;
    if (err == 0)
        tocsin__handler_disconnect(tocsin__self, handler);
    return tocsin__traced_async(err);
}

/* Facts */

struct tocsin_handler tocsin_handler_current(void)
{
    const struct tocsin__handler *running = tocsin__self->running;

    return (struct tocsin_handler){ running ? running->id : 0 };
}

/* Signals about handlers */

void tocsin__handler_announce(const struct tocsin__handler *handler, uint64_t id,
                              const struct tocsin_signal_spec *spec)
{
    int signo = tocsin__catalogue_signo(spec);
    struct tocsin_connected what = tocsin_connected_make();

    if (handler->admission || tocsin_has_listeners(signo) <= 0)
        return;
    what.pattern = handler->subscription.text;
    what.function = handler->name;
    what.where = handler->where;
    what.owner = handler->owner->name;
    what.handler = id;
    what.priority = handler->priority;
    what.observer = handler->flags & TOCSIN__OBSERVER;
    tocsin_emit(signo, &what.tocsin);
}

void tocsin__handler_failed(struct tocsin__loop *loop, struct tocsin__handler *handler,
                            const struct tocsin_info *info, int err)
{
    int signo = tocsin__catalogue_signo(&tocsin__handler_failed_spec);

    handler->faults++;
    tocsin__quarantine_fault(loop, handler);
    if (strncmp(info->name, "tocsin.", 7) != 0 && tocsin_has_listeners(signo) > 0)
        tocsin_emit(signo, TOCSIN_PAYLOAD(tocsin_handler_failed, .signal = info->name, .error = err,
                                          .where = handler->where, .owner = handler->owner->name,
                                          .handler = handler->id, .faults = handler->faults));
}
