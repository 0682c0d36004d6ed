/* The registry: the names of all signals in the process and their declarations. For each signal, an
   interest word says whether an emission has anything to do. Writers hold one lock; readers need no
   lock. */
#ifndef TOCSIN_REGISTRY_REGISTRY_H
#define TOCSIN_REGISTRY_REGISTRY_H

#include <pthread.h>
#include <stdatomic.h>

#include <tocsin/signal.h>

#include "base/mem.h"
#include "registry/listener.h"

struct tocsin__owner;

struct tocsin__signal {
    int signo;
    const char *name;
    _Atomic bool declared;
    _Atomic uint32_t unresolved;    /* number of patterns that match the name, but that their loops
                                     * have not joined with it yet */
    struct tocsin_signal_spec spec; /* a copy of the declared spec; all its texts belong to the
                                     * registry */
    struct tocsin_layout layout;    /* the layout, to which spec.layout points if it is not NULL */
    struct tocsin__owner *owner;
    bool orphan;            /* true if the plugin that declared the signal was unloaded */
    _Atomic bool consumed;  /* A plugin has announced in its note that it connects to this name. So
                             * a connect before the declaration is probably not a typing error. */
    _Atomic uint32_t loops; /* number of loops with an interest */
    uint32_t numbers;       /* sum of the numbers of the loops with an interest; if there is one
                               such loop, its number */
    struct tocsin__listener first; /* first entry in the list of the loops that have, or had, an
                                      interest */
    _Atomic uint32_t changes;      /* number of changes of this list; if it has changed during a
                                    * walk, the walk starts again */
    /* address of the last posted layout that was equal to the signal's layout; a layout at this
       address is not compared again */
    _Atomic(const struct tocsin_layout *) fitted;
    bool flat; /* true if a message can hold the payload */
    /* list of the signals with a latest cell on every loop; the registry's lock protects it */
    struct tocsin__signal *next_async;
};

/* A flag of the library's own specs, together with TOCSIN_ASYNC: the payload may be as large as a
   message can hold. */
enum { TOCSIN__LARGE = 1 << 16 };

/* Special values of the interest word. NOBODY: an emission has nothing to do. SLOW: the emission
   takes the slow path. Any other value is the number of the only loop that listens. */
enum { TOCSIN__NOBODY = 0, TOCSIN__SLOW = -1 };
extern tocsin__hidden _Atomic uint32_t tocsin__interest[TOCSIN_SIGNALS_MAX];
extern tocsin__hidden _Atomic uint32_t tocsin__signals; /* the highest signo that is in use */

extern tocsin__hidden pthread_mutex_t tocsin__registry_lock;

static inline bool tocsin__has_default(const struct tocsin__signal *signal)
{
    return signal->spec.unhandled != TOCSIN_IGNORE ||
           __atomic_load_n(&signal->spec.unhandled_fn, __ATOMIC_RELAXED);
}

/* Returns the signal with this signo, or NULL if there is none. */
struct tocsin__signal *tocsin__signal(int signo);
/* Returns the registry's copy of the payload's layout. If the signal is declared with another
 * layout, returns the layout of the payload itself. */
const struct tocsin_layout *tocsin__signal_layout(int signo, const struct tocsin_payload *payload);
/* Returns 0 if the text can be a name of a signal, or -EINVAL if it is malformed. */
int tocsin__name_check(const char *name, size_t size);

/* The caller of both functions holds the registry's lock. tocsin__interest_set computes the
   interest word again. tocsin__signal_publish makes a new signal, with the next signo, visible to
   other threads. */
void tocsin__interest_set(struct tocsin__signal *signal);
void tocsin__signal_publish(struct tocsin__signal *signal);

#endif
