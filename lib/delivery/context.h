/* A record of the code that runs on a loop and its thread. The record is saved before other code is
 * called, and restored afterwards. */
#ifndef TOCSIN_DELIVERY_CONTEXT_H
#define TOCSIN_DELIVERY_CONTEXT_H

#include "delivery/loop.h"

struct tocsin__context {
    struct tocsin__handler *running;
    struct tocsin__activity activity;
    struct tocsin__owner *sender;
};

/* Records that other code begins to run. Returns the record of the code that ran before, which the
   caller passes to tocsin__context_restore. */
static inline struct tocsin__context tocsin__context_enter(struct tocsin__loop *loop,
                                                           struct tocsin__activity activity)
{
    struct tocsin__context was = { loop->running, tocsin__activity(loop), loop->runs.sender };

    tocsin__set_activity(loop, activity);
    return was;
}

static inline void tocsin__context_restore(struct tocsin__loop *loop,
                                           const struct tocsin__context *was)
{
    tocsin__set_running(loop, was->running);
    tocsin__set_activity(loop, was->activity);
    loop->runs.sender = was->sender;
}

#endif
