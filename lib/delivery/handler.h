/* A handler is a function that is connected to a pattern. This file declares how a handler is
   disconnected and reported. */
#ifndef TOCSIN_DELIVERY_HANDLER_H
#define TOCSIN_DELIVERY_HANDLER_H

#include <tocsin/handler.h>

#include "delivery/connect.h"
#include "delivery/handler_list.h"
#include "delivery/source.h"
#include "delivery/subscription.h"

struct tocsin__owner;
struct tocsin__quarantine;

struct tocsin__handler {
    /* The function that a delivery calls: the user's function, a trampoline, or
     * tocsin__handler_noop (E3). */
    tocsin_fn fn;
    void *arg;    /* the user's argument, or the handler itself for a trampoline */
    uint64_t key; /* sort key in lists (E1): the priority, then the age; the smallest key is
                   * first */
    uint64_t calls;

    tocsin_fn user_fn;
    void *user_arg;
    tocsin_drop drop;
    uint64_t id;     /* 0: disconnected */
    uint64_t source; /* id of the only source that the handler listens to; 0: all sources */
    uint64_t faults; /* number of calls that returned an error */
    uint32_t flags;  /* the public flags of the handler's action, and the internal flags below */
    int32_t priority;
    uint32_t places; /* number of lists that contain the handler, even after it was disconnected */
    uint32_t fibers; /* number of fibers that run the function (TOCSIN_ON_FIBER); while it is not 0,
                        drop is not called */
    uint64_t os;     /* set of the real signals that the handler has taken over (lib/os) */
    struct tocsin__subscription subscription; /* the signals that the handler listens to */
    struct tocsin__mask_rule
        *mask; /* rule that blocks other signals while the handler runs; NULL: none */
    const char *where, *name; /* `where`: file:line of the call that connected it; `name`: name of
                               * its function; "": unknown */
    struct tocsin__owner *owner;
    struct tocsin__admission *admission;   /* the queue that the handler belongs to; NULL: this is a
                                            * normal handler */
    struct tocsin__quarantine *quarantine; /* the record of faults and stalls; NULL: the handler has
                                              neither failed nor stalled */
    struct tocsin__handler *next,
        **link;   /* links of the list source.patterned, or of the list of disconnected handlers */
    uint64_t was; /* the handler's id, which is kept here when `id` becomes 0 */
};

/* internal flags, used in addition to the public ones */
enum {
    TOCSIN__OBSERVER = 1 << 16,
    TOCSIN__FIRST = 1 << 17,     /* the handler is called first, whatever the priorities */
    TOCSIN__DROPPED = 1 << 18,   /* the handler is disconnected, and its drop function was called */
    TOCSIN__CONNECTED = 1 << 19, /* connecting has succeeded */
    TOCSIN__AWAITS_FIBERS = 1 << 20 /* the handler is disconnected, and is freed when its last fiber
                                       has ended */
};

extern const struct tocsin__subscription_ops tocsin__handler_subscription_ops,
    tocsin__fiber_subscription_ops, tocsin__queue_subscription_ops;

/* Disconnects the handler. The handler stays in memory until the loop is at rest. */
void tocsin__handler_disconnect(struct tocsin__loop *loop, struct tocsin__handler *handler);
/* Disconnects the handlers whose disconnection other threads have requested. */
void tocsin__handlers_disconnect_requested(struct tocsin__loop *loop);
/* Finds a handler of this thread's loop. Returns 0; -ENOENT if the handler does not exist; -EXDEV
   if it belongs to another loop; or the error that the id carries. */
int tocsin__handler_find(uint64_t id, struct tocsin__handler **ret_handler);
/* Arranges that drop is called and the handler is freed when the loop is at rest. */
static inline void tocsin__handler_defer_free(struct tocsin__loop *loop,
                                              struct tocsin__handler *handler)
{
    handler->next = loop->cleanup.dead;
    loop->cleanup.dead = handler;
    loop->cleanup_pending = 1;
}
/* A fiber that ran the handler's function has ended. */
void tocsin__handler_fiber_over(struct tocsin__loop *loop, struct tocsin__handler *handler);
/* The function of a handler that is disconnected, or not connected yet. It does nothing. */
int tocsin__handler_noop(const struct tocsin_info *info, void *arg);
/* Counts a fault of the handler, and emits tocsin.handler.failed. */
void tocsin__handler_failed(struct tocsin__loop *loop, struct tocsin__handler *handler,
                            const struct tocsin_info *info, int err);
/* Emits the signal of `spec`: the handler was connected, or was disconnected. */
void tocsin__handler_announce(const struct tocsin__handler *handler, uint64_t id,
                              const struct tocsin_signal_spec *spec);

#endif
