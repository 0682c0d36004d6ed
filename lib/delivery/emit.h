/* The fast path of emission. The slow path uses these functions, too. */
#ifndef TOCSIN_DELIVERY_EMIT_H
#define TOCSIN_DELIVERY_EMIT_H

#include <tocsin/emit.h>
#include <tocsin/mask.h>

#include "delivery/deliver.h"
#include "delivery/pending/flush.h"
#include "delivery/handler.h"
#include "delivery/loop.h"
#include "delivery/pending/pending.h"

/* Calls the handlers of the signal on this loop. `own` is the list of the handlers that listen to
   the source only; the list may be empty. Returns TOCSIN_DELIVERED, TOCSIN_STOPPED or
   TOCSIN_NOBODY. The caller ends `info`. When this function returns, a handler may have freed the
   loop, if nothing else was on the stack. */
int tocsin__deliver(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                    struct tocsin__list *own, struct tocsin__info *info);
/* Calls the handlers like tocsin__deliver, but faster; the state of the signal must be 0. */
int tocsin__deliver_straight(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                             struct tocsin__list *own, struct tocsin__info *info);
/* Calls the observers of the signal, but no handlers. */
void tocsin__observe(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                     struct tocsin__list *own, struct tocsin__info *info);

/* Sets the members of the info that a handler sees. Takes the loop's next sequence number. */
static inline void tocsin__info_fill(struct tocsin__info *info, struct tocsin__loop *loop,
                                     int signo, const char *name, uint64_t source,
                                     const struct tocsin_payload *payload)
{
    info->pub = (struct tocsin_info){
        .signo = signo,
        .code = TOCSIN_EMITTED,
        .name = name,
        .source = { source },
        .sequence = loop->sequence++,
        .parent = loop->parent,
        .turn_us = loop->turn_us,
        .payload = payload,
    };
    atomic_init(&info->refs, 0);
}

static inline int tocsin__call(struct tocsin__loop *loop, struct tocsin__handler *handler,
                               const struct tocsin__info *info)
{
    tocsin__set_running(loop, handler);
    handler->calls++;
    return handler->fn(&info->pub, handler->arg);
}

#endif
