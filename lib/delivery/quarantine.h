/* Quarantine: a handler that often fails, or often blocks its loop, is not called any more. Its
   emissions are kept, up to a limit, and delivered when the quarantine ends. */
#ifndef TOCSIN_DELIVERY_QUARANTINE_H
#define TOCSIN_DELIVERY_QUARANTINE_H

#include "delivery/handler.h"
#include "delivery/loop.h"

enum { TOCSIN__DELAYED_MOST = 1024 };
/* the period in which faults and stalls are counted: one minute */
#define TOCSIN__PATIENCE_US ((int64_t)60 * 1000000)

struct tocsin__quarantine_entry {
    struct tocsin__quarantine_entry *next;
    struct tocsin_info *info; /* the kept emission; the entry has a reference to its info */
};

/* The record of a handler that has failed or stalled. Only the thread of the handler's loop uses
   the record. */
struct tocsin__quarantine {
    int64_t faults_us, stalls_us; /* times at which the present periods of
                                     counting began */
    uint32_t faults, stalls;      /* numbers of faults and stalls in these periods */
    bool active;                  /* true while the handler is in quarantine */
    struct tocsin__quarantine_entry *first, **last; /* the kept emissions */
    uint32_t count;                                 /* number of the kept emissions */
    size_t bytes;                                   /* bytes of the kept payloads */
    uint64_t missed; /* emissions that were not kept, because of the limit or missing memory */
};

/* Each function counts a fault or a stall of the handler. At its owner's limit the handler goes
   into quarantine. */
void tocsin__quarantine_fault(struct tocsin__loop *loop, struct tocsin__handler *handler);
void tocsin__quarantine_stall(struct tocsin__loop *loop, struct tocsin__handler *handler);
/* Ends the quarantine: delivers the kept emissions. Then the handler is called as before. */
void tocsin__quarantine_release(struct tocsin__loop *loop, struct tocsin__handler *handler);
/* Frees the record and the emissions that were kept for the handler. */
void tocsin__quarantine_free(struct tocsin__handler *handler);

/* A reload moves the kept emissions from old handlers to new ones (P4).
   tocsin__quarantine_take_entries appends the handler's emissions to `all`.
   tocsin__quarantine_deliver_entries delivers them to the matching handlers of the owner, or frees
   them if `owner` is NULL. */
void tocsin__quarantine_take_entries(struct tocsin__handler *handler,
                                     struct tocsin__quarantine *all);
void tocsin__quarantine_deliver_entries(struct tocsin__loop *loop, struct tocsin__quarantine *all,
                                        const struct tocsin__owner *owner);

static inline bool tocsin__quarantined(const struct tocsin__handler *handler)
{
    return handler->quarantine && handler->quarantine->active;
}

#endif
