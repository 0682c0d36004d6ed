/* The pending emissions of one signal on one loop: a list with limits (E5, E10, E11). */
#include <string.h>

#include "registry/catalogue.h"
#include "delivery/emit.h"
#include "delivery/hooks.h"
#include "registry/layout.h"
#include "registry/owner.h"
#include "base/refusal.h"
#include "delivery/pending/pending_sources.h"
#include "delivery/owner_here.h"
#include "registry/payload.h"

enum { LIMIT = 1024, LIMIT_BYTES = 1 << 20 };

static size_t limit_of(const struct tocsin__loop_signal *loop_signal)
{
    return loop_signal->signal->spec.limit ? loop_signal->signal->spec.limit : LIMIT;
}

static size_t limit_bytes_of(const struct tocsin__loop_signal *loop_signal)
{
    return loop_signal->signal->spec.limit_bytes ? loop_signal->signal->spec.limit_bytes
                                                 : LIMIT_BYTES;
}

bool tocsin__pending_has_room(const struct tocsin__loop_signal *loop_signal, uint32_t count,
                              size_t size)
{
    return loop_signal->queued.count + count <= limit_of(loop_signal) &&
           loop_signal->queued.bytes + size <= limit_bytes_of(loop_signal);
}

/* Notifies each queue that can take pending emissions. `by` is the number of added emissions, or -1
   if one was removed. */
static void takers_notify(struct tocsin__loop_signal *loop_signal, uint32_t by)
{
    for (uint32_t i = 0; i < loop_signal->list->count; i++) {
        const struct tocsin__handler *handler = loop_signal->list->items[i];

        if (handler->admission && handler->id && handler->admission->count_pending)
            handler->admission->count_pending(handler->admission, loop_signal, by);
    }
}

/* Updates whether the pending emissions are at their limit. If they are, posts of other threads are
   refused. Messages that are already in the inbox are accepted beyond the limit. */
static void pending_update_full(struct tocsin__loop_signal *loop_signal)
{
    bool full = loop_signal->queued.count >= limit_of(loop_signal) ||
                loop_signal->queued.bytes >= limit_bytes_of(loop_signal);

    if (full == loop_signal->listening.full)
        return;
    loop_signal->listening.full = full;
    if (!full) {
        tocsin__hooks.room_check(tocsin__self);
        /* wakes a paused operation of this loop, which may wait for room */
        tocsin__kick_pollers(tocsin__self);
    }
    if (loop_signal->listening.interested)
        tocsin__listener_flag(loop_signal->listener, TOCSIN__FULL, full ? TOCSIN__FULL : 0);
}

enum { CHECKED_MOST = 64 };

/* Returns true if the counters equal the contents of the list. A long list is not read, because
   each change calls this check. */
static bool pending_is_sound(const struct tocsin__loop_signal *loop_signal)
{
    const struct tocsin__loop_signal_queued *queued = &loop_signal->queued;
    struct tocsin__pending *const *link = &queued->first;
    uint32_t count = 0, ends = 0;
    size_t bytes = 0;

    if (queued->count > CHECKED_MOST)
        return true;
    for (; *link && count <= queued->count; link = &(*link)->next) {
        count++;
        ends += (*link)->gone != NULL;
        bytes += (*link)->info->size;
    }
    return link == queued->last && count == queued->count && ends == queued->ends &&
           bytes == queued->bytes && !(loop_signal->state & TOCSIN__PENDING) == !count &&
           (count || !tocsin__heap_has(&loop_signal->flush.node));
}

/* Called when the list has become longer or shorter by one; `by` is 1 or -1. Updates everything
   that depends on the length. */
static void pending_count(struct tocsin__loop_signal *loop_signal, uint32_t by)
{
    loop_signal->queued.count += by;
    pending_update_full(loop_signal);
    loop_signal->state = loop_signal->queued.first
                             ? loop_signal->state | TOCSIN__PENDING
                             : loop_signal->state & ~(uint32_t)TOCSIN__PENDING;
    if (loop_signal->queues.takers)
        takers_notify(loop_signal, by);
}

static void pending_append(struct tocsin__loop_signal *loop_signal, struct tocsin__pending *pending)
{
    pending->next = NULL;
    *loop_signal->queued.last = pending;
    loop_signal->queued.last = &pending->next;
    pending_count(loop_signal, 1);
    tocsin__pending_source_added(loop_signal, pending);
    tocsin__assert(pending_is_sound(loop_signal));
}

static struct tocsin__source *source_of(const struct tocsin__pending *pending)
{
    uint64_t id = pending->info->pub.source.id;

    return id ? tocsin__id_object(&tocsin__self->ids.sources, id) : NULL;
}

/* An operation that has ended stays a source until this emission is delivered (O8). So only the
 * handlers that are connected to this operation receive the emission. */
static void source_count_pending(struct tocsin__pending *pending)
{
    struct tocsin__source *source = source_of(pending);

    pending->counted = source && source->is_op;
    if (pending->counted)
        source->pending++;
}

static void source_uncount_pending(struct tocsin__source *source)
{
    if (source && source->pending && --source->pending == 0)
        tocsin__self->hooks.source_unpended(source);
}

static bool is_half_empty(const struct tocsin__loop_signal *loop_signal, uint32_t to_come)
{
    return loop_signal->queued.count + to_come <= limit_of(loop_signal) / 2 &&
           loop_signal->queued.bytes <= limit_bytes_of(loop_signal) / 2;
}

bool tocsin__pending_would_merge(const struct tocsin__loop_signal *loop_signal, uint64_t source)
{
    return tocsin__pending_source_find(loop_signal, source);
}

/* Charges a pending emission to its sender until the emission is delivered. */
static void pending_charge(struct tocsin__pending *pending, struct tocsin__owner *owner)
{
    pending->owner = owner;
    tocsin__owner_charge_force(owner, TOCSIN_RESOURCE_PENDING, 1);
    tocsin__owner_charge_force(owner, TOCSIN_RESOURCE_PENDING_BYTES, pending->info->size);
}

static void pending_uncharge(struct tocsin__pending *pending)
{
    if (!pending->owner)
        return;
    tocsin__owner_uncharge(pending->owner, TOCSIN_RESOURCE_PENDING, 1);
    tocsin__owner_uncharge(pending->owner, TOCSIN_RESOURCE_PENDING_BYTES, pending->info->size);
    pending->owner = NULL;
}

/* Replaces a pending emission of a coalescing signal by the newest one, even at the limit. */
static void pending_replace(struct tocsin__loop_signal *loop_signal,
                            struct tocsin__pending *pending, struct tocsin__info *info,
                            struct tocsin__owner *owner)
{
    struct tocsin__info *older = pending->info;

    pending_uncharge(pending);
    info->pub.overrun += older->pub.overrun + 1;
    loop_signal->queued.bytes += info->size - (size_t)older->size;
    tocsin__pending_check_recovered(loop_signal, 0);
    pending->info = info;
    tocsin__assert(pending_is_sound(loop_signal));
    pending_charge(pending, owner);
    tocsin__info_put(older);
}

/* Returns a reference if the info is counted and merging cannot change it. Otherwise returns a
   copy. */
static struct tocsin__info *info_keep(const struct tocsin__loop_signal *loop_signal,
                                      const struct tocsin_info *info, int *ret_err)
{
    uint32_t refs = atomic_load_explicit(&((struct tocsin__info *)info)->refs,
                                         memory_order_relaxed);

    if (!refs || refs == TOCSIN__COPIED || loop_signal->signal->spec.kind == TOCSIN_COALESCE)
        return tocsin__info_copy(info, tocsin_info_data(info), loop_signal->signal->spec.layout,
                                 ret_err);
    return (struct tocsin__info *)tocsin_info_ref(info);
}

int tocsin__pending_make(const struct tocsin__loop_signal *loop_signal,
                         const struct tocsin_info *info, struct tocsin__pending **ret_pend)
{
    struct tocsin__pending *pending = tocsin__alloc(sizeof *pending);
    int err = -ENOMEM;

    if (pending)
        pending->info = info_keep(loop_signal, info, &err);
    if (!pending || !pending->info) {
        tocsin__release(pending);
        return err;
    }
    pending->age = info->sequence;
    pending_charge(pending, tocsin__owner_here());
    *ret_pend = pending;
    return 0;
}

/* Called if other loops share the info. If the pending emission has its own copy, the shared info
 * will not be delivered on this loop. So this loop is counted as done in the shared info, and the
 * emission as handled. */
void tocsin__pending_set_shared(struct tocsin__pending *pending, struct tocsin__info *shared)
{
    if (!shared || pending->info == shared || !atomic_load(&shared->open))
        return;
    atomic_store(&shared->handled, 1);
    atomic_fetch_sub(&shared->open, 1);
}

void tocsin__pending_add(struct tocsin__loop_signal *loop_signal, struct tocsin__pending *pending)
{
    struct tocsin__pending *same = tocsin__pending_source_find(loop_signal,
                                                               pending->info->pub.source.id);

    if (same) {
        struct tocsin__owner *owner = pending->owner;

        pending_uncharge(pending);
        pending_replace(loop_signal, same, pending->info, owner);
        tocsin__release(pending);
        return;
    }
    loop_signal->queued.bytes += pending->info->size;
    source_count_pending(pending);
    pending_append(loop_signal, pending);
}

int tocsin__pending_queue(struct tocsin__loop_signal *loop_signal, const struct tocsin_info *info)
{
    struct tocsin__pending *pending;
    int err;

    if (!tocsin__pending_source_find(loop_signal, info->source.id) &&
        !tocsin__pending_has_room(loop_signal, 1, tocsin__payload_size(info->payload)))
        return -EAGAIN;
    err = tocsin__owner_room(tocsin__owner_here(), loop_signal->name, info->payload);
    if (err == 0)
        err = tocsin__pending_make(loop_signal, info, &pending);
    if (err < 0)
        return err;
    tocsin__pending_add(loop_signal, pending);
    return TOCSIN_PENDED;
}

/* Queues the end of another loop's operation. Such an end never merges with another emission. */
static void pending_add_end(struct tocsin__loop_signal *loop_signal,
                            struct tocsin__pending *pending)
{
    loop_signal->queued.bytes += pending->info->size;
    pending_append(loop_signal, pending);
}

bool tocsin__pending_add_accepted(struct tocsin__loop_signal *loop_signal,
                                  struct tocsin__info *info, struct tocsin__pending **place)
{
    struct tocsin__pending *pending;

    if (place) {
        pending = *place;
        pending->info = (struct tocsin__info *)tocsin_info_ref(&info->pub);
        *place = NULL;
    } else if (tocsin__pending_make(loop_signal, &info->pub, &pending) < 0) {
        return false;
    }
    /* the emission may have been numbered by another loop, so its age is a number of this loop */
    pending->age = tocsin__self->sequence++;
    if (pending->info != info)
        atomic_store(&pending->info->handled, atomic_load(&info->handled));
    if (place)
        pending_add_end(loop_signal, pending);
    else
        tocsin__pending_add(loop_signal, pending);
    return true;
}

void tocsin__pending_add_reserved(struct tocsin__loop_signal *loop_signal,
                                  struct tocsin__pending *place, struct tocsin__info *info)
{
    place->info = (struct tocsin__info *)tocsin_info_ref(&info->pub);
    place->age = info->pub.sequence;
    loop_signal->queued.ends++;
    pending_append(loop_signal, place);
}

/* Called when the list has become empty. Removes the signal from its heap. */
static void pending_leave_heap(struct tocsin__loop_signal *loop_signal)
{
    if (!tocsin__heap_has(&loop_signal->flush.node))
        return;
    tocsin__heap_remove(&loop_signal->flush.node);
    loop_signal->state &= ~(uint32_t)TOCSIN__FLUSHING;
}

struct tocsin__pending *tocsin__pending_take(struct tocsin__loop_signal *loop_signal)
{
    struct tocsin__pending *pending = loop_signal->queued.first;

    tocsin__assert(pending && loop_signal->queued.count > 0);
    loop_signal->queued.first = pending->next;
    if (!loop_signal->queued.first) {
        loop_signal->queued.last = &loop_signal->queued.first;
        pending_leave_heap(loop_signal);
    }
    tocsin__pending_source_removed(loop_signal, pending);
    loop_signal->queued.bytes -= pending->info->size;
    loop_signal->queued.ends -= pending->gone != NULL;
    pending_count(loop_signal, -1u);
    tocsin__pending_check_recovered(loop_signal, 0);
    tocsin__assert(pending_is_sound(loop_signal));
    return pending;
}

void tocsin__pending_end(struct tocsin__pending *pending)
{
    struct tocsin__source *source = pending->counted ? source_of(pending) : NULL;
    struct tocsin__info *info = pending->info;

    pending_uncharge(pending);
    pending->info = NULL;
    if (pending->gone)
        pending->gone(pending);
    else
        tocsin__release(pending);
    tocsin__info_put(info);
    source_uncount_pending(source);
}

void tocsin__pending_delivery_begin(struct tocsin__loop *loop, struct tocsin__pending *pending)
{
    pending->next = loop->pending.delivering;
    loop->pending.delivering = pending;
}

void tocsin__pending_delivery_end(struct tocsin__loop *loop, struct tocsin__pending *pending)
{
    tocsin__assert(loop->pending.delivering == pending);
    loop->pending.delivering = pending->next;
    tocsin__pending_end(pending);
}

bool tocsin__pending_is_before(const struct tocsin__loop_signal *one,
                               const struct tocsin__loop_signal *other)
{
    int rank = one->signal->spec.rank, other_rank = other->signal->spec.rank;

    return rank != other_rank ? rank < other_rank
                              : one->queued.first->age < other->queued.first->age;
}

struct tocsin_info *tocsin__pending_accept(struct tocsin__loop *loop,
                                           struct tocsin__loop_signal *loop_signal)
{
    struct tocsin__pending *pending = tocsin__pending_take(loop_signal);
    struct tocsin_info *info = tocsin_info_ref(&pending->info->pub);

    tocsin__loop_enter(loop);
    tocsin__pending_delivery_begin(loop, pending);
    if (loop_signal->observers)
        tocsin__observe(loop, loop_signal, tocsin__list_from(loop, loop_signal, info->source.id),
                        pending->info);
    tocsin__pending_delivery_end(loop, pending);
    tocsin__kick_pollers(loop);
    tocsin__loop_leave(loop);
    return info;
}

void tocsin__pending_drop(struct tocsin__loop_signal *loop_signal)
{
    while (loop_signal->queued.first)
        tocsin__pending_end(tocsin__pending_take(loop_signal));
}

void tocsin__pending_disown(struct tocsin__loop_signal *loop_signal,
                            const struct tocsin__owner *owner)
{
    for (struct tocsin__pending *pending = loop_signal->queued.first; pending;
         pending = pending->next)
        if (pending->owner == owner) {
            pending_uncharge(pending);
            pending_charge(pending, &tocsin__program);
        }
}

/* Full */

void tocsin__queue_full(struct tocsin_queue_full *what)
{
    int signo = tocsin__catalogue_signo(&tocsin__queue_full_spec);

    if (strncmp(what->signal, "tocsin.", 7) != 0 && tocsin_has_listeners(signo) > 0)
        tocsin_emit(signo, &what->tocsin);
}

void tocsin__pending_check_recovered(struct tocsin__loop_signal *loop_signal, uint32_t to_come)
{
    loop_signal->queued.overflowing &= !is_half_empty(loop_signal, to_come);
}

static void overflow_report(struct tocsin__loop_signal *loop_signal, uint32_t to_come)
{
    struct tocsin_queue_full what = tocsin_queue_full_make();

    loop_signal->queued.overflowing = !is_half_empty(
        loop_signal, to_come); /* no report if the list is at most half full: then the refused
                                * emission was only too large */
    what.signal = loop_signal->name;
    what.entries = loop_signal->queued.count + to_come;
    what.bytes = loop_signal->queued.bytes;
    what.limit = limit_of(loop_signal);
    what.limit_bytes = limit_bytes_of(loop_signal);
    what.refused = loop_signal->queued.refused;
    tocsin__queue_full(&what);
}

static int explain_full(const struct tocsin__loop_signal *loop_signal, uint32_t entries,
                        uint32_t limit)
{
    return tocsin__because(
        -EAGAIN, "%u of %u emissions of '%s', %zu bytes, are pending on this loop: %s", entries,
        limit, loop_signal->name, loop_signal->queued.bytes,
        loop_signal->state & TOCSIN__BLOCKED   ? "it is blocked"
        : loop_signal->state & TOCSIN__RUNNING ? "its handlers run"
                                               : "they wait for a queue or a turn");
}

void tocsin__pending_count_refused(struct tocsin__loop_signal *loop_signal, uint32_t to_come)
{
    loop_signal->queued.refused++;
    if (!loop_signal->queued.overflowing)
        overflow_report(loop_signal, to_come);
    (void)explain_full(loop_signal, loop_signal->queued.count + to_come, limit_of(loop_signal));
}
