/* One emission or post on its way to the inboxes of several loops (T2): places are reserved in all of them, or in none; then all are filled. */
#ifndef TOCSIN_CORE_CAST_H
#define TOCSIN_CORE_CAST_H

#include <string.h>

#include "core/owner.h"
#include "core/inbox.h"
#include "core/info.h"
#include "core/loop.h"
#include "core/registry.h"

struct tocsin__place {
    struct tocsin__loop *loop;
    struct tocsin__box *box;                           /* NULL: it has a place in the ring */
    uint64_t at;
    struct tocsin__info *older;                        /* what was in the box, and is to be put when nothing is held any more */
};

enum { TOCSIN__CAST_FEW = 64 };

struct tocsin__cast {
    struct tocsin__signal *signal;
    uint64_t generation;                               /* of the one loop that is meant; or ANY */
    uint32_t spare;                                    /* what it leaves free in a ring */
    uint32_t count, capacity;                          /* capacity: of places, if there are more than a few */
    uint32_t locals;
    size_t bytes;                                      /* of what is shared */
    struct tocsin__loop *full;                         /* after -EAGAIN: which one refused */
    struct tocsin__info *shared;                       /* NULL: each letter holds the payload */
    struct tocsin__place *places, few[TOCSIN__CAST_FEW];
};

/* To all loops that listen, but for the one with this number (0: none is left out). -ENOMEM. */
int  tocsin__cast_aim(struct tocsin__cast *cast, struct tocsin__signal *signal, uint32_t except);
int  tocsin__cast_aim_main(struct tocsin__cast *cast, struct tocsin__signal *signal);     /* nobody listens: -ESHUTDOWN, there is no main loop */
int  tocsin__cast_aim_at(struct tocsin__cast *cast, struct tocsin__signal *signal, struct tocsin_loop loop);      /* to one: -ESHUTDOWN, -EINVAL */

/* First the copy that all share, if one is needed: -ENOMEM, -errno; then the cast is over. locals: 1, if the emitting loop delivers it, too. */
int  tocsin__cast_share(struct tocsin__cast *cast, const struct tocsin_info *info, uint32_t locals);
/* Then a place in each inbox. Loops that are gone, or only observe and have no room, are left out. -EAGAIN, -ESHUTDOWN: nothing has been done, and the cast is over. From
   here to send, nothing of a user's is called. */
int  tocsin__cast_reserve(struct tocsin__cast *cast, const struct tocsin_info *info);
void tocsin__cast_send(struct tocsin__cast *cast, const struct tocsin_info *info);        /* info as it was reserved for, with its sequence */
void tocsin__cast_end(struct tocsin__cast *cast);                  /* the sender does not need what is shared any more; after send */
void tocsin__cast_sent(struct tocsin__cast *cast, const struct tocsin_info *info);        /* send, and end */
void tocsin__cast_abandon(struct tocsin__cast *cast);             /* after share, before reserve: it goes nowhere */

int  tocsin__post(int signo, const struct tocsin_payload *payload, int code, uint32_t spare, struct tocsin__loop **ret_full);    /* as tocsin_post */

static inline void tocsin__letter_more(struct tocsin__letter *letter, const struct tocsin_info *info)
{
    letter->flags = 0;
    if (!info->sequence && !info->parent && !info->overrun)
        return;
    letter->flags = TOCSIN__MORE | TOCSIN__FAR;
    letter->sequence = info->sequence;
    letter->parent = info->parent;
    letter->overrun = info->overrun;
}

/* Whose it is, if it is a plugin's. */
static inline void tocsin__letter_owned(struct tocsin__letter *letter)
{
    const struct tocsin__owner *owner = tocsin__owner_here();

    if (tocsin__likely(owner == &tocsin__program))
        return;
    letter->flags |= TOCSIN__OWNED | TOCSIN__FAR;
    letter->owner = owner->number;
}

static inline void tocsin__letter_fill(struct tocsin__letter *letter, const struct tocsin__signal *signal, const struct tocsin_info *info)
{
    letter->signo = info->signo;
    letter->code = (uint8_t)info->code;
    letter->kind = TOCSIN__INLINE;
    tocsin__letter_more(letter, info);
    if (!info->payload)
        return;
    memcpy(letter->payload, info->payload, signal->layout.size);
    ((struct tocsin_payload *)letter->payload)->layout = &signal->layout;
    if (signal->layout.size > TOCSIN__LETTER_NEAR)
        letter->flags |= TOCSIN__FAR;
}

bool tocsin__room_elsewhere(struct tocsin__loop *loop, struct tocsin__signal *signal);    /* and all of those can take it; else the loop will be stirred when that may have changed */

#endif
