/* A call of a handler or of a notify that runs on a fiber of its own (TOCSIN_ON_FIBER). */
#ifndef TOCSIN_STYLE_FIBER_CALL_H
#define TOCSIN_STYLE_FIBER_CALL_H

#include "delivery/handler.h"
#include "op/dependent.h"

/* A member of each fiber. All members are zero if the fiber runs a task instead of a call. */
struct tocsin__fiber_call {
    tocsin_fn fn;
    struct tocsin_info *info; /* a reference that is held until the fiber has ended */
    /* the handler that is called, kept in memory until the fiber has ended; NULL: a notify is
       called */
    struct tocsin__handler *handler;
    struct tocsin__dependent dependent; /* linked to the operation for which the fiber was called */
};

/* Stores the info and the handler of a call. The caller must have set dependent.failed. -ENOMEM:
   the caller must call tocsin__fiber_call_forget. */
int tocsin__fiber_call_begin(struct tocsin__fiber_call *call, const struct tocsin_info *info,
                             tocsin_fn fn, struct tocsin__handler *handler);
/* Called when the function has returned this status, or was left by a jump. Frees the data of the
   call. */
void tocsin__fiber_call_end(struct tocsin__fiber_call *call, int status);
/* Frees the data of the call. May be called several times. */
void tocsin__fiber_call_forget(struct tocsin__fiber_call *call);

#endif
