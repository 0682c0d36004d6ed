#include <string.h>

#include "core/box.h"
#include "core/cast.h"
#include "core/emit.h"
#include "core/layout.h"
#include "core/owner.h"
#include "core/receive.h"

/* To whom */

static void over(struct tocsin__cast *cast)
{
    if (cast->places != cast->few)
        tocsin__pages_release(cast->places, cast->capacity * sizeof cast->places[0]);
    cast->places = cast->few;
}

/* Pages, since it may be a real signal handler that asks. */
static int more(struct tocsin__cast *cast)
{
    uint32_t count = cast->count;
    struct tocsin__place *places;

    if (count < TOCSIN__CAST_FEW || (count & (count - 1)))
        return 0;
    places = tocsin__pages(2 * count * sizeof *places);
    if (!places)
        return -ENOMEM;
    memcpy(places, cast->places, count * sizeof *places);
    over(cast);
    cast->places = places;
    cast->capacity = 2 * count;
    return 0;
}

static void add(struct tocsin__cast *cast, struct tocsin__loop *loop, const struct tocsin__listener *listener, uint32_t word)
{
    bool boxed = listener && (word || cast->signal->flat);       /* where nobody listens, nothing would clear what it holds */
    struct tocsin__box *box = boxed ? atomic_load_explicit(&listener->box, memory_order_acquire) : NULL;

    cast->places[cast->count++] = (struct tocsin__place){ .loop = loop, .box = box, .at = word };
}

static int aim(struct tocsin__cast *cast, uint32_t except)
{
    struct tocsin__listener *listener = &cast->signal->first;
    int err = 0;

    for (cast->count = 0; listener && err == 0; listener = atomic_load_explicit(&listener->next, memory_order_acquire)) {
        uint32_t word = atomic_load(&listener->word), number = word & TOCSIN__LOOP_BITS;

        if (!number || number == except || word & TOCSIN__DEAF)
            continue;
        err = more(cast);
        if (err == 0)
            add(cast, tocsin__loop_numbered(number), listener, word);
    }
    return err;
}

static void begin(struct tocsin__cast *cast, struct tocsin__signal *signal)
{
    cast->signal = signal;
    cast->generation = TOCSIN__ANY;
    cast->spare = TOCSIN__SPARE;
    cast->full = NULL;
    cast->count = 0;
    cast->shared = NULL;
    cast->places = cast->few;
}

int tocsin__cast_aim(struct tocsin__cast *cast, struct tocsin__signal *signal, uint32_t except)
{
    uint32_t changes;
    int err;

    begin(cast, signal);
    do {                                               /* a loop that moves in the list while we read must not get two */
        changes = atomic_load(&signal->changes);
        err = aim(cast, except);
    } while (err == 0 && atomic_load(&signal->changes) != changes);
    if (err < 0)
        over(cast);
    return err;
}

int tocsin__cast_aim_main(struct tocsin__cast *cast, struct tocsin__signal *signal)
{
    struct tocsin__loop *loop = tocsin__loop_main();

    begin(cast, signal);
    if (!loop)
        return -ESHUTDOWN;
    add(cast, loop, tocsin__listener_of(signal, loop->number), 0);
    return 0;
}

int tocsin__cast_aim_at(struct tocsin__cast *cast, struct tocsin__signal *signal, struct tocsin_loop id)
{
    struct tocsin__listener *listener;
    struct tocsin__loop *loop;
    uint64_t generation;
    int err = tocsin__loop_of(id.id, &loop, &generation);

    begin(cast, signal);
    if (err < 0)
        return err;
    cast->generation = generation;
    listener = tocsin__listener_of(signal, loop->number);
    add(cast, loop, listener, listener ? atomic_load(&listener->word) : 0);
    return 0;
}

/* Places */

static int bytes_reserve(struct tocsin__inbox *inbox, size_t size)
{
    uint64_t bytes = size ? atomic_fetch_add(&inbox->bytes, size) : 0;

    if (!bytes || bytes + size <= TOCSIN_INBOX_BYTES)
        return 0;                                      /* alone, what is larger than the limit is let in: it would never be */
    atomic_fetch_sub(&inbox->bytes, size);
    return -EAGAIN;
}

static int place_reserve(struct tocsin__cast *cast, struct tocsin__place *place, const struct tocsin_info *info)
{
    struct tocsin__inbox *inbox = &place->loop->inbox;
    bool full = place->at & TOCSIN__FULL;
    int err;

    if (place->box && info->source.id)
        place->box = NULL;                             /* they coalesce by source where they are pended */
    if (place->box)
        return tocsin__inbox_hold(inbox, cast->generation, &place->at);
    if (full)
        return tocsin__inbox_closed(inbox) ? -ESHUTDOWN : -EAGAIN;
    err = bytes_reserve(inbox, cast->bytes);
    if (err == 0) {
        err = tocsin__inbox_claim(inbox, cast->generation, cast->spare, &place->at);
        if (err < 0 && cast->bytes)
            atomic_fetch_sub(&inbox->bytes, cast->bytes);
    }
    return err;
}

/* What has been reserved is handed over all the same: as nothing. */
static void give_back(struct tocsin__cast *cast, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct tocsin__place *place = &cast->places[i];

        if (place->box) {
            tocsin__inbox_let_go(&place->loop->inbox, place->at);
            continue;
        }
        if (cast->bytes)
            atomic_fetch_sub(&place->loop->inbox.bytes, cast->bytes);
        tocsin__inbox_letter(&place->loop->inbox, place->at)->kind = TOCSIN__VOID;
        tocsin__inbox_letter(&place->loop->inbox, place->at)->flags = 0;
        tocsin__inbox_publish(&place->loop->inbox, place->at);
    }
}

static int refused(struct tocsin__cast *cast, struct tocsin__loop *loop)
{
    atomic_fetch_add_explicit(&loop->inbox.refused, 1, memory_order_relaxed);
    cast->full = loop;
    return -EAGAIN;
}

/* Before a place is taken anywhere, all are asked: who tries again and again must not fill the others with letters that say nothing. */
static int room(struct tocsin__cast *cast)
{
    for (uint32_t i = 0; i < cast->count; i++) {
        struct tocsin__place *place = &cast->places[i];
        struct tocsin__inbox *inbox = &place->loop->inbox;

        if (place->box || place->at & TOCSIN__OBSERVES || tocsin__inbox_closed(inbox))
            continue;
        if (place->at & TOCSIN__FULL || !tocsin__inbox_room(inbox, cast->spare))
            return refused(cast, place->loop);
    }
    return 0;
}

static int places_reserve(struct tocsin__cast *cast, const struct tocsin_info *info)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < cast->count; i++) {
        struct tocsin__place place = cast->places[i];
        bool observes = place.at & TOCSIN__OBSERVES;
        int err = place_reserve(cast, &place, info);

        if (err == -ESHUTDOWN && tocsin__inherited(place.loop)) {
            give_back(cast, kept);
            return -EOWNERDEAD;
        }
        if (err == -EAGAIN && observes)
            atomic_fetch_add_explicit(&place.loop->inbox.missed, 1, memory_order_relaxed);
        else if (err == -EAGAIN || (err < 0 && cast->generation != TOCSIN__ANY)) {
            give_back(cast, kept);
            return err == -EAGAIN ? refused(cast, place.loop) : err;
        }
        if (err == 0)
            cast->places[kept++] = place;
    }
    cast->count = kept;
    return 0;
}

void tocsin__cast_abandon(struct tocsin__cast *cast)
{
    if (cast->shared)
        tocsin__info_put(cast->shared);
    over(cast);
}

/* One copy for all: where a letter cannot hold it; and where the last of them has to see to the default action (T7). Not of a TOCSIN_ASYNC signal: in a
   real signal handler there is no memory, nor may any be freed there. */
int tocsin__cast_share(struct tocsin__cast *cast, const struct tocsin_info *info, uint32_t locals)
{
    bool counted = tocsin__has_default(cast->signal) && cast->count + locals > 1 && !(cast->signal->spec.flags & TOCSIN_ASYNC);
    int err = 0;

    cast->bytes = 0;
    cast->locals = locals;
    if (!counted && !info->source.id && (cast->signal->flat || !info->payload))
        return 0;
    cast->shared = tocsin__info_copy(info, cast->signal->spec.layout, &err);
    if (cast->shared)
        cast->bytes = cast->shared->size;
    else
        over(cast);
    return err;
}

int tocsin__cast_reserve(struct tocsin__cast *cast, const struct tocsin_info *info)
{
    int err = room(cast);

    if (err == 0)
        err = places_reserve(cast, info);
    if (err < 0) {
        tocsin__cast_abandon(cast);
        return err;
    }
    if (cast->shared) {
        atomic_fetch_add(&cast->shared->refs, cast->count);      /* one was the sender's; what it pends has its own */
        atomic_store(&cast->shared->open, tocsin__has_default(cast->signal) ? cast->count + cast->locals : 0);
    }
    return 0;
}

/* Filled */

static void letter_fill(struct tocsin__letter *letter, const struct tocsin__cast *cast, const struct tocsin_info *info, uint16_t flags)
{
    if (cast->shared) {
        letter->signo = info->signo;
        letter->code = (uint8_t)info->code;
        letter->kind = TOCSIN__SHARED;
        tocsin__letter_more(letter, info);
        letter->info = cast->shared;
    } else {
        tocsin__letter_fill(letter, cast->signal, info);
    }
    letter->flags |= flags;
    tocsin__letter_owned(letter);
}

static void box_send(const struct tocsin__cast *cast, struct tocsin__place *place, const struct tocsin_info *info, uint16_t flags)
{
    struct tocsin__letter letter;

    letter_fill(&letter, cast, info, flags);
    if (tocsin__box_put(place->box, &letter, &place->older))
        tocsin__inbox_push_held(&place->loop->inbox, &place->box->node, place->at);
    tocsin__inbox_let_go(&place->loop->inbox, place->at);
}

void tocsin__cast_send(struct tocsin__cast *cast, const struct tocsin_info *info)
{
    for (uint32_t i = 0; i < cast->count; i++) {
        struct tocsin__place *place = &cast->places[i];
        uint16_t flags = cast->count + cast->locals > 1 ? TOCSIN__SEVERAL : 0;

        if (place->box) {
            box_send(cast, place, info, flags);
            continue;
        }
        letter_fill(tocsin__inbox_letter(&place->loop->inbox, place->at), cast, info, flags);
        tocsin__inbox_publish(&place->loop->inbox, place->at);
    }
    for (uint32_t i = 0; i < cast->count; i++)
        if (cast->places[i].box && cast->places[i].older)
            tocsin__info_put(cast->places[i].older);   /* not before: it may call a user's unref */
    over(cast);
}

void tocsin__cast_end(struct tocsin__cast *cast)
{
    if (cast->shared)
        tocsin__info_put(cast->shared);
}

void tocsin__cast_sent(struct tocsin__cast *cast, const struct tocsin_info *info)
{
    tocsin__cast_send(cast, info);
    tocsin__cast_end(cast);
}

/* Progress of operations, which is made while it is wanted */

bool tocsin__room_elsewhere(struct tocsin__loop *loop, struct tocsin__signal *signal)
{
    struct tocsin__listener *listener = &signal->first;

    for (; listener; listener = atomic_load_explicit(&listener->next, memory_order_acquire)) {
        uint32_t word = atomic_load(&listener->word), number = word & TOCSIN__LOOP_BITS;
        struct tocsin__loop *other = number && number != loop->number ? tocsin__loop_numbered(number) : NULL;

        if (!other || word & (TOCSIN__OBSERVES | TOCSIN__DEAF) || (!(word & TOCSIN__FULL) && tocsin__inbox_room(&other->inbox, TOCSIN__SPARE)))
            continue;
        tocsin__want_room(loop, other, signal->signo);
        return false;
    }
    return true;
}
