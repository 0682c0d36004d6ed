/* What an owner has on the thread's loop is taken away from it. Each at rest; each can be done again. */
#ifndef TOCSIN_PLUGIN_SWEEP_H
#define TOCSIN_PLUGIN_SWEEP_H

#include "core/owner.h"

bool tocsin__sweep_finds(const struct tocsin__owner *owner);    /* it has something here */
void tocsin__sweep_standing(struct tocsin__owner *owner);       /* cancels what would never end: timers, watches */
void tocsin__sweep_passing(struct tocsin__owner *owner);        /* cancels its other operations, and those of its types; ends its blocks */
void tocsin__sweep_running(struct tocsin__owner *owner);        /* both */
void tocsin__sweep_connected(struct tocsin__owner *owner);      /* takes it away from the seams, disconnects its handlers, closes its queues, frees its sources; what it has pended is the program's */
void tocsin__sweep_known(struct tocsin__owner *owner);          /* addresses of its that were remembered */

void tocsin__sweep_release(struct tocsin__owner *owner);        /* lets its handlers out of quarantine */

/* P4. Its handlers stay where they are, so that what is sent is kept for this loop, but they call nothing of it any more; and go. */
void tocsin__sweep_defuse(struct tocsin__owner *owner);
void tocsin__sweep_defused(void);

/* What was held for those that were in quarantine is for those of this owner; NULL: for nobody. */
void tocsin__sweep_held(const struct tocsin__owner *owner);

/* The tasks of the owner that wait in the loop's inbox are run now, in front of all else (P4). */
void tocsin__sweep_tasks(const struct tocsin__owner *owner);

#endif
