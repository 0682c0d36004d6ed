/* An index of the pending emissions of a coalescing signal by source. At most one emission of a
   source is pending (E11). */
#ifndef TOCSIN_DELIVERY_PENDING_PENDING_SOURCES_H
#define TOCSIN_DELIVERY_PENDING_PENDING_SOURCES_H

#include "delivery/loop.h"

/* The pending emission of the source; NULL: none, or the signal does not coalesce. */
struct tocsin__pending *tocsin__pending_source_find(const struct tocsin__loop_signal *loop_signal,
                                                    uint64_t source);
/* Call these after an emission was appended to the list, and after it was removed. */
void tocsin__pending_source_added(struct tocsin__loop_signal *loop_signal,
                                  struct tocsin__pending *pending);
void tocsin__pending_source_removed(struct tocsin__loop_signal *loop_signal,
                                    const struct tocsin__pending *pending);

#endif
