/* The registry: the names of all signals in the process and their declarations. An interest word
   per signal says whether an emission has anything to do. Writers hold one lock, readers none. */
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
    _Atomic uint32_t unresolved; /* patterns that match, are older, and are not resolved yet */
    struct tocsin_signal_spec
        spec;                    /* copy of the declared spec; all texts belong to the registry */
    struct tocsin_layout layout; /* spec.layout points here, or is NULL */
    struct tocsin__owner *owner;
    bool orphan;            /* the plugin that declared it was unloaded */
    _Atomic bool consumed;  /* a plugin's note says that it connects to this name; so an early
                               connect is not a typing error */
    _Atomic uint32_t loops; /* number of loops with an interest */
    uint32_t numbers;       /* sum of these loops' numbers: with one loop, its number */
    struct tocsin__listener first; /* list of the loops that have, or had, an interest */
    _Atomic uint32_t changes;      /* counts changes of that list; a reader starts again if the list
                                      changed meanwhile */
    /* the last layout of a posted payload that fitted the signal; the same layout is not compared
       again */
    _Atomic(const struct tocsin_layout *) fitted;
    bool flat; /* a message can hold the payload */
    /* list of the signals with a latest cell on every loop; the lock protects it */
    struct tocsin__signal *next_async;
};

/* A flag of the library's own specs: TOCSIN_ASYNC with a payload as large as a message holds. */
enum { TOCSIN__LARGE = 1 << 16 };

/* Values of the interest word. NOBODY: an emission has nothing to do. A loop's number: only this
   loop listens. SLOW: everything else. */
enum { TOCSIN__NOBODY = 0, TOCSIN__SLOW = -1 };
extern tocsin__hidden _Atomic uint32_t tocsin__interest[TOCSIN_SIGNALS_MAX];
extern tocsin__hidden _Atomic uint32_t tocsin__signals; /* the last signo that is in use */

extern tocsin__hidden pthread_mutex_t tocsin__registry_lock;

static inline bool tocsin__has_default(const struct tocsin__signal *signal)
{
    return signal->spec.unhandled != TOCSIN_IGNORE ||
           __atomic_load_n(&signal->spec.unhandled_fn, __ATOMIC_RELAXED);
}

/* NULL: no such signo */
struct tocsin__signal *tocsin__signal(int signo);
/* Returns the registry's copy of the payload's layout, or the payload's own if they differ. */
const struct tocsin_layout *tocsin__signal_layout(int signo, const struct tocsin_payload *payload);
/* 0; -EINVAL: malformed */
int tocsin__name_check(const char *name, size_t size);

/* The registry's lock is held in both. interest_set: computes the interest word again. publish: a
   new signal, with the next signo, becomes visible to other threads. */
void tocsin__interest_set(struct tocsin__signal *signal);
void tocsin__signal_publish(struct tocsin__signal *signal);

#endif
