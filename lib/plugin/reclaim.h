/* Removes the resources that an owner has on this thread's loop. The loop must be at rest: no
   handler, notify or drop is on its stack. Each function can be called again. */
#ifndef TOCSIN_PLUGIN_RECLAIM_H
#define TOCSIN_PLUGIN_RECLAIM_H

#include "registry/owner.h"

/* Returns true if the owner has something on this loop that tocsin__reclaim_mute would mute, or a
   queue or a source. */
bool tocsin__reclaim_finds(const struct tocsin__owner *owner);

/* Cancels the owner's TOCSIN_PERSISTENT operations, such as watches and repeating timers, for a
   reload. The sockets of its listeners are kept for the new version. */
void tocsin__reclaim_persistent(struct tocsin__owner *owner);
/* Cancels the owner's operations that are not persistent, frees their results, and ends the owner's
   blocks. */
void tocsin__reclaim_finite(struct tocsin__owner *owner);
/* Cancels all operations of the owner. Does what the two functions above do. */
void tocsin__reclaim_operations(struct tocsin__owner *owner);
/* Disconnects the owner's handlers, closes its queues, and frees its sources. Its pending emissions
   are then charged to the program. */
void tocsin__reclaim_connected(struct tocsin__owner *owner);
/* Clears all cached addresses that point into the owner's file. */
void tocsin__reclaim_caches(struct tocsin__owner *owner);

/* Ends the quarantine of the owner's handlers. */
void tocsin__reclaim_unquarantine(struct tocsin__owner *owner);

/* The following functions are for a reload (P4). Muted handlers stay connected, so this loop still
   receives emissions. But the handlers call no function of the owner any more. */
void tocsin__reclaim_mute(struct tocsin__owner *owner);
/* Disconnects the muted handlers, and ends the muted blocks. */
void tocsin__reclaim_muted(void);
/* Delivers the emissions that were kept for muted handlers in quarantine to the handlers of this
   owner. If `owner` is NULL, frees the emissions. */
void tocsin__reclaim_quarantined(const struct tocsin__owner *owner);
/* Runs the owner's tasks that are in the inbox, before everything else in the inbox. */
void tocsin__reclaim_tasks(const struct tocsin__owner *owner);

#endif
