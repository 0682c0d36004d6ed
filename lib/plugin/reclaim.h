/* Removes the resources that an owner has on this thread's loop. The loop must be at rest. Each
 * function can be called again. */
#ifndef TOCSIN_PLUGIN_RECLAIM_H
#define TOCSIN_PLUGIN_RECLAIM_H

#include "registry/owner.h"

/* True if the owner has anything here that tocsin__reclaim_mute would mute, or a queue or source.
 */
bool tocsin__reclaim_finds(const struct tocsin__owner *owner);

/* Cancels the owner's TOCSIN_PERSISTENT operations: timers and watches, for example. */
void tocsin__reclaim_persistent(struct tocsin__owner *owner);
/* Cancels the owner's other operations, frees their results, and ends its blocks. */
void tocsin__reclaim_finite(struct tocsin__owner *owner);
/* Cancels all operations of the owner: calls the two functions above. */
void tocsin__reclaim_operations(struct tocsin__owner *owner);
/* Disconnects the owner's handlers, closes its queues, and frees its sources. Its pending emissions
   are then charged to the program. */
void tocsin__reclaim_connected(struct tocsin__owner *owner);
/* Clears cached addresses of the owner's file. */
void tocsin__reclaim_caches(struct tocsin__owner *owner);

/* Ends the quarantine of the owner's handlers. */
void tocsin__reclaim_unquarantine(struct tocsin__owner *owner);

/* The functions below are for a reload (P4). Muted handlers stay connected, so emissions are kept
   for this loop, but they call nothing of the owner any more. */
void tocsin__reclaim_mute(struct tocsin__owner *owner);
/* Disconnects the muted handlers, and ends the muted blocks. */
void tocsin__reclaim_muted(void);
/* Delivers the emissions kept for muted handlers in quarantine to the handlers of this owner. NULL:
 * frees them. */
void tocsin__reclaim_quarantined(const struct tocsin__owner *owner);
/* Runs the owner's tasks that wait in the inbox, before everything else that waits there. */
void tocsin__reclaim_tasks(const struct tocsin__owner *owner);

#endif
