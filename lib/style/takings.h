/* The pending emissions that a queue with TOCSIN_TAKE may take: the lowest rank first, then the
 * oldest. */
#ifndef TOCSIN_STYLE_TAKINGS_H
#define TOCSIN_STYLE_TAKINGS_H

#include "delivery/subscription.h"

/* An entry of the heap: the emission that was the oldest pending one of its signal when the entry
 * was added. The reader checks whether it is still pending. */
struct tocsin__taking {
    int rank;
    uint64_t age;
    struct tocsin__loop_signal *loop_signal;
};
struct tocsin__takings {
    struct tocsin__taking *heap;
    uint32_t count, capacity;
    /* The heap is rebuilt when it has so many entries, since many of them may be out of date. 0: it
     * is rebuilt at the next read. */
    uint32_t most;
};

/* Must be called when the oldest pending emission of a signal may have changed. */
void tocsin__takings_add(struct tocsin__takings *takings, struct tocsin__loop_signal *loop_signal);
/* The signal whose oldest pending emission is first. At least one emission must be pending. */
struct tocsin__loop_signal *tocsin__takings_first(struct tocsin__takings *takings,
                                                  const struct tocsin__subscription *subscription);
void tocsin__takings_free(struct tocsin__takings *takings);

#endif
