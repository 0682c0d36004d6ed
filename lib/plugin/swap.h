/* The last part of a reload: exchanges the two versions of a plugin while the other loops wait at
   the barrier. */
#ifndef TOCSIN_PLUGIN_SWAP_H
#define TOCSIN_PLUGIN_SWAP_H

#include "plugin/transition.h"

struct tocsin__swap {
    struct tocsin__image *next; /* the new version; NULL after it was mapped or freed */
    char **settings;            /* settings of the new version */
    bool has_settings;          /* false: the new version gets the settings of the old version */

    /* tocsin__swap_versions sets the following members */
    struct tocsin__owner *started; /* owner of the version that runs now; NULL: neither version
                                      started */
    bool is_new;                   /* true if the running version is the new one */
    bool stays_mapped;             /* true if the old version could not be unmapped */
    bool has_thread;               /* true if a thread of the old version still runs */
};

/* Ends the old version, and starts the new version. If this fails, starts a copy of the old
   version, because its mapped file may not have been unmapped. Returns 0, or the error of the new
   version. */
int tocsin__swap_versions(struct tocsin__swap *swap, struct tocsin__transition *transition,
                          const struct tocsin__reason *reason);

/* Called by each loop at the barrier before the exchange. Afterwards nothing of the old version is
   called on this loop. */
void tocsin__swap_mute(struct tocsin__owner *old);
/* Called by each loop after the exchange. Runs the tasks that the new version's init sent to this
   loop, then delivers the waiting emissions. If `started` is NULL, no version runs, so these
   emissions are dropped. */
void tocsin__swap_release(const struct tocsin__owner *started);

#endif
