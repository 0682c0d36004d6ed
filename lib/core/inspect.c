/* What there is, as the public header tells it. */
#include <tocsin/inspect.h>

#include "core/catalogue.h"
#include "core/handler.h"
#include "core/mask.h"
#include "core/os.h"
#include "core/owner.h"
#include "core/quarantine.h"

int tocsin_signal_get(int signo, struct tocsin_signal_facts *ret_facts)
{
    const struct tocsin__slot *slot = tocsin__inherited(tocsin__self) ? NULL : tocsin__slot(tocsin__self, signo);
    const struct tocsin__signal *signal;
    bool question;

    tocsin__catalogue();                               /* a thread without a loop sees the library's own, too */
    tocsin__os_named("os.*", 4);                       /* and all of these */
    signal = ret_facts ? tocsin__signal(signo) : NULL;
    if (!signal)
        return ret_facts ? -ENOENT : -EINVAL;
    *ret_facts = (struct tocsin_signal_facts){
        .signo = signo, .name = signal->name, .spec = signal->declared ? &signal->spec : NULL,
        .owner = signal->declared ? signal->owner->name : "",
    };
    if (!slot)
        return 0;
    question = signal->declared && signal->spec.kind == TOCSIN_DIRECT;     /* neither holds for it */
    ret_facts->handlers = slot->handlers;
    ret_facts->observers = slot->observers;
    ret_facts->blocked = slot->state & TOCSIN__BLOCKED && !question;
    ret_facts->ignored = slot->state & TOCSIN__IGNORED && !question;
    ret_facts->running = slot->state & TOCSIN__RUNNING;
    ret_facts->pended = slot->pended;
    ret_facts->pended_bytes = slot->pended_bytes;
    ret_facts->refused = slot->refused;
    return 0;
}

int tocsin_pended(int signo, int index, struct tocsin_info **ret_info)
{
    const struct tocsin__slot *slot = tocsin__slot(tocsin__self, signo);
    const struct tocsin__pend *pend = slot ? slot->pend : NULL;

    if (index < 0 || !ret_info)
        return -EINVAL;
    if (tocsin__inherited(tocsin__self))
        return -EOWNERDEAD;
    while (pend && index--)
        pend = pend->next;
    if (!pend)
        return -ENOENT;
    *ret_info = tocsin_info_ref(&pend->info->seen);
    return 0;
}

static void handler_facts(const struct tocsin__handler *handler, struct tocsin_handler_facts *facts)
{
    *facts = (struct tocsin_handler_facts){
        .handler = { handler->id }, .pattern = handler->match.text, .where = handler->where, .owner = handler->owner->name,
        .mask = handler->mask ? handler->mask->match.text : NULL, .source = { handler->source }, .priority = handler->priority,
        .flags = handler->flags & 0xffff, .observer = handler->flags & TOCSIN__OBSERVER, .calls = handler->calls, .faults = handler->faults,
    };
    facts->quarantined = tocsin__quarantined(handler);
    facts->held = handler->quarantine ? handler->quarantine->count : 0;
    facts->missed = handler->quarantine ? handler->quarantine->missed : 0;
    tocsin__handler_function(handler, facts->function, sizeof facts->function);
}

int tocsin_handler_get(struct tocsin_handler id, struct tocsin_handler_facts *ret_facts)
{
    struct tocsin__handler *handler;
    int err = ret_facts ? tocsin__handler_find(id.id, &handler) : -EINVAL;

    if (err == 0)
        handler_facts(handler, ret_facts);
    return err;
}

int tocsin_handler_next(struct tocsin_handler after, struct tocsin_handler_facts *ret_facts)
{
    const struct tocsin__handler *handler;
    uint64_t id = after.id;

    if (!ret_facts || tocsin_id_error(id))
        return ret_facts ? tocsin_id_error(id) : -EINVAL;
    if (tocsin__inherited(tocsin__self))
        return -EOWNERDEAD;
    while ((handler = tocsin__id_after(&tocsin__self->handlers, id)) && handler->gate)
        id = handler->id;                              /* a queue's */
    if (!handler)
        return -ENOENT;
    handler_facts(handler, ret_facts);
    return 0;
}

int tocsin_mask_next(struct tocsin_mask after, struct tocsin_mask_facts *ret_facts)
{
    const struct tocsin__hold *hold = ret_facts ? tocsin__id_after(&tocsin__self->blocks, after.id) : NULL;

    if (tocsin_id_error(after.id))
        return tocsin_id_error(after.id);
    if (ret_facts && tocsin__inherited(tocsin__self))
        return -EOWNERDEAD;
    if (!hold)
        return ret_facts ? -ENOENT : -EINVAL;
    *ret_facts = (struct tocsin_mask_facts){ { hold->id }, hold->match.text, hold->where, hold->owner->name };
    return 0;
}

int tocsin_source_next(struct tocsin_source after, struct tocsin_source_facts *ret_facts)
{
    const struct tocsin__source *source;
    uint64_t id = after.id;

    if (!ret_facts || tocsin_id_error(id))
        return ret_facts ? tocsin_id_error(id) : -EINVAL;
    if (tocsin__inherited(tocsin__self))
        return -EOWNERDEAD;
    while ((source = tocsin__id_after(&tocsin__self->sources, id)) && source->is_op)
        id = source->id;
    if (!source)
        return -ENOENT;
    *ret_facts = (struct tocsin_source_facts){ { source->id }, source->data, source->where, source->owner->name };
    return 0;
}
