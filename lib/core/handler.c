#include <string.h>

#include "core/catalogue.h"
#include "core/emit.h"
#include "core/handler.h"
#include "core/owner.h"
#include "core/pattern.h"

/* Slots: a handler in the lists of its signals */

static struct tocsin__list **list_of(struct tocsin__slot *slot, struct tocsin__source *source)
{
    struct tocsin__listen *listens = source->listens;

    for (uint32_t i = 0; i < source->listens_count; i++)
        if (listens[i].slot == slot)
            return &listens[i].list;
    listens = tocsin__resize(listens, (source->listens_count + 1) * sizeof *listens);
    if (!listens)
        return NULL;
    source->listens = listens;
    listens[source->listens_count] = (struct tocsin__listen){ slot, &tocsin__list_empty };
    return &listens[source->listens_count++].list;
}

static int slots_room(struct tocsin__handler *handler)
{
    uint32_t capacity = handler->slots_count * 2 + 2;
    struct tocsin__slot **slots;

    if (handler->slots_count == 0) {
        handler->slots = &handler->one_slot;
        return 0;
    }
    if (handler->slots_count < handler->slots_capacity)
        return 0;
    slots = tocsin__resize(handler->slots_capacity ? handler->slots : NULL, capacity * sizeof *slots);
    if (!slots)
        return -ENOMEM;
    slots[0] = handler->slots_capacity ? slots[0] : handler->one_slot;
    handler->slots = slots;
    handler->slots_capacity = capacity;
    return 0;
}

/* by: 1 or -1 */
static void slot_count(struct tocsin__loop *loop, struct tocsin__slot *slot, const struct tocsin__handler *handler, uint32_t by)
{
    bool heard = slot->handlers || slot->observers;

    if (handler->flags & TOCSIN__OBSERVER)
        slot->observers += by;
    else
        slot->handlers += by;
    if (handler->source)
        slot->sourced += by;
    if (handler->gate)
        slot->gated += by;
    slot->state = slot->gated ? slot->state | TOCSIN__GATED : slot->state & ~(uint32_t)TOCSIN__GATED;
    if (heard != (slot->handlers || slot->observers))
        (heard ? tocsin__interest_remove : tocsin__interest_add)(slot->signal, loop->number);
}

int tocsin__handler_join(struct tocsin__loop *loop, struct tocsin__handler *handler, struct tocsin__signal *signal)
{
    struct tocsin__slot *slot = tocsin__slot_make(loop, signal);
    struct tocsin__source *source = handler->source ? tocsin__id_object(&loop->sources, handler->source) : NULL;
    struct tocsin__list **list;

    if (!slot || slots_room(handler) < 0)
        return -ENOMEM;
    list = source ? list_of(slot, source) : &slot->list;
    if (!list || tocsin__list_add(loop, list, handler, slot->state & TOCSIN__RUNNING ? slot : NULL) < 0)
        return -ENOMEM;
    handler->slots[handler->slots_count++] = slot;
    slot_count(loop, slot, handler, 1);
    return 0;
}

void tocsin__slot_compact(struct tocsin__loop *loop, struct tocsin__slot *slot)
{
    slot->state &= ~(uint32_t)TOCSIN__UNTIDY;
    if (slot->list->dead * 2 > slot->list->count)
        tocsin__list_compact(loop, slot->list);
}

static void slot_leave(struct tocsin__loop *loop, struct tocsin__slot *slot, struct tocsin__handler *handler)
{
    struct tocsin__source *source = handler->source ? tocsin__id_object(&loop->sources, handler->source) : NULL;
    struct tocsin__list *list = handler->source ? (source ? tocsin__source_list(source, slot) : NULL) : slot->list;

    slot_count(loop, slot, handler, -1u);
    if (!list)
        return;                                        /* the source is going, with its lists */
    list->dead++;
    tocsin__list_handling(list, handler, -1u);
    if (slot->state & TOCSIN__RUNNING)
        slot->state |= TOCSIN__UNTIDY;
    else if (list->dead * 2 > list->count)
        tocsin__list_compact(loop, list);
}

/* Disconnecting */

static int silent(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}

void tocsin__handler_bury(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    handler->next = loop->dead;
    loop->dead = handler;
    loop->unrest = 1;
}

static void pattern_unlink(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    if (!handler->link)
        return;
    *handler->link = handler->next;
    if (handler->next)
        handler->next->link = handler->link;
    handler->link = NULL;
    tocsin__pattern_remove(handler->pattern, loop->seen);
}

void tocsin__handler_disconnect(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    handler->fn = silent;
    pattern_unlink(loop, handler);
    tocsin__id_free(&loop->handlers, handler->id);
    handler->id = 0;
    for (uint32_t i = 0; i < handler->slots_count; i++)
        slot_leave(loop, handler->slots[i], handler);
    tocsin__handler_bury(loop, handler);
    if (tocsin__at_rest(loop))
        tocsin__loop_tidy(loop);
}

static int handler_find(uint64_t id, struct tocsin__handler **ret_handler)
{
    struct tocsin__loop *loop = tocsin__self;
    struct tocsin__loop *other = loop;
    struct tocsin__id_entry *entry;

    if (tocsin_id_error(id))
        return tocsin_id_error(id);
    if (tocsin__id_number(id) != loop->number)
        other = tocsin__loop_numbered(tocsin__id_number(id));
    entry = other ? tocsin__id_entry(&other->handlers, id) : NULL;
    if (!entry || atomic_load_explicit(&entry->id, memory_order_relaxed) != id)
        return -ENOENT;
    if (other != loop)
        return -EXDEV;
    *ret_handler = entry->object;
    return 0;
}

int tocsin_disconnect(struct tocsin_handler id)
{
    struct tocsin__handler *handler;
    int err = handler_find(id.id, &handler);

    if (err == 0)
        tocsin__handler_disconnect(tocsin__self, handler);
    return err;
}

/* What is known of a handler */

struct tocsin_handler tocsin_current(void)
{
    const struct tocsin__handler *running = tocsin__self->running;

    return (struct tocsin_handler){ running ? running->id : 0 };
}

const char *tocsin_handler_owner(struct tocsin_handler id)
{
    struct tocsin__handler *handler;

    return handler_find(id.id, &handler) < 0 ? "unknown" : handler->owner->name;
}

const char *tocsin_handler_where(struct tocsin_handler id)
{
    struct tocsin__handler *handler;

    return handler_find(id.id, &handler) < 0 ? "unknown" : handler->where;
}

void tocsin__handler_failed(struct tocsin__loop *loop, struct tocsin__handler *handler, const struct tocsin_info *info, int err)
{
    int signo;

    (void)loop;
    handler->faults++;
    if (strncmp(info->name, "tocsin.", 7) == 0)
        return;
    signo = tocsin_find(tocsin__handler_failed_spec.name);
    if (signo > 0 && tocsin_heard(signo) > 0)
        tocsin_emit(signo, TOCSIN_PAYLOAD(tocsin_handler_failed, .signal = info->name, .error = err, .where = handler->where,
                                          .owner = handler->owner->name, .handler = handler->id, .faults = handler->faults));
}
