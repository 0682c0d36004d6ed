/* Delivery: one emission meeting the handlers of one loop. */
#ifndef TOCSIN_CORE_EMIT_H
#define TOCSIN_CORE_EMIT_H

#include <tocsin/emit.h>
#include <tocsin/mask.h>

#include "core/handler.h"
#include "core/loop.h"

enum {
    TOCSIN__NEST_MAX = 32,                             /* deliveries of one signal inside one another */
    TOCSIN__DEPTH_MAX = 256                            /* default actions, flushes and the like inside one another */
};

/* The straight way: own, which may be empty, are those that listen to the source alone. TOCSIN_DELIVERED, _STOPPED, _NOBODY. The
   caller ends info. The loop may be gone afterwards, if a handler freed it and nothing else was on the stack. */
int  tocsin__deliver(struct tocsin__loop *loop, struct tocsin__slot *slot, struct tocsin__list *own, struct tocsin__info *info);
int  tocsin__deliver_straight(struct tocsin__loop *loop, struct tocsin__slot *slot, struct tocsin__list *own, struct tocsin__info *info);     /* the same; the slot's state is 0 */
void tocsin__observe(struct tocsin__loop *loop, struct tocsin__slot *slot, struct tocsin__list *own, struct tocsin__info *info);     /* observers alone */
struct tocsin__list *tocsin__list_from(struct tocsin__loop *loop, const struct tocsin__slot *slot, uint64_t source);      /* who listens to the source alone */
int  tocsin__deliver_or_default(struct tocsin__loop *loop, struct tocsin__slot *slot, struct tocsin__info *info);

/* An operation's signal, from the loop, at depth 0; it cannot be refused. Takes a sequence number only if somebody hears it, or if
   somebody will be notified. place: where it waits if it is held back; NULL: a copy does. */
int  tocsin__announce(struct tocsin__loop *loop, int signo, struct tocsin__source *source, struct tocsin__info *info, struct tocsin__pend *place,
                      bool notified);

/* What one handler answered, if it was not TOCSIN_NEXT: counts faults. True: TOCSIN_STOP. */
bool tocsin__answered(struct tocsin__loop *loop, struct tocsin__handler *handler, const struct tocsin_info *info, int answer);

/* The pendings of a slot (pend.c). */
int  tocsin__pend(struct tocsin__slot *slot, const struct tocsin_info *info);            /* a copy: TOCSIN_PENDED, -EAGAIN, -ENOMEM */
int  tocsin__pend_make(const struct tocsin__slot *slot, const struct tocsin_info *info, struct tocsin__pend **ret_pend);  /* in two steps, without a limit: a copy, … */
void tocsin__pend_counted(struct tocsin__pend *pend, struct tocsin__info *shared);       /* it is one of several loops' copies, and may not be counted in itself */
void tocsin__pend_add(struct tocsin__slot *slot, struct tocsin__pend *pend);             /* … which cannot fail any more */
bool tocsin__pend_accepted(struct tocsin__slot *slot, struct tocsin__info *info, struct tocsin__pend **place);     /* from another thread: without a limit; in *place, which is NULL then, if place is not; false: no memory */
void tocsin__pend_place(struct tocsin__slot *slot, struct tocsin__pend *place, struct tocsin__info *info);       /* in its own place; takes a reference */
bool tocsin__pend_merges(const struct tocsin__slot *slot, uint64_t source);              /* one of this source waits, and would be replaced */
bool tocsin__pend_room(const struct tocsin__slot *slot, uint32_t count, size_t size);    /* for so many more, of so many bytes */
struct tocsin__pend *tocsin__pend_take(struct tocsin__slot *slot);                       /* the oldest, of those that there are */
bool tocsin__pend_before(const struct tocsin__slot *one, const struct tocsin__slot *other);      /* whose oldest comes first, by rank and age */
struct tocsin_info *tocsin__pend_accept(struct tocsin__loop *loop, struct tocsin__slot *slot);   /* the oldest, as a reference: it is not delivered, but observers see it */
void tocsin__pend_disown(struct tocsin__slot *slot, const struct tocsin__owner *owner);  /* what it has pended is the program's */
void tocsin__pend_end(struct tocsin__pend *pend);                                        /* it was delivered, or will not be */
void tocsin__tell_begin(struct tocsin__loop *loop, struct tocsin__pend *pend);           /* it is about to be delivered */
void tocsin__tell_end(struct tocsin__loop *loop, struct tocsin__pend *pend);
void tocsin__pend_drop(struct tocsin__slot *slot);                                       /* all of them */
void tocsin__pend_recovered(struct tocsin__slot *slot, uint32_t to_come);                /* looks whether an overflow is over */
void tocsin__pend_refused(struct tocsin__slot *slot, uint32_t to_come);                  /* counts, and says so once for each overflow; to_come: ends that have a place */
void tocsin__queue_full(struct tocsin_queue_full *what);                                 /* says so, if it is not of the library itself */

/* Flushing them (flush.c), the lowest rank first, then the oldest: those that were pended when it began; the others wait for the next turn. */
void tocsin__settle(struct tocsin__loop *loop, struct tocsin__slot *slot);               /* its outermost delivery has ended, and something is left to do */
void tocsin__due_put(struct tocsin__heap *due, struct tocsin__slot *slot);               /* if it has something that can be delivered, and does not wait in another flush */
void tocsin__due_release(struct tocsin__heap *released, struct tocsin__slot *slot);      /* the same, whenever it will be flushed */
void tocsin__due_take(struct tocsin__heap *due, struct tocsin__slot *slot);              /* the same, from whichever flush it waits in */
int  tocsin__flush(struct tocsin__loop *loop, struct tocsin__heap *due);                 /* how many it delivered */
void tocsin__flush_slot(struct tocsin__loop *loop, struct tocsin__slot *slot);
int  tocsin__flush_late(struct tocsin__loop *loop);                                      /* what earlier ones left (T5) */
void tocsin__flush_shut(struct tocsin__loop *loop);                                      /* a queue has room again: what waits for it is late */

bool tocsin__gates_open(const struct tocsin__slot *slot, size_t size);
void tocsin__gates_refused(const struct tocsin__slot *slot, size_t size);
int  tocsin__emit_slow(struct tocsin__loop *loop, int signo, uint64_t source, const struct tocsin_payload *payload);
void tocsin__default_action(struct tocsin__loop *loop, struct tocsin__signal *signal, struct tocsin_info *info);

/* Fills in what a handler sees. It takes the loop's next sequence number. */
static inline void tocsin__info_fill(struct tocsin__info *info, struct tocsin__loop *loop, int signo, const char *name, uint64_t source,
                                     const struct tocsin_payload *payload)
{
    info->seen = (struct tocsin_info){
        .signo = signo, .code = TOCSIN_EMITTED, .name = name, .source = { source }, .sequence = loop->sequence++,
        .parent = loop->parent, .turn_us = loop->turn_us, .payload = payload,
    };
    atomic_init(&info->refs, 0);
}

static inline int tocsin__call(struct tocsin__loop *loop, struct tocsin__handler *handler, const struct tocsin__info *info)
{
    tocsin__runs(loop, handler);
    handler->calls++;
    return handler->fn(&info->seen, handler->arg);
}

/* If the loop is at rest, what waited for that goes. */
static inline void tocsin__tidy_at_rest(struct tocsin__loop *loop)
{
    if (loop->unrest && tocsin__at_rest(loop))
        tocsin__loop_tidy(loop);
}

#endif
