/* The slow path of emission (deliver.c), and the emission of an operation's signals. */
#ifndef TOCSIN_DELIVERY_DELIVER_H
#define TOCSIN_DELIVERY_DELIVER_H

#include "delivery/handler.h"
#include "delivery/loop.h"

enum {
    TOCSIN__NEST_MAX = 32,  /* the most deliveries of one signal that may be nested */
    TOCSIN__DEPTH_MAX = 256 /* the most default actions, flushes and drops that may be nested */
};

/* Emits where the fast path cannot: with several loops, names that are not resolved yet, or blocked
   signals. `here` is the stack pointer of the public function. Returns what tocsin_emit returns. */
int tocsin__emit_slow(struct tocsin__loop *loop, int signo, uint64_t source,
                      const struct tocsin_payload *payload, const void *here);

/* Flags of tocsin__announce: the kind of emission. */
enum {
    TOCSIN__NOTIFIED = 1, /* the operation's notify needs a sequence number, even if no handler
                             listens */
    TOCSIN__IS_END = 2    /* the emission is the end of the operation; if its signal is held back,
                           * the caller passes a `place` */
};
/* Emits an operation's signal on the operation's loop. No handler may be on the loop's stack. The
 * emission cannot be refused. `place` is memory for the emission if it becomes pending; if `place`
 * is NULL, a copy is made. `how` is a set of the flags above. */
int tocsin__announce(struct tocsin__loop *loop, int signo, struct tocsin__source *source,
                     struct tocsin__info *info, struct tocsin__pending *place, unsigned how);

/* Delivers an emission whose signal is not held back. If no handler handles the emission, takes the
   default action. Returns TOCSIN_DELIVERED, TOCSIN_STOPPED or TOCSIN_NOBODY. */
int tocsin__deliver_or_default(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                               struct tocsin__info *info);

/* Returns the list of handlers that listen to this source only; the list may be empty, but is never
   NULL. */
struct tocsin__list *tocsin__list_from(struct tocsin__loop *loop,
                                       const struct tocsin__loop_signal *loop_signal,
                                       uint64_t source);

/* Handles a result other than TOCSIN_NEXT that a handler returned. An error is counted as a fault
 * of the handler. Returns true if the delivery stops. */
bool tocsin__handler_result(struct tocsin__loop *loop, struct tocsin__handler *handler,
                            const struct tocsin_info *info, int result);

/* Chooses the function that a delivery calls: the user's function, or a trampoline if the handler
   has a mask or flags. */
void tocsin__handler_select_trampoline(struct tocsin__handler *handler);

/* Returns true if all queues that listen have room for a payload of this size. */
bool tocsin__admission_is_open(const struct tocsin__loop_signal *loop_signal, size_t size);
/* Finds the queue that has no room for this payload. The queue counts and reports the refusal. */
void tocsin__admission_count_refused(const struct tocsin__loop_signal *loop_signal, size_t size);

#endif
