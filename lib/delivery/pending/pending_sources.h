/* An index by source of the pending emissions of a coalescing signal. At most one emission of each
   source is pending (E11). */
#ifndef TOCSIN_DELIVERY_PENDING_PENDING_SOURCES_H
#define TOCSIN_DELIVERY_PENDING_PENDING_SOURCES_H

#include "delivery/loop.h"

/* Returns the pending emission of the source, or NULL if there is none or the signal does not
   coalesce. */
struct tocsin__pending *tocsin__pending_source_find(const struct tocsin__loop_signal *loop_signal,
                                                    uint64_t source);
/* The first function is called after an emission was appended to the list, the second after an
   emission was removed. */
void tocsin__pending_source_added(struct tocsin__loop_signal *loop_signal,
                                  struct tocsin__pending *pending);
void tocsin__pending_source_removed(struct tocsin__loop_signal *loop_signal,
                                    const struct tocsin__pending *pending);

#endif
