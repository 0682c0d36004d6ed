/* The slow path of emission (deliver.c), and the emission of an operation's signals. */
#ifndef TOCSIN_DELIVERY_DELIVER_H
#define TOCSIN_DELIVERY_DELIVER_H

#include "delivery/handler.h"
#include "delivery/loop.h"

enum {
    TOCSIN__NEST_MAX = 32,  /* the most nested deliveries of one signal */
    TOCSIN__DEPTH_MAX = 256 /* the most nested default actions, flushes and drops */
};

/* Emits where the fast path cannot: several loops, names not resolved yet, blocked signals. here:
   the stack pointer of the public function. As tocsin_emit. */
int tocsin__emit_slow(struct tocsin__loop *loop, int signo, uint64_t source,
                      const struct tocsin_payload *payload, const void *here);

enum {
    TOCSIN__NOTIFIED = 1, /* the operation's notify needs a sequence number, also if no handler
                             listens */
    TOCSIN__IS_END = 2    /* the end of the operation. If its signal is held back, it has a place */
};
/* Emits an operation's signal, on its loop, with nothing on the stack. The emission cannot be
   refused. place: memory for the emission if it becomes pending; NULL: a copy is made. how: flags
   as above. */
int tocsin__announce(struct tocsin__loop *loop, int signo, struct tocsin__source *source,
                     struct tocsin__info *info, struct tocsin__pending *place, unsigned how);

/* Delivers an emission whose signal is not held back; if no handler handles it, takes the default
   action. Returns TOCSIN_DELIVERED, _STOPPED or _NOBODY. */
int tocsin__deliver_or_default(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                               struct tocsin__info *info);

/* The handlers that listen to this source only; never NULL. */
struct tocsin__list *tocsin__list_from(struct tocsin__loop *loop,
                                       const struct tocsin__loop_signal *loop_signal,
                                       uint64_t source);

/* Looks at what a handler returned, if that was not TOCSIN_NEXT. Counts an error as a fault.
   Returns whether the delivery stops. */
bool tocsin__handler_result(struct tocsin__loop *loop, struct tocsin__handler *handler,
                            const struct tocsin_info *info, int result);

/* Chooses what a delivery calls: the user's function, or a trampoline if the handler has a mask or
   flags to obey. */
void tocsin__handler_select_trampoline(struct tocsin__handler *handler);

/* Whether all queues that listen have room for a payload of this size. */
bool tocsin__admission_is_open(const struct tocsin__loop_signal *loop_signal, size_t size);
/* Lets the queue that has no room count and report the refusal. */
void tocsin__admission_count_refused(const struct tocsin__loop_signal *loop_signal, size_t size);

#endif
