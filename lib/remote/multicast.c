/* Sends one emission or post to the inboxes of several loops. */
#include <string.h>

#include "registry/latest.h"
#include "base/refusal.h"
#include "remote/multicast.h"
#include "delivery/emit.h"
#include "registry/layout.h"
#include "registry/owner.h"
#include "remote/receive_latest.h"
#include "remote/room.h"

/* Choosing the loops */

static void multicast_free_places(struct tocsin__multicast *multicast)
{
    if (multicast->places != multicast->few)
        tocsin__pages_release(multicast->places, multicast->capacity * sizeof multicast->places[0]);
    multicast->places = multicast->few;
}

/* Makes room for more places. It uses pages instead of malloc, because a real signal handler may
   call this function. */
static int multicast_grow(struct tocsin__multicast *multicast)
{
    uint32_t count = multicast->count;
    struct tocsin__place *places;

    if (count < TOCSIN__MULTICAST_FEW || (count & (count - 1)))
        return 0;
    places = tocsin__pages(2 * count * sizeof *places);
    if (!places)
        return -ENOMEM;
    memcpy(places, multicast->places, count * sizeof *places);
    multicast_free_places(multicast);
    multicast->places = places;
    multicast->capacity = 2 * count;
    return 0;
}

static void multicast_add(struct tocsin__multicast *multicast, struct tocsin__loop *loop,
                          const struct tocsin__listener *listener, uint32_t word)
{
    struct tocsin__latest *latest =
        listener ? atomic_load_explicit(&listener->latest, memory_order_acquire) : NULL;

    tocsin__assert(multicast->count < (multicast->places == multicast->few ? TOCSIN__MULTICAST_FEW
                                                                           : multicast->capacity));
    multicast->places[multicast->count++] =
        (struct tocsin__place){ .loop = loop, .latest = latest, .at = word };
}

static int multicast_add_listeners(struct tocsin__multicast *multicast, uint32_t except)
{
    struct tocsin__listener *listener = &multicast->signal->first;
    int err = 0;

    for (multicast->count = 0; listener && err == 0;
         listener = atomic_load_explicit(&listener->next, memory_order_acquire)) {
        uint32_t word = atomic_load(&listener->word), number = word & TOCSIN__LOOP_BITS;

        if (!number || number == except || word & TOCSIN__DEAF)
            continue;
        err = multicast_grow(multicast);
        if (err == 0)
            multicast_add(multicast, tocsin__loop_numbered(number), listener, word);
    }
    return err;
}

static void multicast_begin(struct tocsin__multicast *multicast, struct tocsin__signal *signal)
{
    multicast->signal = signal;
    multicast->generation = TOCSIN__ANY_GENERATION;
    multicast->spare = TOCSIN__RESERVED_CELLS;
    multicast->full = NULL;
    multicast->count = 0;
    multicast->shared = NULL;
    multicast->places = multicast->few;
}

int tocsin__multicast_to_listeners(struct tocsin__multicast *multicast,
                                   struct tocsin__signal *signal, uint32_t except)
{
    uint32_t changes;
    int err;

    multicast_begin(multicast, signal);
    do { /* if the list changes during the walk, the walk is repeated, because no loop may receive
          * the emission twice */
        changes = atomic_load(&signal->changes);
        err = multicast_add_listeners(multicast, except);
    } while (err == 0 && atomic_load(&signal->changes) != changes);
    if (err < 0)
        multicast_free_places(multicast);
    return err;
}

/* Adds one loop, even if the loop does not listen to the signal. A coalescing signal needs a latest
 * cell on this loop. For a TOCSIN_ASYNC signal the cell exists already, because a real signal
 * handler cannot allocate it. The sender has chosen this loop, so a full inbox always refuses the
 * post, even if only observers listen (E18). */
static int multicast_add_one(struct tocsin__multicast *multicast, struct tocsin__loop *loop)
{
    struct tocsin__signal *signal = multicast->signal;
    struct tocsin__listener *listener = tocsin__listener_of(signal, loop->life.number);
    uint32_t word;

    if (signal->spec.kind == TOCSIN_COALESCE && !(signal->spec.flags & TOCSIN_ASYNC) &&
        !(listener && atomic_load(&listener->latest))) {
        listener = tocsin__listener_make(signal, loop->life.number);
        if (!listener)
            return -ENOMEM;
    }
    word = listener ? atomic_load(&listener->word) : 0;
    multicast_add(multicast, loop, listener, word & ~(uint32_t)TOCSIN__OBSERVES);
    return 0;
}

int tocsin__multicast_to_main(struct tocsin__multicast *multicast, struct tocsin__signal *signal)
{
    struct tocsin__loop *loop = tocsin__loop_main();

    multicast_begin(multicast, signal);
    return loop ? multicast_add_one(multicast, loop) : -ESHUTDOWN;
}

int tocsin__multicast_to_loop(struct tocsin__multicast *multicast, struct tocsin__signal *signal,
                              struct tocsin_loop id)
{
    struct tocsin__loop *loop;
    uint64_t generation;
    int err = tocsin__loop_of(id.id, &loop, &generation);

    multicast_begin(multicast, signal);
    if (err < 0)
        return err;
    multicast->generation = generation;
    return multicast_add_one(multicast, loop);
}

/* Places */

static int place_reserve_bytes(struct tocsin__inbox *inbox, size_t size)
{
    uint64_t bytes = size ? atomic_fetch_add(&inbox->bytes, size) : 0;

    if (!bytes || bytes + size <= TOCSIN_INBOX_BYTES)
        /* a payload larger than the limit is accepted into an empty inbox; otherwise it could never
         * be delivered */
        return 0;
    atomic_fetch_sub(&inbox->bytes, size);
    return -EAGAIN;
}

static int place_reserve(struct tocsin__multicast *multicast, struct tocsin__place *place,
                         const struct tocsin_info *info)
{
    struct tocsin__inbox *inbox = &place->loop->inbox;
    bool full = place->at & TOCSIN__FULL;
    int err;

    if (place->latest && info->source.id)
        /* An emission from a source goes through the ring. It coalesces on the receiving loop. */
        place->latest = NULL;
    if (place->latest)
        return tocsin__inbox_pin(inbox, multicast->generation, &place->at);
    if (full)
        return tocsin__inbox_is_closed(inbox) ? -ESHUTDOWN : -EAGAIN;
    err = place_reserve_bytes(inbox, multicast->bytes);
    if (err == 0) {
        err = tocsin__inbox_claim(inbox, multicast->generation, multicast->spare, &place->at);
        if (err < 0 && multicast->bytes)
            atomic_fetch_sub(&inbox->bytes, multicast->bytes);
    }
    return err;
}

/* Gives back the first `count` places. A claimed cell cannot be returned, so it is published as an
   empty message. */
static void places_give_back(struct tocsin__multicast *multicast, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct tocsin__place *place = &multicast->places[i];

        if (place->latest) {
            tocsin__inbox_unpin(&place->loop->inbox, place->at);
            continue;
        }
        if (multicast->bytes)
            atomic_fetch_sub(&place->loop->inbox.bytes, multicast->bytes);
        tocsin__inbox_message(&place->loop->inbox, place->at)->kind = TOCSIN__EMPTY;
        tocsin__inbox_message(&place->loop->inbox, place->at)->flags = 0;
        tocsin__inbox_publish(&place->loop->inbox, place->at);
    }
}

static int multicast_explain_full(const struct tocsin__signal *signal, struct tocsin__loop *loop,
                                  bool limit_is_pending)
{
    if (limit_is_pending)
        return tocsin__because(
            -EAGAIN,
            "the pending emissions of '%s' on loop %u (%sthread %d) have reached their limit: "
            "the signal is blocked there, or its queue is full",
            signal->name, loop->life.number, loop == tocsin__loop_main() ? "the main loop, " : "",
            loop->life.tid);
    return tocsin__because(
        -EAGAIN, "the inbox of loop %u (%sthread %d) is full: its thread runs no turns, or too few",
        loop->life.number, loop == tocsin__loop_main() ? "the main loop, " : "", loop->life.tid);
}

static int multicast_refuse(struct tocsin__multicast *multicast, struct tocsin__loop *loop,
                            bool limit_is_pending)
{
    atomic_fetch_add_explicit(&loop->inbox.refused, 1, memory_order_relaxed);
    multicast->full = loop;
    return multicast_explain_full(multicast->signal, loop, limit_is_pending);
}

/* Checks all inboxes before a place is reserved in any of them. Otherwise a sender that tries
   repeatedly would fill the other inboxes with empty messages. */
static int multicast_check_room(struct tocsin__multicast *multicast)
{
    for (uint32_t i = 0; i < multicast->count; i++) {
        struct tocsin__place *place = &multicast->places[i];
        struct tocsin__inbox *inbox = &place->loop->inbox;

        if (place->latest || place->at & TOCSIN__OBSERVES || tocsin__inbox_is_closed(inbox))
            continue;
        if (place->at & TOCSIN__FULL || !tocsin__inbox_has_room(inbox, multicast->spare))
            return multicast_refuse(multicast, place->loop, place->at & TOCSIN__FULL);
    }
    return 0;
}

static int places_reserve(struct tocsin__multicast *multicast, const struct tocsin_info *info)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < multicast->count; i++) {
        struct tocsin__place place = multicast->places[i];
        bool observes = place.at & TOCSIN__OBSERVES;
        int err = place_reserve(multicast, &place, info);

        if (err == -ESHUTDOWN && tocsin__inherited(place.loop)) {
            places_give_back(multicast, kept);
            return -EOWNERDEAD;
        }
        if (err == -EAGAIN && observes)
            atomic_fetch_add_explicit(&place.loop->inbox.missed, 1, memory_order_relaxed);
        else if (err == -EAGAIN || (err < 0 && multicast->generation != TOCSIN__ANY_GENERATION)) {
            places_give_back(multicast, kept);
            return err == -EAGAIN ? multicast_refuse(multicast, place.loop, place.at & TOCSIN__FULL)
                                  : err;
        }
        if (err == 0)
            multicast->places[kept++] = place;
    }
    multicast->count = kept;
    return 0;
}

void tocsin__multicast_abandon(struct tocsin__multicast *multicast)
{
    if (multicast->shared)
        tocsin__info_put(multicast->shared);
    multicast_free_places(multicast);
}

/* Makes a shared copy if a message cannot contain the emission, or if several loops must be counted
   for the default action (T7). The loops of a TOCSIN_ASYNC signal are not counted, because a real
   signal handler can neither allocate nor free memory. */
int tocsin__multicast_share(struct tocsin__multicast *multicast, const struct tocsin_info *info,
                            uint32_t locals)
{
    bool counted = tocsin__has_default(multicast->signal) && multicast->count + locals > 1 &&
                   !(multicast->signal->spec.flags & TOCSIN_ASYNC);
    int err = 0;

    multicast->bytes = 0;
    multicast->locals = locals;
    if (!counted && !info->source.id && (multicast->signal->flat || !info->payload))
        return 0;
    multicast->shared = tocsin__info_copy(info, tocsin_info_data(info),
                                          multicast->signal->spec.layout, &err);
    if (multicast->shared)
        multicast->bytes = multicast->shared->size;
    else
        multicast_free_places(multicast);
    return err;
}

int tocsin__multicast_reserve(struct tocsin__multicast *multicast, const struct tocsin_info *info)
{
    int err = multicast_check_room(multicast);

    if (err == 0)
        err = places_reserve(multicast, info);
    if (err < 0) {
        tocsin__multicast_abandon(multicast);
        return err;
    }
    if (multicast->shared) {
        /* tocsin__multicast_share has already counted the reference of the sender. */
        atomic_fetch_add(&multicast->shared->refs, multicast->count);
        atomic_store(&multicast->shared->open, tocsin__has_default(multicast->signal)
                                                   ? multicast->count + multicast->locals
                                                   : 0);
    }
    return 0;
}

/* Sending */

static void place_fill_message(struct tocsin__message *message,
                               const struct tocsin__multicast *multicast,
                               const struct tocsin_info *info, uint16_t flags)
{
    if (multicast->shared) {
        message->signo = info->signo;
        message->code = (uint8_t)info->code;
        message->kind = TOCSIN__SHARED;
        tocsin__message_add_extras(message, info);
        message->info = multicast->shared;
    } else {
        tocsin__message_fill(message, multicast->signal, info);
    }
    message->flags |= flags;
    tocsin__message_set_owner(message);
}

static void place_send_latest(const struct tocsin__multicast *multicast,
                              struct tocsin__place *place, const struct tocsin_info *info,
                              uint16_t flags)
{
    struct tocsin__message message;

    place_fill_message(&message, multicast, info, flags);
    if (tocsin__latest_put(place->latest, &message, &place->older)) {
        place->latest->node.run = tocsin__receive_latest;
        tocsin__inbox_push_pinned(&place->loop->inbox, &place->latest->node, place->at);
    }
    tocsin__inbox_unpin(&place->loop->inbox, place->at);
}

void tocsin__multicast_send(struct tocsin__multicast *multicast, const struct tocsin_info *info)
{
    for (uint32_t i = 0; i < multicast->count; i++) {
        struct tocsin__place *place = &multicast->places[i];
        uint16_t flags = multicast->count + multicast->locals > 1 ? TOCSIN__ONE_OF_SEVERAL : 0;

        if (place->latest) {
            place_send_latest(multicast, place, info, flags);
            continue;
        }
        place_fill_message(tocsin__inbox_message(&place->loop->inbox, place->at), multicast, info,
                           flags);
        tocsin__inbox_publish(&place->loop->inbox, place->at);
    }
    for (uint32_t i = 0; i < multicast->count; i++)
        /* The info is released after all sends, because this may call an `unref` function of the
         * program. */
        if (multicast->places[i].latest && multicast->places[i].older)
            tocsin__info_put(multicast->places[i].older);
    multicast_free_places(multicast);
}

void tocsin__multicast_end(struct tocsin__multicast *multicast)
{
    if (multicast->shared)
        tocsin__info_put(multicast->shared);
}

void tocsin__multicast_send_and_end(struct tocsin__multicast *multicast,
                                    const struct tocsin_info *info)
{
    tocsin__multicast_send(multicast, info);
    tocsin__multicast_end(multicast);
}

bool tocsin__others_have_room(struct tocsin__loop *loop, struct tocsin__signal *signal)
{
    struct tocsin__listener *listener = &signal->first;

    for (; listener; listener = atomic_load_explicit(&listener->next, memory_order_acquire)) {
        uint32_t word = atomic_load(&listener->word), number = word & TOCSIN__LOOP_BITS;
        struct tocsin__loop *other = number && number != loop->life.number
                                         ? tocsin__loop_numbered(number)
                                         : NULL;

        if (!other || word & (TOCSIN__OBSERVES | TOCSIN__DEAF) ||
            (!(word & TOCSIN__FULL) &&
             tocsin__inbox_has_room(&other->inbox, TOCSIN__RESERVED_CELLS)))
            continue;
        tocsin__room_request(loop, other, signal->signo);
        return false;
    }
    return true;
}
