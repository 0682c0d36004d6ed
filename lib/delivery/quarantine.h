/* A handler that often fails or blocks its loop is quarantined: it is not called. Its emissions are
 * kept, up to a limit, and delivered when it is released. */
#ifndef TOCSIN_DELIVERY_QUARANTINE_H
#define TOCSIN_DELIVERY_QUARANTINE_H

#include "delivery/handler.h"
#include "delivery/loop.h"

enum { TOCSIN__DELAYED_MOST = 1024 };
#define TOCSIN__PATIENCE_US ((int64_t)60 * 1000000) /* faults and stalls are counted this long */

struct tocsin__quarantine_entry {
    struct tocsin__quarantine_entry *next;
    struct tocsin_info *info; /* a reference */
};

/* The record of a handler that has failed or stalled. Its loop's thread uses it. */
struct tocsin__quarantine {
    int64_t faults_us, stalls_us;                   /* time at which counting began */
    uint32_t faults, stalls;                        /* since then */
    bool active;                                    /* the handler is in quarantine */
    struct tocsin__quarantine_entry *first, **last; /* the kept emissions */
    uint32_t count;                                 /* of them */
    size_t bytes;                                   /* of their payloads */
    uint64_t missed; /* emissions beyond the limit, or without memory */
};

/* Counts a fault or a stall now. The handler goes into quarantine at its owner's limit. */
void tocsin__quarantine_fault(struct tocsin__loop *loop, struct tocsin__handler *handler);
void tocsin__quarantine_stall(struct tocsin__loop *loop, struct tocsin__handler *handler);
/* Ends the quarantine: delivers the kept emissions. Then the handler is called as before. */
void tocsin__quarantine_release(struct tocsin__loop *loop, struct tocsin__handler *handler);
/* Frees the record and the kept emissions. */
void tocsin__quarantine_free(struct tocsin__handler *handler);

/* A reload moves the kept emissions from old handlers to new ones (P4). take_entries: appends the
 * handler's emissions to all. deliver_entries: delivers all to the owner's handlers that match;
 * owner NULL: frees all */
void tocsin__quarantine_take_entries(struct tocsin__handler *handler,
                                     struct tocsin__quarantine *all);
void tocsin__quarantine_deliver_entries(struct tocsin__loop *loop, struct tocsin__quarantine *all,
                                        const struct tocsin__owner *owner);

static inline bool tocsin__quarantined(const struct tocsin__handler *handler)
{
    return handler->quarantine && handler->quarantine->active;
}

#endif
