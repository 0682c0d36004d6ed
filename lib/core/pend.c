/* What is pended of a signal on a loop: a list, bounded (E5, E10, E11). */
#include <string.h>

#include "core/catalogue.h"
#include "core/emit.h"
#include "core/layout.h"
#include "core/owner.h"
#include "core/receive.h"

enum { LIMIT = 1024, LIMIT_BYTES = 1 << 20 };

static size_t limit_of(const struct tocsin__slot *slot)
{
    return slot->signal->spec.limit ? slot->signal->spec.limit : LIMIT;
}

static size_t limit_bytes_of(const struct tocsin__slot *slot)
{
    return slot->signal->spec.limit_bytes ? slot->signal->spec.limit_bytes : LIMIT_BYTES;
}

bool tocsin__pend_room(const struct tocsin__slot *slot, uint32_t count, size_t size)
{
    return slot->pended + count <= limit_of(slot) && slot->pended_bytes + size <= limit_bytes_of(slot);
}

/* The queues that can take what is pended hear of it. */
static void takers_tell(struct tocsin__slot *slot, uint32_t by)
{
    for (uint32_t i = 0; i < slot->list->count; i++) {
        const struct tocsin__handler *handler = slot->list->items[i];

        if (handler->gate && handler->id && handler->gate->pended)
            handler->gate->pended(handler->gate, by);
    }
}

/* Other threads' posts are refused at the limit, while what is on its way from them is still taken in. */
static void full_tell(struct tocsin__slot *slot)
{
    bool full = slot->pended >= limit_of(slot) || slot->pended_bytes >= limit_bytes_of(slot);

    if (full == slot->full)
        return;
    slot->full = full;
    if (!full)
        tocsin__wanted_back(tocsin__self);
    if (slot->interested)
        tocsin__listener_flag(slot->listener, TOCSIN__FULL, full ? TOCSIN__FULL : 0);
}

static void counted(struct tocsin__slot *slot, uint32_t by)
{
    slot->pended += by;
    full_tell(slot);
    slot->state = slot->pend ? slot->state | TOCSIN__PENDED : slot->state & ~(uint32_t)TOCSIN__PENDED;
    if (slot->takers)
        takers_tell(slot, by);
}

static void append(struct tocsin__slot *slot, struct tocsin__pend *pend)
{
    pend->next = NULL;
    *slot->pend_last = pend;
    slot->pend_last = &pend->next;
    counted(slot, 1);
}

static bool half_empty(const struct tocsin__slot *slot, uint32_t to_come)
{
    return slot->pended + to_come <= limit_of(slot) / 2 && slot->pended_bytes <= limit_bytes_of(slot) / 2;
}

static struct tocsin__pend *pend_same(const struct tocsin__slot *slot, uint64_t source)
{
    struct tocsin__pend *pend = slot->signal->spec.kind == TOCSIN_COALESCE ? slot->pend : NULL;

    while (pend && (pend->gone || pend->info->seen.source.id != source))
        pend = pend->next;
    return pend;
}

bool tocsin__pend_merges(const struct tocsin__slot *slot, uint64_t source)
{
    return pend_same(slot, source);
}

/* Who sent it holds it, until it has been told. */
static void charge(struct tocsin__pend *pend, struct tocsin__owner *owner)
{
    pend->owner = owner;
    tocsin__owner_hold(owner, TOCSIN_HOLDS_PENDED, 1);
    tocsin__owner_hold(owner, TOCSIN_HOLDS_PENDED_BYTES, pend->info->size);
}

static void discharge(struct tocsin__pend *pend)
{
    if (!pend->owner)
        return;
    tocsin__owner_give(pend->owner, TOCSIN_HOLDS_PENDED, 1);
    tocsin__owner_give(pend->owner, TOCSIN_HOLDS_PENDED_BYTES, pend->info->size);
    pend->owner = NULL;
}

/* The newest replaces the one that waits, and is not refused for room. */
static void replace(struct tocsin__slot *slot, struct tocsin__pend *pend, struct tocsin__info *info, struct tocsin__owner *owner)
{
    struct tocsin__info *older = pend->info;

    discharge(pend);
    info->seen.overrun += older->seen.overrun + 1;
    slot->pended_bytes += info->size - (size_t)older->size;
    tocsin__pend_recovered(slot, 0);
    pend->info = info;
    charge(pend, owner);
    tocsin__info_put(older);
}

/* A counted one is kept as it is, if it need not be changed; else a copy. */
static struct tocsin__info *info_keep(const struct tocsin__slot *slot, const struct tocsin_info *info, int *ret_err)
{
    uint32_t refs = atomic_load_explicit(&((struct tocsin__info *)info)->refs, memory_order_relaxed);

    if (!refs || refs == TOCSIN__COPIED || slot->signal->spec.kind == TOCSIN_COALESCE)
        return tocsin__info_copy(info, slot->signal->spec.layout, ret_err);
    return (struct tocsin__info *)tocsin_info_ref(info);
}

int tocsin__pend_make(const struct tocsin__slot *slot, const struct tocsin_info *info, struct tocsin__pend **ret_pend)
{
    struct tocsin__pend *pend = tocsin__alloc(sizeof *pend);
    int err = -ENOMEM;

    if (pend)
        pend->info = info_keep(slot, info, &err);
    if (!pend || !pend->info) {
        tocsin__release(pend);
        return err;
    }
    pend->age = info->sequence;
    charge(pend, tocsin__owner_here());
    *ret_pend = pend;
    return 0;
}

/* What merges is a copy of its own: for the other loops it counts as handled. */
void tocsin__pend_counted(struct tocsin__pend *pend, struct tocsin__info *shared)
{
    if (!shared || pend->info == shared || !atomic_load(&shared->open))
        return;
    atomic_store(&shared->handled, 1);
    atomic_fetch_sub(&shared->open, 1);
}

void tocsin__pend_add(struct tocsin__slot *slot, struct tocsin__pend *pend)
{
    struct tocsin__pend *same = pend_same(slot, pend->info->seen.source.id);

    if (same) {
        struct tocsin__owner *owner = pend->owner;

        discharge(pend);
        replace(slot, same, pend->info, owner);
        tocsin__release(pend);
        return;
    }
    slot->pended_bytes += pend->info->size;
    append(slot, pend);
}

int tocsin__pend(struct tocsin__slot *slot, const struct tocsin_info *info)
{
    struct tocsin__pend *pend;
    int err;

    if (!pend_same(slot, info->source.id) && !tocsin__pend_room(slot, 1, tocsin__payload_size(info->payload)))
        return -EAGAIN;
    err = tocsin__owner_room(tocsin__owner_here(), slot->name, info->payload);
    if (err == 0)
        err = tocsin__pend_make(slot, info, &pend);
    if (err < 0)
        return err;
    tocsin__pend_add(slot, pend);
    return TOCSIN_PENDED;
}

/* The end of another loop's operation: nothing of it merges, as here. */
static void add_end(struct tocsin__slot *slot, struct tocsin__pend *pend)
{
    slot->pended_bytes += pend->info->size;
    append(slot, pend);
}

bool tocsin__pend_accepted(struct tocsin__slot *slot, struct tocsin__info *info, struct tocsin__pend **place)
{
    struct tocsin__pend *pend;

    if (place) {
        pend = *place;
        pend->info = (struct tocsin__info *)tocsin_info_ref(&info->seen);
        *place = NULL;
    } else if (tocsin__pend_make(slot, &info->seen, &pend) < 0) {
        return false;
    }
    pend->age = tocsin__self->sequence++;              /* its own sequence number may be of another loop */
    if (pend->info != info)
        atomic_store(&pend->info->handled, atomic_load(&info->handled));
    if (place)
        add_end(slot, pend);
    else
        tocsin__pend_add(slot, pend);
    return true;
}

void tocsin__pend_place(struct tocsin__slot *slot, struct tocsin__pend *place, struct tocsin__info *info)
{
    place->info = (struct tocsin__info *)tocsin_info_ref(&info->seen);
    place->age = info->seen.sequence;
    slot->ends++;
    append(slot, place);
}

/* Nothing is left of it to be flushed. */
static void leave_heap(struct tocsin__slot *slot)
{
    if (!tocsin__heap_has(&slot->due))
        return;
    tocsin__heap_remove(&slot->due);
    slot->state &= ~(uint32_t)TOCSIN__FLUSHING;
}

struct tocsin__pend *tocsin__pend_take(struct tocsin__slot *slot)
{
    struct tocsin__pend *pend = slot->pend;

    slot->pend = pend->next;
    if (!slot->pend) {
        slot->pend_last = &slot->pend;
        leave_heap(slot);
    }
    slot->pended_bytes -= pend->info->size;
    slot->ends -= pend->gone != NULL;
    counted(slot, -1u);
    tocsin__pend_recovered(slot, 0);
    return pend;
}

void tocsin__pend_end(struct tocsin__pend *pend)
{
    struct tocsin__info *info = pend->info;

    discharge(pend);
    pend->info = NULL;
    if (pend->gone)
        pend->gone(pend);
    else
        tocsin__release(pend);
    tocsin__info_put(info);
}

void tocsin__tell_begin(struct tocsin__loop *loop, struct tocsin__pend *pend)
{
    pend->next = loop->telling;
    loop->telling = pend;
}

void tocsin__tell_end(struct tocsin__loop *loop, struct tocsin__pend *pend)
{
    loop->telling = pend->next;
    tocsin__pend_end(pend);
}

bool tocsin__pend_before(const struct tocsin__slot *one, const struct tocsin__slot *other)
{
    int rank = one->signal->spec.rank, other_rank = other->signal->spec.rank;

    return rank != other_rank ? rank < other_rank : one->pend->age < other->pend->age;
}

struct tocsin_info *tocsin__pend_accept(struct tocsin__loop *loop, struct tocsin__slot *slot)
{
    struct tocsin__pend *pend = tocsin__pend_take(slot);
    struct tocsin_info *info = tocsin_info_ref(&pend->info->seen);

    loop->depth++;
    tocsin__tell_begin(loop, pend);
    if (slot->observers)
        tocsin__observe(loop, slot, tocsin__list_from(loop, slot, info->source.id), pend->info);
    tocsin__tell_end(loop, pend);
    tocsin__stir(loop);
    loop->depth--;
    tocsin__tidy_at_rest(loop);
    return info;
}

void tocsin__pend_drop(struct tocsin__slot *slot)
{
    while (slot->pend)
        tocsin__pend_end(tocsin__pend_take(slot));
}

void tocsin__pend_disown(struct tocsin__slot *slot, const struct tocsin__owner *owner)
{
    for (struct tocsin__pend *pend = slot->pend; pend; pend = pend->next)
        if (pend->owner == owner) {
            discharge(pend);
            charge(pend, &tocsin__program);
        }
}

/* Full */

void tocsin__queue_full(struct tocsin_queue_full *what)
{
    int signo = tocsin__catalogue_signo(&tocsin__queue_full_spec);

    if (strncmp(what->signal, "tocsin.", 7) != 0 && tocsin_heard(signo) > 0)
        tocsin_emit(signo, &what->tocsin);
}

void tocsin__pend_recovered(struct tocsin__slot *slot, uint32_t to_come)
{
    slot->overflowing &= !half_empty(slot, to_come);
}

void tocsin__pend_refused(struct tocsin__slot *slot, uint32_t to_come)
{
    struct tocsin_queue_full what = tocsin_queue_full_make();

    slot->refused++;
    if (slot->overflowing)
        return;
    slot->overflowing = !half_empty(slot, to_come);    /* it may have been too large, and no more */
    what.signal = slot->name;
    what.entries = slot->pended + to_come;
    what.bytes = slot->pended_bytes;
    what.limit = limit_of(slot);
    what.limit_bytes = limit_bytes_of(slot);
    what.refused = slot->refused;
    tocsin__queue_full(&what);
}
