/* A handler that fails or blocks its loop again and again is not called any more: what it would have been called with is held, to a bound, until it is released. */
#ifndef TOCSIN_CORE_QUARANTINE_H
#define TOCSIN_CORE_QUARANTINE_H

#include "core/handler.h"
#include "core/loop.h"

enum { TOCSIN__HELD_MOST = 1024 };
#define TOCSIN__PATIENCE_US ((int64_t)60 * 1000000)    /* so many faults or stalls in this time */

struct tocsin__held { struct tocsin__held *next; struct tocsin_info *info; };

/* Of a handler that has failed or stalled: how often lately, and what is held for it. */
struct tocsin__quarantine {
    int64_t faults_us, stalls_us;                      /* since when they are counted */
    uint32_t faults, stalls;
    bool shut;                                         /* it is not called */
    struct tocsin__held *first, **last;
    uint32_t count;
    size_t bytes;
    uint64_t missed;                                   /* beyond the bound, or for lack of memory */
};

void tocsin__quarantine_fault(struct tocsin__loop *loop, struct tocsin__handler *handler);      /* one more, at this moment */
void tocsin__quarantine_stall(struct tocsin__loop *loop, struct tocsin__handler *handler);
void tocsin__quarantine_release(struct tocsin__loop *loop, struct tocsin__handler *handler);    /* it is called again, at first with what was held */
void tocsin__quarantine_free(struct tocsin__handler *handler);         /* what is held is dropped */

/* P4: what is held goes from a handler to others, those of another owner that match. take: in front of that is what was taken before. */
void tocsin__held_take(struct tocsin__handler *handler, struct tocsin__quarantine *all);
void tocsin__held_give(struct tocsin__loop *loop, struct tocsin__quarantine *all, const struct tocsin__owner *owner);      /* NULL: to nobody */

static inline bool tocsin__quarantined(const struct tocsin__handler *handler)
{
    return handler->quarantine && handler->quarantine->shut;
}

#endif
