/* Frees the memory of a loop. When the loop is at rest, this file frees the handlers and lists that
   a delivery may have used. When the loop ends, it frees all signals, handlers and sources of the
   loop. */
#include "registry/latest.h"
#include "delivery/emit.h"
#include "delivery/loop_tidy.h"
#include "delivery/pending/mask.h"
#include "delivery/quarantine.h"
#include "registry/owner.h"

static void handler_drop(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    tocsin_drop drop = handler->drop;

    /* the mask is freed only now, because the handler may have been running before */
    tocsin__mask_rule_free(loop, handler->mask);
    handler->mask = NULL;
    handler->drop = NULL;
    if (drop) {
        const void *frame = loop->stack.frame;

        if (!frame)
            tocsin__frame_set(loop->stack.frame);
        drop(handler->user_arg);
        loop->stack.frame = frame;
    }
    tocsin__quarantine_free(handler);
    if (!(handler->flags & TOCSIN__DROPPED) &&
        handler->subscription.kind != &tocsin__queue_subscription_ops)
        tocsin__owner_uncharge(handler->owner, TOCSIN_RESOURCE_HANDLERS,
                               1); /* its owner is uncharged now, because lists may contain the
                                    * handler for a long time */
    /* set after the call, because drop may have removed the handler from its last list */
    handler->flags |= TOCSIN__DROPPED;
}

static void handler_free(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    if (loop->hooks.wait_unseen)
        loop->hooks.wait_unseen();
    tocsin__subscription_free(&handler->subscription);
    tocsin__release(handler);
}

void tocsin__loop_tidy(struct tocsin__loop *loop)
{
    struct tocsin__handler *handler;
    struct tocsin__list *list;

    tocsin__assert(tocsin__at_rest(loop));

    if (loop->stack.left)
        tocsin__frames_drop(loop);

    loop->cleanup_pending = loop->hooks.watch != NULL;
    while ((list = loop->cleanup.lists)) {
        loop->cleanup.lists = list->next;
        tocsin__release(list);
    }
    while ((handler = loop->cleanup.dead)) {
        loop->cleanup.dead = handler->next;
        if (handler->fibers) {
            handler->flags |= TOCSIN__AWAITS_FIBERS;
            continue;
        }
        /* A handler that drop disconnects is added to this list, and is freed by this loop. */
        tocsin__loop_enter(loop);
        loop->cleanup.dropping = handler;
        handler_drop(loop, handler);
        loop->cleanup.dropping = NULL;
        tocsin__loop_leave_untidy(loop);
        if (handler->places == 0)
            handler_free(loop, handler);
    }
    if (loop->life.free_wanted && loop->hooks.rest)
        loop->hooks.rest(loop);
}

/* Ending a loop */

void tocsin__loop_unpend(struct tocsin__loop *loop)
{
    for (uint32_t i = 0; i < loop->loop_signals_count; i++)
        if (loop->loop_signals[i])
            tocsin__pending_drop(loop->loop_signals[i]);
}

/* Returns true if no handler, rule or source is left on the loop, so that the counters of the
   signal are 0 again. */
static bool loop_signal_is_bare(const struct tocsin__loop_signal *loop_signal)
{
    const struct tocsin__loop_signal_masks *masks = &loop_signal->masks;

    return !loop_signal->handlers && !loop_signal->observers && !loop_signal->sourced &&
           !loop_signal->queues.gated && !loop_signal->queues.takers && !masks->rules &&
           !masks->blocks && !masks->ignores;
}

static void loop_signal_free(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal)
{
    tocsin__assert(loop_signal_is_bare(loop_signal));
    tocsin__pending_drop(loop_signal);
    if (loop_signal->listener->latest)
        tocsin__latest_clear(loop_signal->listener->latest);
    tocsin__list_compact(loop, loop_signal, loop_signal->list);
    if (loop_signal->list != &tocsin__list_empty)
        tocsin__release(loop_signal->list);
    tocsin__release(loop_signal);
}

static void heap_empty(struct tocsin__heap *heap)
{
    while (heap->first)
        tocsin__heap_remove(heap->first);
}

void tocsin__loop_clear(struct tocsin__loop *loop)
{
    for (uint32_t i = 0; i < loop->ids.handlers.made; i++) {
        struct tocsin__id_entry *entry = tocsin__id_entry(&loop->ids.handlers, i);

        if (entry->object)
            tocsin__handler_disconnect(loop, entry->object);
    }
    for (uint32_t i = 0; i < loop->ids.sources.made; i++) {
        struct tocsin__source *source = tocsin__id_entry(&loop->ids.sources, i)->object;

        if (source && !source->is_op)
            tocsin__source_free(loop, source);
    }
    tocsin__mask_rules_clear(loop);
    heap_empty(&loop->pending.next_turn);
    heap_empty(&loop->pending.awaiting_room);
    for (uint32_t i = 0; i < loop->loop_signals_count; i++) {
        struct tocsin__loop_signal *loop_signal = loop->loop_signals[i];

        /* cleared before the signal is freed, because the unref of an object may look for it */
        loop->loop_signals[i] = NULL;
        if (loop_signal)
            loop_signal_free(loop, loop_signal);
    }
    loop->loop_signals_count = 0;
    atomic_signal_fence(memory_order_seq_cst);
    tocsin__release(loop->loop_signals);
    loop->loop_signals = NULL;
    tocsin__loop_tidy(loop);
    tocsin__assert(!loop->patterns.count && !loop->ids.handlers.live && !loop->cleanup.dead);
}
