/* A multicast sends one emission or post to the inboxes of several loops (T2). It first reserves a
   place in every inbox, or in none. Then it fills all places.

   The functions are called in this order: first to_listeners, to_main or to_loop; then share,
   reserve, send and end. If a function fails, the multicast has ended. */
#ifndef TOCSIN_REMOTE_MULTICAST_H
#define TOCSIN_REMOTE_MULTICAST_H

#include <string.h>

#include "registry/owner.h"
#include "base/inbox.h"
#include "registry/info.h"
#include "delivery/loop.h"
#include "registry/registry.h"
#include "delivery/owner_here.h"

/* A reserved place in one inbox. */
struct tocsin__place {
    struct tocsin__loop *loop;
    struct tocsin__latest *latest; /* the latest cell; NULL: a cell of the ring is claimed */
    uint64_t at; /* the listener's word before tocsin__multicast_reserve; afterwards the ring
                  * position, or the pin */
    struct tocsin__info *older; /* a replaced info, whose reference is released after the last inbox
                                 * is unpinned; NULL: none */
};

enum { TOCSIN__MULTICAST_FEW = 64 };

struct tocsin__multicast {
    struct tocsin__signal *signal;
    uint64_t generation;      /* generation of the only receiving loop, or TOCSIN__ANY_GENERATION */
    uint32_t spare;           /* number of cells of a ring that must stay free */
    uint32_t count, capacity; /* length and capacity of `places`; `capacity` is unused while
                                 `places` points to `few` */
    uint32_t locals;          /* 1 if the emitting loop also delivers the emission, else 0 */
    size_t bytes;             /* size of the shared copy */
    struct tocsin__loop *full;   /* the loop that had no room; set after -EAGAIN */
    struct tocsin__info *shared; /* one copy for all loops; NULL: each message contains the
                                    payload */
    struct tocsin__place *places, few[TOCSIN__MULTICAST_FEW];
};

/* Begins a multicast to all loops that listen, except the loop with this number (0: no exception).
   Returns 0, or -ENOMEM if there is no memory. */
int tocsin__multicast_to_listeners(struct tocsin__multicast *multicast,
                                   struct tocsin__signal *signal, uint32_t except);

/* Begins a multicast to the main loop, because no loop listens. Returns 0, or -ESHUTDOWN if there
   is no loop. */
int tocsin__multicast_to_main(struct tocsin__multicast *multicast, struct tocsin__signal *signal);

/* Begins a multicast to one loop. Returns 0, -ESHUTDOWN if the loop has ended, or -EINVAL if the id
   is not that of a loop. */
int tocsin__multicast_to_loop(struct tocsin__multicast *multicast, struct tocsin__signal *signal,
                              struct tocsin_loop loop);

/* Makes the copy that all loops share, if the copy is needed. `locals` is 1 if the emitting loop
   delivers the emission, too. Returns 0, -ENOMEM or another -errno. */
int tocsin__multicast_share(struct tocsin__multicast *multicast, const struct tocsin_info *info,
                            uint32_t locals);

/* Reserves a place in each inbox. Loops that have ended are skipped, and also loops without room on
   which only observers listen. After an error (-EAGAIN, -ESHUTDOWN, -EOWNERDEAD) nothing is
   reserved. Between this call and tocsin__multicast_send, no function of the program may be
   called. */
int tocsin__multicast_reserve(struct tocsin__multicast *multicast, const struct tocsin_info *info);

/* Fills and publishes the places. `info` is the info that was given to tocsin__multicast_reserve,
   but with its sequence number. */
void tocsin__multicast_send(struct tocsin__multicast *multicast, const struct tocsin_info *info);

/* Releases the sender's reference to the shared copy. */
void tocsin__multicast_end(struct tocsin__multicast *multicast);
void tocsin__multicast_send_and_end(struct tocsin__multicast *multicast,
                                    const struct tocsin_info *info);

/* Ends a multicast that was shared, but has no reserved places. Nothing is sent. */
void tocsin__multicast_abandon(struct tocsin__multicast *multicast);

/* Returns true if all other loops with a handler for this signal have room. If not, requests that
   `loop` resumes its paused operations when there may be room. */
bool tocsin__others_have_room(struct tocsin__loop *loop, struct tocsin__signal *signal);

static inline void tocsin__message_add_extras(struct tocsin__message *message,
                                              const struct tocsin_info *info)
{
    message->flags = 0;
    if (!info->sequence && !info->parent && !info->overrun)
        return;
    message->flags = TOCSIN__HAS_EXTRAS | TOCSIN__TWO_LINES;
    message->sequence = info->sequence;
    message->parent = info->parent;
    message->overrun = info->overrun;
}

/* Stores the sender in the message, if the sender is a plugin. */
static inline void tocsin__message_set_owner(struct tocsin__message *message)
{
    const struct tocsin__owner *owner = tocsin__owner_here();

    if (tocsin__likely(owner == &tocsin__program))
        return;
    message->flags |= TOCSIN__HAS_OWNER | TOCSIN__TWO_LINES;
    message->owner = owner->number;
}

static inline void tocsin__message_fill(struct tocsin__message *message,
                                        const struct tocsin__signal *signal,
                                        const struct tocsin_info *info)
{
    message->signo = info->signo;
    message->code = (uint8_t)info->code;
    message->kind = TOCSIN__INLINE;
    tocsin__message_add_extras(message, info);
    if (!info->payload)
        return;
    memcpy(message->payload, info->payload, signal->layout.size);
    ((struct tocsin_payload *)message->payload)->layout = &signal->layout;
    if (signal->layout.size > TOCSIN__MESSAGE_FIRST_LINE)
        message->flags |= TOCSIN__TWO_LINES;
}

#endif
