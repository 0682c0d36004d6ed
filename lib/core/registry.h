/* The registry: the names of all signals in the process, what was declared of them, and for each one word that says
   whether an emission has anything to do. Written under one lock, read without. */
#ifndef TOCSIN_CORE_REGISTRY_H
#define TOCSIN_CORE_REGISTRY_H

#include <pthread.h>
#include <stdatomic.h>

#include <tocsin/signal.h>

#include "core/mem.h"
#include "core/tree.h"

struct tocsin__loop;
struct tocsin__match;
struct tocsin__owner;

struct tocsin__signal {
    int signo;
    const char *name;
    _Atomic bool declared;
    _Atomic uint32_t unresolved;                       /* patterns that match it, older than its name, on loops that have not looked yet */
    struct tocsin_spec spec;                           /* of what was declared; all it points to is ours */
    struct tocsin_layout layout;                       /* spec.layout, if there is one */
    struct tocsin__owner *owner;
    _Atomic uint32_t loops;                            /* how many loops have an interest in it */
    uint32_t numbers;                                  /* the sum of their numbers: of one, its number */
};

/* The interest word: 0, nothing to do; the number of the one loop that listens, and there is nothing else to mind; anything
   else, the slow way. */
enum { TOCSIN__NOBODY = 0, TOCSIN__SLOW = -1 };
extern tocsin__hidden _Atomic uint32_t tocsin__interest[TOCSIN_SIGNALS_MAX];
extern tocsin__hidden _Atomic uint32_t tocsin__signals;               /* signos 1 to this have been given */

extern tocsin__hidden pthread_mutex_t tocsin__registry_lock;   /* held by patterns.c, too */

struct tocsin__signal *tocsin__signal(int signo);      /* NULL: no such signo */
const struct tocsin_layout *tocsin__signal_layout(int signo, const struct tocsin_payload *payload);   /* the registry's copy of it, else payload's own */

int tocsin__name_check(const char *name, size_t size);                    /* 0; -EINVAL */
int tocsin__signal_named(const char *name, size_t size, bool make);       /* the signo, declared or not; -ENOENT, -ENOSPC, -ENOMEM */

void tocsin__interest_set(struct tocsin__signal *signal);        /* has the word agree with what is known of it; the lock is held */
void tocsin__interest_add(struct tocsin__signal *signal, uint32_t number);      /* a loop has its first interest in it */
void tocsin__interest_remove(struct tocsin__signal *signal, uint32_t number);   /* and none any more */
void tocsin__interest_resolved(struct tocsin__signal *signal, uint32_t count);  /* so many patterns, older than its name, have found it */

/* The patterns of all loops. A name that is new finds those that match it, and counts them; each loop then has its own join it, when
   it next needs to know. */
struct tocsin__pattern {
    struct tocsin__loop *loop;
    struct tocsin__match *match;
    bool starred;                                      /* else it is a list of names: nothing that comes matches it */
    bool outs;                                         /* it has parts that are taken out: a part that matches does not decide */
    bool added;
    uint32_t from;                                     /* the last signo when it came */
    uint64_t stamp;                                    /* of the last search that found it */
    struct tocsin__pattern *found;                     /* the next one that its loop's search found */
    uint32_t leaves_count;
    char *text;
    struct tocsin__leaf leaves[];                      /* one for each part that is not taken out */
};
struct tocsin__signos { int *items; uint32_t count, capacity; };

int  tocsin__pattern_new(const char *text, struct tocsin__loop *loop, struct tocsin__match *match, struct tocsin__pattern **ret_pattern);   /* -ENOMEM */
int  tocsin__pattern_add(struct tocsin__pattern *pattern, struct tocsin__signos *ret_signos);   /* all that match it now, each once; -ENOMEM */
bool tocsin__pattern_remove(struct tocsin__pattern *pattern, uint32_t seen);    /* its loop has looked at the signos up to this; false: it was not there, or a list */
uint32_t tocsin__patterns_count(const char *name, uint32_t before);       /* of all loops, that match a name that is getting this signo; the lock is held */
struct tocsin__pattern *tocsin__patterns_of(struct tocsin__loop *loop, int signo);        /* those of the loop that are older than the name and match it */

#endif
