/* The slow way: several loops, patterns to be looked through, default actions, what is blocked, nested or late. */
#include <stdlib.h>

#include "core/emit.h"
#include "core/layout.h"

const struct tocsin_layout tocsin__layout_none;

enum { PEND_LIMIT = 1024, PEND_LIMIT_BYTES = 1 << 20 };

bool tocsin__answered(struct tocsin__loop *loop, struct tocsin__handler *handler, const struct tocsin_info *info, int answer)
{
    if (answer < 0)
        tocsin__handler_failed(loop, handler, info, answer);
    return answer == TOCSIN_STOP && !(handler->flags & TOCSIN__OBSERVER);
}

/* What a handler with flags is called through: the plain ones pay nothing for them. */
static int by_flags(const struct tocsin_info *info, void *arg)
{
    struct tocsin__handler *handler = arg;
    struct tocsin__loop *loop = tocsin__self;
    struct tocsin__slot *slot = tocsin__slot(loop, info->signo);
    tocsin_fn fn = handler->user_fn;
    bool nodefer = slot->nodefer;
    int answer;

    if (handler->flags & TOCSIN_ONCE)
        tocsin__handler_disconnect(loop, handler);
    slot->nodefer = handler->flags & TOCSIN_NODEFER;
    answer = fn(info, handler->user_arg);
    slot->nodefer = nodefer;
    return answer;
}

void tocsin__handler_aim(struct tocsin__handler *handler)
{
    bool plain = !(handler->flags & (TOCSIN_ONCE | TOCSIN_NODEFER));

    handler->fn = plain ? handler->user_fn : by_flags;
    handler->arg = plain ? handler->user_arg : handler;
}

/* Pending (E5, E11) */

static struct tocsin__pend *pend_same(struct tocsin__slot *slot, uint64_t source)
{
    struct tocsin__pend *pend = slot->pend;

    while (pend && pend->info->seen.source.id != source)
        pend = pend->next;
    return pend;
}

static int pend_coalesce(struct tocsin__slot *slot, struct tocsin__pend *pend, const struct tocsin_info *info)
{
    int err = 0;
    struct tocsin__info *older, *copy = tocsin__info_copy(info, slot->signal->spec.layout, &err);

    if (!copy)
        return err;
    older = pend->info;
    copy->seen.overrun += older->seen.overrun + 1;
    slot->pended_bytes += copy->size - (size_t)older->size;
    pend->info = copy;
    tocsin__info_put(older);
    return TOCSIN_PENDED;
}

static bool pend_room(const struct tocsin__slot *slot, size_t size)
{
    const struct tocsin_spec *spec = &slot->signal->spec;

    return slot->pended < (spec->limit ? spec->limit : PEND_LIMIT) &&
           slot->pended_bytes + size <= (spec->limit_bytes ? spec->limit_bytes : PEND_LIMIT_BYTES);
}

int tocsin__pend(struct tocsin__slot *slot, const struct tocsin_info *info)
{
    struct tocsin__pend *pend = slot->signal->spec.kind == TOCSIN_COALESCE ? pend_same(slot, info->source.id) : NULL;
    int err = -ENOMEM;

    if (pend)
        return pend_coalesce(slot, pend, info);
    if (!pend_room(slot, tocsin__payload_size(info->payload)))
        return -EAGAIN;
    pend = tocsin__alloc(sizeof *pend);
    if (pend)
        pend->info = tocsin__info_copy(info, slot->signal->spec.layout, &err);
    if (!pend || !pend->info) {
        tocsin__release(pend);
        return err;
    }
    *slot->pend_last = pend;
    slot->pend_last = &pend->next;
    slot->pended++;
    slot->pended_bytes += pend->info->size;
    slot->state |= TOCSIN__PENDED;
    return TOCSIN_PENDED;
}

static struct tocsin__info *pend_take(struct tocsin__slot *slot)
{
    struct tocsin__pend *pend = slot->pend;
    struct tocsin__info *info = pend->info;

    slot->pend = pend->next;
    if (!slot->pend) {
        slot->pend_last = &slot->pend;
        slot->state &= ~(uint32_t)TOCSIN__PENDED;
    }
    slot->pended--;
    slot->pended_bytes -= info->size;
    tocsin__release(pend);
    return info;
}

void tocsin__pend_drop(struct tocsin__slot *slot)
{
    while (slot->pend)
        tocsin__info_put(pend_take(slot));
}

/* The outermost delivery, and everything that has a default action */

void tocsin__default_action(struct tocsin__loop *loop, struct tocsin__signal *signal, struct tocsin_info *info)
{
    if (signal->spec.unhandled_fn) {
        loop->depth++;
        signal->spec.unhandled_fn(info, NULL);
        loop->depth--;
        if (loop->unrest && tocsin__at_rest(loop))
            tocsin__loop_tidy(loop);
    } else if (signal->spec.unhandled == TOCSIN_STOP_LOOP) {
        loop->stop_wanted = true;
        loop->stop_status = 0;
    } else if (signal->spec.unhandled == TOCSIN_ABORT) {
        abort();
    }
}

static struct tocsin__list *list_from(struct tocsin__loop *loop, const struct tocsin__slot *slot, uint64_t id)
{
    struct tocsin__source *source = slot->sourced && id ? tocsin__id_object(&loop->sources, id) : NULL;
    struct tocsin__list *list = source ? tocsin__source_list(source, slot) : NULL;

    return list ? list : &tocsin__list_empty;
}

static int deliver_or_default(struct tocsin__loop *loop, struct tocsin__slot *slot, struct tocsin__info *info)
{
    int result;

    loop->depth++;                                     /* if it is freed, then after the default action */
    result = tocsin__deliver(loop, slot, list_from(loop, slot, info->seen.source.id), info);
    if (result == TOCSIN_NOBODY)
        tocsin__default_action(loop, slot->signal, &info->seen);
    loop->depth--;
    if (loop->unrest && tocsin__at_rest(loop))
        tocsin__loop_tidy(loop);
    return result;
}

static void late(struct tocsin__loop *loop, struct tocsin__slot *slot)
{
    if (slot->late)
        return;
    slot->late = true;
    slot->late_next = loop->late;
    loop->late = slot;
    if (loop->stir)
        loop->stir(loop);
}

/* Delivers what was pended when it began; what that pends is for the next turn (T5). */
static void flush(struct tocsin__loop *loop, struct tocsin__slot *slot)
{
    uint32_t count = slot->pended;

    slot->state |= TOCSIN__FLUSHING;
    loop->depth++;
    while (count-- && slot->pend) {
        struct tocsin__info *info = pend_take(slot);

        deliver_or_default(loop, slot, info);
        tocsin__info_put(info);
    }
    loop->depth--;
    slot->state &= ~(uint32_t)TOCSIN__FLUSHING;
    if (slot->pend)
        late(loop, slot);
}

void tocsin__settle(struct tocsin__loop *loop, struct tocsin__slot *slot)
{
    slot->state &= ~(uint32_t)(TOCSIN__RUNNING | TOCSIN__KEPT);
    slot->fresh = NULL;
    if (slot->state & TOCSIN__UNTIDY)
        tocsin__slot_compact(loop, slot);
    if ((slot->state & (TOCSIN__PENDED | TOCSIN__FLUSHING)) == TOCSIN__PENDED)
        flush(loop, slot);
}

void tocsin__flush_late(struct tocsin__loop *loop)
{
    struct tocsin__slot *slot = loop->late, *next;

    loop->late = NULL;
    for (; slot; slot = next) {
        next = slot->late_next;
        slot->late = false;
        if ((slot->state & (TOCSIN__PENDED | TOCSIN__FLUSHING | TOCSIN__RUNNING)) == TOCSIN__PENDED)
            flush(loop, slot);
    }
    if (loop->unrest && tocsin__at_rest(loop))
        tocsin__loop_tidy(loop);
}

/* Emitting */

bool tocsin__gates_open(const struct tocsin__slot *slot)
{
    for (uint32_t i = 0; i < slot->list->count; i++) {
        const struct tocsin__handler *handler = slot->list->items[i];

        if (handler->gate && handler->id && !handler->gate->open(handler->gate))
            return false;
    }
    return true;
}

static int emit_here(struct tocsin__loop *loop, struct tocsin__slot *slot, uint64_t source, const struct tocsin_payload *payload)
{
    struct tocsin__info info;
    int result;

    if (slot->state & TOCSIN__RUNNING && slot->nodefer && slot->nested + 1 >= TOCSIN__NEST_MAX)
        return -ELOOP;
    if (slot->state & TOCSIN__GATED && !tocsin__gates_open(slot))
        return -EAGAIN;
    if ((slot->state & (TOCSIN__RUNNING | TOCSIN__PENDED)) == TOCSIN__PENDED)
        flush(loop, slot);
    tocsin__info_fill(&info, loop, slot->signal->signo, slot->name, source, payload);
    if (slot->state & TOCSIN__RUNNING && !slot->nodefer)
        return tocsin__pend(slot, &info.seen);
    result = deliver_or_default(loop, slot, &info);
    tocsin__info_end(&info);
    return result;
}

static int emit_nobody(struct tocsin__loop *loop, struct tocsin__signal *signal, uint64_t source, const struct tocsin_payload *payload)
{
    struct tocsin__info info;

    if (signal->unresolved || signal->loops || (signal->spec.unhandled == TOCSIN_IGNORE && !signal->spec.unhandled_fn))
        return TOCSIN_NOBODY;
    tocsin__info_fill(&info, loop, signal->signo, signal->name, source, payload);
    tocsin__default_action(loop, signal, &info.seen);
    tocsin__info_end(&info);
    return TOCSIN_NOBODY;
}

int tocsin__emit_slow(struct tocsin__loop *loop, int signo, uint64_t source, const struct tocsin_payload *payload)
{
    struct tocsin__signal *signal = tocsin__signal(signo);
    struct tocsin__source *found;
    struct tocsin__slot *slot;
    int err;

    if (!signal || !signal->declared || signal->spec.kind == TOCSIN_DIRECT)
        return -EINVAL;
    if ((payload && !payload->layout) || !tocsin__layout_same(signal->spec.layout, payload ? payload->layout : NULL))
        return -EPROTO;
    if (loop == &tocsin__no_loop)
        return signal->unresolved || signal->loops || signal->spec.unhandled != TOCSIN_IGNORE || signal->spec.unhandled_fn ? -ENODEV : TOCSIN_NOBODY;
    if (loop->depth >= TOCSIN__DEPTH_MAX)
        return -ELOOP;
    if (signal->unresolved && tocsin__patterns_resolve(loop) < 0)
        return -ENOMEM;
    err = source ? tocsin__source_find(source, &found) : 0;
    if (err < 0 && err != -EXDEV)                      /* another loop's source is one that nobody here can listen to alone */
        return err;
    slot = tocsin__slot(loop, signo);
    if (!slot || !(slot->handlers || slot->observers))
        return emit_nobody(loop, signal, source, payload);
    slot->layout = payload ? payload->layout : &tocsin__layout_none;
    return emit_here(loop, slot, source, payload);
}

int tocsin__announce(struct tocsin__loop *loop, int signo, struct tocsin__source *source, struct tocsin__info *info, bool notified)
{
    uint32_t word = atomic_load_explicit(&tocsin__interest[signo], memory_order_relaxed);
    struct tocsin__signal *signal;
    struct tocsin__slot *slot;

    if (word == TOCSIN__NOBODY && !notified)
        return TOCSIN_NOBODY;
    info->seen.sequence = loop->sequence++;
    info->seen.turn_us = loop->turn_us;
    if (word == TOCSIN__NOBODY)
        return TOCSIN_NOBODY;
    signal = tocsin__signal(signo);
    if (signal->unresolved)
        tocsin__patterns_resolve(loop);                /* short of memory: those that have joined hear it */
    slot = tocsin__slot(loop, signo);
    if (!slot || !(slot->handlers || slot->observers)) {
        if (!signal->unresolved && !signal->loops)
            tocsin__default_action(loop, signal, &info->seen);
        return TOCSIN_NOBODY;
    }
    if (slot->state & TOCSIN__PENDED)
        flush(loop, slot);
    return word == loop->number ? tocsin__deliver(loop, slot, slot->sourced ? list_from(loop, slot, source->id) : &tocsin__list_empty, info)
                                : deliver_or_default(loop, slot, info);
}
