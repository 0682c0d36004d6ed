/* The registry: the names of all signals in the process, what was declared of them, and for each one word that says
   whether an emission has anything to do. Written under one lock, read without. */
#ifndef TOCSIN_CORE_REGISTRY_H
#define TOCSIN_CORE_REGISTRY_H

#include <stdatomic.h>

#include <tocsin/signal.h>

#include "core/mem.h"

struct tocsin__loop;
struct tocsin__owner;

struct tocsin__signal {
    int signo;
    const char *name;
    _Atomic bool declared;
    _Atomic uint32_t unresolved;                       /* patterns that match it, older than its name, on loops that have not looked yet */
    struct tocsin_spec spec;                           /* of what was declared; all it points to is ours */
    struct tocsin_layout layout;                       /* spec.layout, if there is one */
    struct tocsin__owner *owner;
    _Atomic uint32_t loops;                            /* how many loops have handlers of it */
    uint32_t numbers;                                  /* the sum of their numbers: of one, its number */
    struct tocsin__signal *next;                       /* in its bucket */
};

/* The interest word: 0, nothing to do; the number of the one loop that listens, and there is nothing else to mind; anything
   else, the slow way. */
enum { TOCSIN__NOBODY = 0, TOCSIN__SLOW = -1 };
extern tocsin__hidden _Atomic uint32_t tocsin__interest[TOCSIN_SIGNALS_MAX];
extern tocsin__hidden _Atomic uint32_t tocsin__signals;               /* signos 1 to this have been given */

struct tocsin__signal *tocsin__signal(int signo);      /* NULL: no such signo */
const struct tocsin_layout *tocsin__signal_layout(int signo, const struct tocsin_payload *payload);   /* the registry's copy of it, else payload's own */

int tocsin__name_check(const char *name, size_t size);                    /* 0; -EINVAL */
int tocsin__signal_named(const char *name, size_t size, bool make);       /* the signo, declared or not; -ENOENT, -ENOSPC, -ENOMEM */

void tocsin__interest_add(struct tocsin__signal *signal, uint32_t number);      /* a loop has its first handler of it */
void tocsin__interest_remove(struct tocsin__signal *signal, uint32_t number);   /* and no handler any more */
void tocsin__interest_resolved(struct tocsin__signal *signal, uint32_t count);  /* so many patterns, older than its name, have found it */

/* The patterns of all loops: a name that is new is compared with each, and each loop then looks through its own when it needs to. */
struct tocsin__pattern {
    struct tocsin__pattern *next, **link;
    uint32_t from;                                     /* the last signo when it came */
    char text[];
};
void tocsin__pattern_add(struct tocsin__pattern *pattern);
void tocsin__pattern_remove(struct tocsin__pattern *pattern, uint32_t seen);    /* whose loop has looked at the signos up to this */

#endif
