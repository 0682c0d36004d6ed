/* Exchanges the two versions of a plugin while the other loops wait at the barrier: the last part
   of a reload. */
#ifndef TOCSIN_PLUGIN_SWAP_H
#define TOCSIN_PLUGIN_SWAP_H

#include "plugin/transition.h"

struct tocsin__swap {
    struct tocsin__image *next; /* the new version; NULL once it was mapped or freed */
    char **settings;            /* settings of the new version */
    bool has_settings;          /* false: it gets the settings of the old one */

    /* set by tocsin__swap_versions */
    struct tocsin__owner *started; /* image of the version that runs now; NULL: neither started */
    bool is_new;                   /* the running version is the new one */
    bool stays_mapped;             /* the old version could not be unmapped */
    bool has_thread;               /* a thread of the old version still runs */
};

/* Ends the old version, and starts the new one. If that fails, starts a copy of the old one, since
   a file that was mapped once need not have been unmapped. 0; or why the new version did not start.
 */
int tocsin__swap_versions(struct tocsin__swap *swap, struct tocsin__transition *transition,
                          const struct tocsin__reason *reason);

/* The work of each loop at the barrier before the exchange: nothing of the old version is called on
   it any more. */
void tocsin__swap_mute(struct tocsin__owner *old);
/* The work of each loop after the exchange: it runs the tasks that the new version's init sent to
 * this loop, then delivers the emissions that waited. started NULL: no version runs, so these
 * emissions are dropped. */
void tocsin__swap_release(const struct tocsin__owner *started);

#endif
