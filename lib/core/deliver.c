/* The slow way: several loops, patterns to be looked through, default actions, what is blocked, nested or late. */
#include <stdlib.h>

#include "core/cast.h"
#include "core/emit.h"
#include "core/layout.h"
#include "core/mask.h"
#include "core/receive.h"

const struct tocsin_layout tocsin__layout_none;

bool tocsin__answered(struct tocsin__loop *loop, struct tocsin__handler *handler, const struct tocsin_info *info, int answer)
{
    if (answer < 0)
        tocsin__handler_failed(loop, handler, info, answer);
    return answer == TOCSIN_STOP && !(handler->flags & TOCSIN__OBSERVER);
}

/* What a handler with flags or a mask is called through: the plain ones pay nothing for them. */
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
    if (handler->mask)
        tocsin__mask_enter(handler->mask);
    slot->nodefer = handler->flags & TOCSIN_NODEFER;
    answer = fn(info, handler->user_arg);
    slot->nodefer = nodefer;
    if (handler->mask)
        tocsin__mask_leave(handler->mask, slot);
    return answer;
}

void tocsin__handler_aim(struct tocsin__handler *handler)
{
    bool plain = !(handler->flags & (TOCSIN_ONCE | TOCSIN_NODEFER)) && !handler->mask;

    handler->fn = plain ? handler->user_fn : by_flags;
    handler->arg = plain ? handler->user_arg : handler;
}

/* The outermost delivery, and everything that has a default action */

/* That of a plugin counts as a task of its while it runs, and it was not orphaned before that: a loop that is made while others meet for a reload is not asked. */
static tocsin_fn default_begins(const struct tocsin__signal *signal, struct tocsin__owner **ret_owner)
{
    tocsin_fn fn;

    *ret_owner = &tocsin__program;
    while ((fn = __atomic_load_n(&signal->spec.unhandled_fn, __ATOMIC_SEQ_CST))) {
        struct tocsin__owner *owner = tocsin__owner_of((const void *)fn);

        if (owner != &tocsin__program)
            tocsin__owner_hold(owner, TOCSIN_HOLDS_TASKS, 1);
        *ret_owner = owner;
        if (__atomic_load_n(&signal->spec.unhandled_fn, __ATOMIC_SEQ_CST) == fn)
            break;
        if (owner != &tocsin__program)
            tocsin__owner_give(owner, TOCSIN_HOLDS_TASKS, 1);
    }
    return fn;
}

void tocsin__default_action(struct tocsin__loop *loop, struct tocsin__signal *signal, struct tocsin_info *info)
{
    struct tocsin__owner *owner;
    tocsin_fn fn = default_begins(signal, &owner);

    if (fn) {
        struct tocsin__doing was = tocsin__doing(loop);

        tocsin__does(loop, (struct tocsin__doing){ (const void *)fn, signal->name, info->source.id });
        loop->depth++;
        fn(info, NULL);
        loop->depth--;
        tocsin__does(loop, was);
        if (owner != &tocsin__program)
            tocsin__owner_give(owner, TOCSIN_HOLDS_TASKS, 1);
        tocsin__tidy_at_rest(loop);
    } else if (signal->spec.unhandled == TOCSIN_STOP_LOOP) {
        loop->stop_wanted = true;
        loop->stop_status = 0;
    } else if (signal->spec.unhandled == TOCSIN_ABORT) {
        abort();
    }
}

struct tocsin__list *tocsin__list_from(struct tocsin__loop *loop, const struct tocsin__slot *slot, uint64_t id)
{
    struct tocsin__source *source = slot->sourced && id ? tocsin__id_object(&loop->sources, id) : NULL;
    struct tocsin__list *list = source ? tocsin__source_list(source, slot) : NULL;

    return list ? list : &tocsin__list_empty;
}

int tocsin__deliver_or_default(struct tocsin__loop *loop, struct tocsin__slot *slot, struct tocsin__info *info)
{
    bool ignored = slot->state & TOCSIN__IGNORED;
    int result;

    loop->depth++;                                     /* if it is freed, then after the default action */
    result = tocsin__deliver(loop, slot, tocsin__list_from(loop, slot, info->seen.source.id), info);
    tocsin__met(loop, slot->signal, info, ignored ? TOCSIN_DELIVERED : result);
    loop->depth--;
    tocsin__tidy_at_rest(loop);
    return result;
}

/* Emitting */

bool tocsin__gates_open(const struct tocsin__slot *slot, size_t size)
{
    for (uint32_t i = 0; i < slot->list->count; i++) {
        const struct tocsin__handler *handler = slot->list->items[i];

        if (handler->gate && handler->id && !handler->gate->open(handler->gate, size))
            return false;
    }
    return true;
}

void tocsin__gates_refused(const struct tocsin__slot *slot, size_t size)
{
    for (uint32_t i = 0; i < slot->list->count; i++) {
        const struct tocsin__handler *handler = slot->list->items[i];

        if (handler->gate && handler->id && !handler->gate->open(handler->gate, size)) {
            handler->gate->refused(handler->gate, slot->name);
            return;                                    /* what it says may have changed the list */
        }
    }
}

static void sequence_back(struct tocsin__loop *loop, const struct tocsin_info *info)
{
    if (loop->sequence == info->sequence + 1)
        loop->sequence--;                              /* nothing has been done, unless an object's ref has emitted */
}

static int pend(struct tocsin__loop *loop, struct tocsin__slot *slot, const struct tocsin_info *info)
{
    int result = tocsin__pend(slot, info);

    if (result < 0)
        sequence_back(loop, info);
    if (result == -EAGAIN)
        tocsin__pend_refused(slot, 0);
    return result;
}

static bool ignores(const struct tocsin__slot *slot)
{
    return slot->state & TOCSIN__IGNORED && !tocsin__slot_held(slot);
}

/* By a queue that is full; not if it is to be pended, or merged with what waits. */
static bool refused(struct tocsin__slot *slot, uint64_t source, size_t size)
{
    if (tocsin__slot_held(slot) || ignores(slot) || tocsin__pend_merges(slot, source) || tocsin__gates_open(slot, size))
        return false;
    tocsin__gates_refused(slot, size);
    return true;
}

/* What this loop has to pend of an emission that others hear as well is made before anything is reserved there: it may fail, and may call a user's ref. */
static int pend_ahead(struct tocsin__slot *slot, struct tocsin__info *info, struct tocsin__info *shared, struct tocsin__pend **ret_pend)
{
    int err;

    *ret_pend = NULL;
    if (!tocsin__slot_held(slot) && !(slot->state & TOCSIN__PENDED))
        return 0;
    if (!tocsin__pend_merges(slot, info->seen.source.id) && !tocsin__pend_room(slot, 1, tocsin__payload_size(info->seen.payload))) {
        tocsin__pend_refused(slot, 0);
        return -EAGAIN;
    }
    err = tocsin__owner_room(tocsin__owner_here(), slot->name, info->seen.payload);
    return err < 0 ? err : tocsin__pend_make(slot, shared ? &shared->seen : &info->seen, ret_pend);
}

/* This loop's own part, after the others' letters have been sent. counted: what the copies are counted in, or info; then info->handled says that there are others. */
static int deliver_part(struct tocsin__loop *loop, struct tocsin__slot *slot, struct tocsin__info *info, struct tocsin__info *counted)
{
    bool ignored = slot->state & TOCSIN__IGNORED;
    int result = tocsin__deliver(loop, slot, tocsin__list_from(loop, slot, info->seen.source.id), info);

    if (result != TOCSIN_NOBODY || ignored || counted != info || !info->handled || tocsin__listens_first(loop, slot->signal))
        tocsin__met(loop, slot->signal, counted, ignored ? TOCSIN_DELIVERED : result);
    return result;
}

/* Of an emission that other loops hear as well: reserved there, settled here, then sent (T2). */
static int emit_both(struct tocsin__loop *loop, struct tocsin__slot *slot, struct tocsin__info *info, struct tocsin__cast *cast)
{
    struct tocsin__pend *pend = NULL;
    int result = tocsin__cast_share(cast, &info->seen, 1);

    if (result < 0)
        return result;
    result = pend_ahead(slot, info, cast->shared, &pend);
    if (result < 0) {
        tocsin__cast_abandon(cast);
        return result;
    }
    result = tocsin__cast_reserve(cast, &info->seen);
    if (result < 0) {
        if (pend)
            tocsin__pend_end(pend);
        return result;
    }
    tocsin__cast_send(cast, &info->seen);
    loop->depth++;
    if (pend) {
        tocsin__pend_counted(pend, cast->shared);
        tocsin__pend_add(slot, pend);
        result = TOCSIN_PENDED;
    } else {
        atomic_store_explicit(&info->handled, cast->count, memory_order_relaxed);
        result = deliver_part(loop, slot, info, cast->shared && cast->shared->open ? cast->shared : info);
    }
    tocsin__cast_end(cast);
    loop->depth--;
    tocsin__tidy_at_rest(loop);
    return result;
}

static int emit_here(struct tocsin__loop *loop, struct tocsin__slot *slot, uint64_t source, const struct tocsin_payload *payload)
{
    struct tocsin__signal *signal = slot->signal;
    struct tocsin__info info;
    struct tocsin__cast cast;
    int result;

    if (slot->state & TOCSIN__RUNNING && !tocsin__slot_held(slot) && slot->nested + 1 >= TOCSIN__NEST_MAX)
        return -ELOOP;
    if (slot->state & TOCSIN__GATED && refused(slot, source, tocsin__payload_size(payload)))
        return -EAGAIN;
    tocsin__info_fill(&info, loop, signal->signo, slot->name, source, payload);
    if (tocsin__elsewhere(signal, slot)) {
        result = tocsin__cast_aim(&cast, signal, loop->number);
        result = result < 0 ? result : emit_both(loop, slot, &info, &cast);
        if (result < 0)
            sequence_back(loop, &info.seen);
    } else if (tocsin__slot_held(slot) || slot->state & TOCSIN__PENDED) {
        result = pend(loop, slot, &info.seen);
    } else {
        result = tocsin__deliver_or_default(loop, slot, &info);
    }
    tocsin__info_end(&info);
    return result;
}

/* What is older goes first, unless a flush has it: then this one waits behind it. */
static int emit_behind(struct tocsin__loop *loop, struct tocsin__slot *slot, uint64_t source, const struct tocsin_payload *payload)
{
    int result;

    loop->depth++;
    tocsin__flush_slot(loop, slot);
    result = emit_here(loop, slot, source, payload);
    loop->depth--;
    tocsin__tidy_at_rest(loop);
    return result;
}

static int emit_nobody(struct tocsin__loop *loop, struct tocsin__signal *signal, uint64_t source, const struct tocsin_payload *payload)
{
    const struct tocsin__slot *slot = tocsin__slot(loop, signal->signo);
    struct tocsin__info info;

    if ((slot && ignores(slot)) || !tocsin__has_default(signal))
        return TOCSIN_NOBODY;
    tocsin__info_fill(&info, loop, signal->signo, signal->name, source, payload);
    tocsin__default_action(loop, signal, &info.seen);
    tocsin__info_end(&info);
    return TOCSIN_NOBODY;
}

/* Nobody listens here, but other loops do. */
static int emit_away(struct tocsin__loop *loop, struct tocsin__signal *signal, uint64_t source, const struct tocsin_payload *payload)
{
    struct tocsin__cast cast;
    struct tocsin__info info;
    int err = tocsin__cast_aim(&cast, signal, loop->number);

    if (err < 0)
        return err;
    tocsin__info_fill(&info, loop, signal->signo, signal->name, source, payload);
    err = tocsin__cast_share(&cast, &info.seen, 0);
    if (err == 0)
        err = tocsin__cast_reserve(&cast, &info.seen);
    if (err < 0 || !cast.count)
        sequence_back(loop, &info.seen);
    if (err < 0)
        return err;
    tocsin__cast_sent(&cast, &info.seen);
    return cast.count ? TOCSIN_PENDED : emit_nobody(loop, signal, source, payload);
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
    if (tocsin__inherited(loop))
        return -EOWNERDEAD;
    if (loop == &tocsin__no_loop)
        return tocsin__heard_elsewhere(loop, signal) || tocsin__has_default(signal) ? -ENODEV : TOCSIN_NOBODY;
    if (loop->depth >= TOCSIN__DEPTH_MAX)
        return -ELOOP;
    if (signal->unresolved && tocsin__patterns_resolve(loop) < 0)
        return -ENOMEM;
    slot = tocsin__slot(loop, signo);
    if (!slot || !tocsin__slot_heard(slot))
        return (tocsin__elsewhere(signal, slot) ? emit_away : emit_nobody)(loop, signal, source, payload);
    err = source ? tocsin__source_find(source, &found) : 0;
    if (err < 0 && err != -EXDEV)                      /* another loop's source is one that nobody here can listen to alone */
        return err;
    slot->layout = payload ? payload->layout : &tocsin__layout_none;
    return (slot->state & TOCSIN__PENDED ? emit_behind : emit_here)(loop, slot, source, payload);
}

/* Nothing of it can be refused, but for progress that finds no memory to wait in. */
static int announce_now(struct tocsin__loop *loop, struct tocsin__slot *slot, struct tocsin__info *info, struct tocsin__pend *place)
{
    int result;

    if (!tocsin__slot_held(slot) && !(slot->state & TOCSIN__PENDED))
        return tocsin__deliver_or_default(loop, slot, info);
    if (place) {
        tocsin__pend_place(slot, place, info);
        return TOCSIN_PENDED;
    }
    result = tocsin__pend(slot, &info->seen);
    if (result == -EAGAIN)
        tocsin__pend_refused(slot, 0);
    return result;
}

static int announce_here(struct tocsin__loop *loop, struct tocsin__slot *slot, struct tocsin__info *info, struct tocsin__pend *place)
{
    int result;

    loop->depth++;
    if (slot->state & TOCSIN__PENDED)
        tocsin__flush_slot(loop, slot);
    result = announce_now(loop, slot, info, place);
    loop->depth--;
    tocsin__tidy_at_rest(loop);
    return result;
}

/* To the other loops that listen: the end of an operation in the parcels that were made for it, progress in their inboxes. To how many; -EAGAIN, -ENOMEM: not now. */
static int announce_away(struct tocsin__loop *loop, struct tocsin__signal *signal, struct tocsin__info *info, bool heard)
{
    struct tocsin__cast cast;
    int err;

    if (loop->parcels)
        return tocsin__parcels_send(loop, info, heard);
    err = tocsin__cast_aim(&cast, signal, loop->number);
    if (err == 0)
        err = tocsin__cast_share(&cast, &info->seen, heard);
    if (err == 0)
        err = tocsin__cast_reserve(&cast, &info->seen);
    if (err < 0) {
        sequence_back(loop, &info->seen);
        return err;
    }
    tocsin__cast_sent(&cast, &info->seen);
    return (int)cast.count;
}

int tocsin__announce(struct tocsin__loop *loop, int signo, struct tocsin__source *source, struct tocsin__info *info, struct tocsin__pend *place,
                     bool notified)
{
    uint32_t word = atomic_load_explicit(&tocsin__interest[signo], memory_order_relaxed);
    struct tocsin__signal *signal;
    struct tocsin__slot *slot;
    int away = 0;
    bool heard;

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
    heard = slot && tocsin__slot_heard(slot);
    if (word != loop->number && (loop->parcels || (!place && tocsin__elsewhere(signal, slot)))) {
        away = announce_away(loop, signal, info, heard);
        if (away < 0)
            return away;
    }
    if (!heard) {
        if (!away && !(slot && ignores(slot)))
            tocsin__default_action(loop, signal, &info->seen);
        return TOCSIN_NOBODY;
    }
    if (word == loop->number && !(slot->state & ~(uint32_t)TOCSIN__GATED))
        return tocsin__deliver(loop, slot, slot->sourced ? tocsin__list_from(loop, slot, source->id) : &tocsin__list_empty, info);
    return announce_here(loop, slot, info, place);
}
