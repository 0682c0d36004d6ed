/* A call of a handler or of a notify that runs on a fiber of its own (TOCSIN_ON_FIBER). */
#ifndef TOCSIN_STYLE_FIBER_CALL_H
#define TOCSIN_STYLE_FIBER_CALL_H

#include "delivery/handler.h"
#include "op/dependent.h"

/* A part of a fiber. All zero: the fiber runs a task. */
struct tocsin__fiber_call {
    tocsin_fn fn;
    struct tocsin_info *info;           /* a reference, until the fiber has ended */
    struct tocsin__handler *handler;    /* whose function it is, and which stays in memory until the
                                           fiber has ended; NULL: a notify */
    struct tocsin__dependent dependent; /* on the operation that the fiber was called for */
};

/* Keeps what the call needs; dependent.failed is set already. -ENOMEM. After a failure the caller
   must call tocsin__fiber_call_forget. */
int tocsin__fiber_call_begin(struct tocsin__fiber_call *call, const struct tocsin_info *info,
                             tocsin_fn fn, struct tocsin__handler *handler);
/* The function has returned this status, or was left by a jump. */
void tocsin__fiber_call_end(struct tocsin__fiber_call *call, int status);
/* Frees what the call has kept. Nothing happens if that was done before. */
void tocsin__fiber_call_forget(struct tocsin__fiber_call *call);

#endif
