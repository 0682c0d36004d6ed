/* Facts about signals, handlers, blocks and sources, which programs read (tocsin/inspect.h). */
#include <tocsin/inspect.h>

#include "registry/catalogue.h"
#include "delivery/emit.h"
#include "delivery/handler.h"
#include "delivery/pending/mask.h"
#include "registry/os_names.h"
#include "registry/owner.h"
#include "delivery/quarantine.h"
#include "base/refusal.h"

int tocsin_signal_get(int signo, struct tocsin_signal_facts *ret_facts)
{
    const struct tocsin__loop_signal *loop_signal = tocsin__inherited(tocsin__self)
                                                        ? NULL
                                                        : tocsin__loop_signal(tocsin__self, signo);
    const struct tocsin__signal *signal;
    bool question;

    /* Declares the library's own names and the real signals, which are otherwise declared at their
     * first use. */
    tocsin__catalogue();
    tocsin__os_named("os.*", 4);
    signal = ret_facts ? tocsin__signal(signo) : NULL;
    if (!signal)
        return tocsin__traced_but(-ENOENT, ret_facts ? -ENOENT : -EINVAL);
    *ret_facts = (struct tocsin_signal_facts){
        .signo = signo,
        .name = signal->name,
        .spec = signal->declared ? &signal->spec : NULL,
        .owner = signal->declared ? signal->owner->name : "",
    };
    if (!loop_signal)
        return 0;
    question =
        signal->declared &&
        signal->spec.kind ==
            TOCSIN_DIRECT; /* a question can be neither blocked nor ignored */
    ret_facts->handlers = loop_signal->handlers;
    ret_facts->observers = loop_signal->observers;
    ret_facts->blocked = loop_signal->state & TOCSIN__BLOCKED && !question;
    ret_facts->ignored = loop_signal->state & TOCSIN__IGNORED && !question;
    ret_facts->running = loop_signal->state & TOCSIN__RUNNING;
    ret_facts->queue_full = loop_signal->queued.first &&
                            !tocsin__loop_signal_is_held(loop_signal) &&
                            loop_signal->state & TOCSIN__GATED &&
                            !tocsin__admission_is_open(loop_signal,
                                                       loop_signal->queued.first->info->size);
    ret_facts->pending = loop_signal->queued.count;
    ret_facts->pending_bytes = loop_signal->queued.bytes;
    ret_facts->refused = loop_signal->queued.refused;
    return 0;
}

int tocsin_pending_peek(int signo, int index, struct tocsin_info **ret_info)
{
    const struct tocsin__loop_signal *loop_signal = tocsin__loop_signal(tocsin__self, signo);
    const struct tocsin__pending *pending = loop_signal ? loop_signal->queued.first : NULL;

    if (index < 0 || !ret_info)
        return tocsin__traced(-EINVAL);
    if (tocsin__inherited(tocsin__self))
        return tocsin__traced(-EOWNERDEAD);
    while (pending && index--)
        pending = pending->next;
    if (!pending)
        return tocsin__traced(-ENOENT);
    *ret_info = tocsin_info_ref(&pending->info->pub);
    return 0;
}

static void handler_facts(const struct tocsin__handler *handler, struct tocsin_handler_facts *facts)
{
    *facts = (struct tocsin_handler_facts){
        .handler = { handler->id },
        .pattern = handler->subscription.text,
        .where = handler->where,
        .owner = handler->owner->name,
        .mask = handler->mask ? handler->mask->subscription.text : NULL,
        .source = { handler->source },
        .priority = handler->priority,
        .flags = handler->flags & 0xffff,
        .observer = handler->flags & TOCSIN__OBSERVER,
        .calls = handler->calls,
        .faults = handler->faults,
        .function = handler->name,
    };
    facts->quarantined = tocsin__quarantined(handler);
    facts->held = handler->quarantine ? handler->quarantine->count : 0;
    facts->missed = handler->quarantine ? handler->quarantine->missed : 0;
}

int tocsin_handler_get(struct tocsin_handler id, struct tocsin_handler_facts *ret_facts)
{
    struct tocsin__handler *handler;
    int err = ret_facts ? tocsin__handler_find(id.id, &handler) : -EINVAL;

    if (err == 0)
        handler_facts(handler, ret_facts);
    return tocsin__traced(err);
}

int tocsin_handler_next(struct tocsin_handler after, struct tocsin_handler_facts *ret_facts)
{
    struct tocsin__handler *handler = NULL;
    uint64_t id = after.id;
    int err;

    if (!ret_facts)
        return tocsin__traced_but(-ENOENT, -EINVAL);
    while ((err = tocsin__loop_after(offsetof(struct tocsin__loop, ids.handlers), id,
                                     (void **)&handler)) == 0 &&
           handler->admission)
        id = handler->id; /* skips a handler that belongs to a queue */
    if (err == 0)
        handler_facts(handler, ret_facts);
    return tocsin__traced_but(-ENOENT, err);
}

int tocsin_block_next(struct tocsin_block after, struct tocsin_block_facts *ret_facts)
{
    struct tocsin__mask_rule *rule = NULL;
    int err = ret_facts ? tocsin__loop_after(offsetof(struct tocsin__loop, ids.blocks), after.id,
                                             (void **)&rule)
                        : -EINVAL;

    if (err == 0)
        *ret_facts = (struct tocsin_block_facts){
            { rule->id }, rule->subscription.text, rule->where, rule->owner->name
        };
    return tocsin__traced_but(-ENOENT, err);
}

int tocsin_source_next(struct tocsin_source after, struct tocsin_source_facts *ret_facts)
{
    struct tocsin__source *source = NULL;
    uint64_t id = after.id;
    int err;

    if (!ret_facts)
        return tocsin__traced_but(-ENOENT, -EINVAL);
    while ((err = tocsin__loop_after(offsetof(struct tocsin__loop, ids.sources), id,
                                     (void **)&source)) == 0 &&
           source->is_op)
        id = source->id;
    if (err == 0)
        *ret_facts = (struct tocsin_source_facts){
            { source->id }, source->data, tocsin__made_source(source)->where,
            tocsin__made_source(source)->owner->name
        };
    return tocsin__traced_but(-ENOENT, err);
}
