/* Delivery: one emission meeting the handlers of one loop. */
#ifndef TOCSIN_CORE_EMIT_H
#define TOCSIN_CORE_EMIT_H

#include <tocsin/emit.h>

#include "core/handler.h"
#include "core/loop.h"

enum {
    TOCSIN__NEST_MAX = 32,                             /* deliveries of one signal inside one another */
    TOCSIN__DEPTH_MAX = 256                            /* default actions, flushes and the like inside one another */
};

/* The straight way: own, which may be empty, are those that listen to the source alone. TOCSIN_DELIVERED, _STOPPED, _NOBODY. The
   caller ends info. The loop may be gone afterwards, if a handler freed it and nothing else was on the stack. */
int  tocsin__deliver(struct tocsin__loop *loop, struct tocsin__slot *slot, struct tocsin__list *own, struct tocsin__info *info);

/* An operation's signal, from the loop, at depth 0; it cannot be refused. Takes a sequence number only if somebody hears it, or if
   somebody will be notified. */
int  tocsin__announce(struct tocsin__loop *loop, int signo, struct tocsin__source *source, struct tocsin__info *info, bool notified);

/* What one handler answered, if it was not TOCSIN_NEXT: counts faults. True: TOCSIN_STOP. */
bool tocsin__answered(struct tocsin__loop *loop, struct tocsin__handler *handler, const struct tocsin_info *info, int answer);

/* The outermost delivery of a signal has ended, and something is left to do. */
void tocsin__settle(struct tocsin__loop *loop, struct tocsin__slot *slot);

/* What handlers that emit themselves left for the next turn (T5). */
void tocsin__flush_late(struct tocsin__loop *loop);

/* The pendings of a slot. */
int  tocsin__pend(struct tocsin__slot *slot, const struct tocsin_info *info);
void tocsin__pend_drop(struct tocsin__slot *slot);

bool tocsin__gates_open(const struct tocsin__slot *slot);
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
    loop->running = handler;
    handler->calls++;
    return handler->fn(&info->seen, handler->arg);
}

#endif
