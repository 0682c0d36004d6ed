/* Finds the owner of the code that runs on this thread, and checks the owner's limits. */
#ifndef TOCSIN_DELIVERY_OWNER_HERE_H
#define TOCSIN_DELIVERY_OWNER_HERE_H

#include "registry/owner.h"

/* The owner of the task that this pool thread runs; NULL: it runs no task. */
extern tocsin__hidden __thread struct tocsin__owner *tocsin__thread_owner
    __attribute__((tls_model("initial-exec")));

/* Returns the owner of the handler, notify, task, fiber or init that runs on this thread. If none
   runs, returns the program. */
struct tocsin__owner *tocsin__owner_running(void);
/* Returns the plugin whose file contains the address `code`. If there is none, returns the plugin
   whose file contains the text `place`. If there is none either, returns the owner of the code that
   runs. */
struct tocsin__owner *tocsin__owner_of_call(const void *code, const void *place);

/* Returns the owner of the calling code, as tocsin__owner_of_call does, but faster if no plugin was
   ever loaded. */
static inline struct tocsin__owner *tocsin__owner_here(void)
{
    return tocsin__likely(!atomic_load_explicit(&tocsin__plugins, memory_order_acquire))
               ? &tocsin__program
               : tocsin__owner_running();
}

static inline struct tocsin__owner *tocsin__owner_whose(const void *code, const void *place)
{
    return tocsin__likely(!atomic_load_explicit(&tocsin__plugins, memory_order_acquire))
               ? &tocsin__program
               : tocsin__owner_of_call(code, place);
}

/* Emits tocsin.owner.limited, only once until the owner is below its limit again. The caller must
   hold no lock. */
void tocsin__owner_emit_limited(struct tocsin__owner *owner, enum tocsin_resource what);
/* Charges one resource to the owner. If this returns -EDQUOT, emits tocsin.owner.limited. The
 * caller must hold no lock. */
int tocsin__owner_charge_or_report(struct tocsin__owner *owner, enum tocsin_resource what);

/* Checks whether the owner may have one more pending emission of this signal. Returns 0, or
   -EDQUOT, which is then reported by a signal. */
int tocsin__owner_check_pending_quota(struct tocsin__owner *owner, const char *signal,
                                      const struct tocsin_payload *payload);

static inline int tocsin__owner_room(struct tocsin__owner *owner, const char *signal,
                                     const struct tocsin_payload *payload)
{
    return tocsin__likely(
               !atomic_load_explicit(&tocsin__quota(owner)->limits_pending, memory_order_relaxed))
               ? 0
               : tocsin__owner_check_pending_quota(owner, signal, payload);
}

#endif
