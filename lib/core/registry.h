/* The registry: the names of all signals in the process, what was declared of them, and for each one word that says
   whether an emission has anything to do. Written under one lock, read without. */
#ifndef TOCSIN_CORE_REGISTRY_H
#define TOCSIN_CORE_REGISTRY_H

#include <pthread.h>
#include <stdatomic.h>

#include <tocsin/signal.h>

#include "core/mem.h"
#include "core/tree.h"

struct tocsin__box;
struct tocsin__loop;
struct tocsin__match;
struct tocsin__owner;

/* A loop that listens to a signal, or has, or will. It is never freed: other threads read it without a lock. */
struct tocsin__listener {
    struct tocsin__listener *_Atomic next;
    _Atomic uint32_t word;                             /* the loop's number while it has an interest, with the flags; 0: it has none */
    _Atomic uint32_t number;                           /* which loop's; 0: nobody's yet */
    uint32_t interests;                                /* its slot, and its patterns that have not met the name yet */
    struct tocsin__box *_Atomic box;                   /* of a coalescing signal: what waits for the loop */
};

enum {
    TOCSIN__LOOP_BITS = 0xffff,
    TOCSIN__OBSERVES = 1 << 16,                        /* nobody but observers listens there: it refuses nothing (E18) */
    TOCSIN__DEAF = 1 << 18,                            /* nobody listens: there is a mask there that may block it */
    TOCSIN__FULL = 1 << 17                             /* what it has pended has reached the limit */
};

struct tocsin__signal {
    int signo;
    const char *name;
    _Atomic bool declared;
    _Atomic uint32_t unresolved;                       /* patterns that match it, older than its name, on loops that have not looked yet */
    struct tocsin_spec spec;                           /* of what was declared; all it points to is ours */
    struct tocsin_layout layout;                       /* spec.layout, if there is one */
    struct tocsin__owner *owner;
    bool orphan;                                       /* its owner is gone */
    _Atomic bool consumed;                             /* a plugin's note names it: who connects to it has not misspelt it */
    _Atomic uint32_t loops;                            /* how many loops have an interest in it */
    uint32_t numbers;                                  /* the sum of their numbers: of one, its number */
    struct tocsin__listener first;                     /* of those loops, and of those that have had one */
    _Atomic uint32_t changes;                          /* who reads them all, and finds it changed, begins anew */
    _Atomic(const struct tocsin_layout *) fitted;      /* of a payload that another thread sent: the quick way */
    bool flat;                                         /* a letter can hold its payload */
};

enum { TOCSIN__LARGE = 1 << 16 };                     /* a flag of a spec: of the library itself, as large as a letter holds */

/* Its own loop's thread: some of the flags. */
static inline void tocsin__listener_flag(struct tocsin__listener *listener, uint32_t flags, uint32_t values)
{
    uint32_t word = atomic_load_explicit(&listener->word, memory_order_relaxed);

    if ((word & flags) != values)
        atomic_store(&listener->word, (word & ~flags) | values);
}

/* The interest word: 0, nothing to do; the number of the one loop that listens, and there is nothing else to mind; anything
   else, the slow way. */
enum { TOCSIN__NOBODY = 0, TOCSIN__SLOW = -1 };
extern tocsin__hidden _Atomic uint32_t tocsin__interest[TOCSIN_SIGNALS_MAX];
extern tocsin__hidden _Atomic uint32_t tocsin__signals;               /* signos 1 to this have been given */

extern tocsin__hidden pthread_mutex_t tocsin__registry_lock;   /* held by patterns.c, too */

static inline bool tocsin__has_default(const struct tocsin__signal *signal)
{
    return signal->spec.unhandled != TOCSIN_IGNORE || __atomic_load_n(&signal->spec.unhandled_fn, __ATOMIC_RELAXED);
}

struct tocsin__signal *tocsin__signal(int signo);      /* NULL: no such signo */
const struct tocsin_layout *tocsin__signal_layout(int signo, const struct tocsin_payload *payload);   /* the registry's copy of it, else payload's own */

int tocsin__declare(const struct tocsin_spec *spec);   /* as tocsin_declare; flags of the library's own are allowed */
bool tocsin__signals_default(const struct tocsin__owner *owner);    /* some default action is a function of its */
void tocsin__signals_orphan(struct tocsin__owner *owner);       /* nothing that it declared calls it any more; no address of its is remembered */
int tocsin__name_check(const char *name, size_t size);                    /* 0; -EINVAL */
int tocsin__signal_named(const char *name, size_t size, bool make);       /* the signo, declared or not; -ENOENT, -ENOSPC, -ENOMEM */

void tocsin__interest_set(struct tocsin__signal *signal);        /* has the word agree with what is known of it; the lock is held */
void tocsin__interest_change(struct tocsin__signal *signal, struct tocsin__listener *listener, uint32_t by);     /* it has one more, or less */
void tocsin__interest_resolved(struct tocsin__signal *signal, uint32_t number, uint32_t count);  /* so many patterns of a loop, older than its name, have found it */
struct tocsin__listener *tocsin__listener_make(struct tocsin__signal *signal, uint32_t number);  /* that of a loop, with its box; NULL: no memory */
struct tocsin__listener *tocsin__listener_of(struct tocsin__signal *signal, uint32_t number);    /* NULL: it has none */
struct tocsin__listener *tocsin__listener_add(struct tocsin__signal *signal, uint32_t number);   /* as make; the lock is held */
bool tocsin__heard_elsewhere(const struct tocsin__loop *loop, struct tocsin__signal *signal);     /* somebody listens on another loop than this */
bool tocsin__wanted_elsewhere(const struct tocsin__loop *loop, struct tocsin__signal *signal);    /* somebody who is no observer */
bool tocsin__listens_first(const struct tocsin__loop *loop, struct tocsin__signal *signal);       /* of those who only observe it, and nobody else listens */
int  tocsin__listener_awaits(struct tocsin__signal *signal, uint32_t number, bool handles);      /* a pattern of that loop has not met the name, which is being made: -ENOMEM; the lock is held */
void tocsin__listener_resolved(struct tocsin__signal *signal, uint32_t number, uint32_t count);   /* so many of them have; the lock is held */
int  tocsin__listeners_boxes(struct tocsin__signal *signal);     /* they need boxes from now on: -ENOMEM; the lock is held */
void tocsin__listeners_inherit(struct tocsin__loop *own);        /* T8: no other loop listens any more; the lock is held */
void tocsin__listeners_clear(uint32_t number);                   /* T8: the boxes of a loop */
void tocsin__listeners_free(struct tocsin__signal *signal);      /* of a name that nobody has seen yet */

/* The patterns of all loops. A name that is new finds those that match it, and counts them; each loop then has its own join it, when
   it next needs to know. */
struct tocsin__pattern {
    struct tocsin__loop *loop;
    struct tocsin__match *match;
    bool starred;                                      /* else it is a list of names: nothing that comes matches it */
    bool outs;                                         /* it has parts that are taken out: a part that matches does not decide */
    bool handles;                                      /* a handler's or a queue's; else an observer's, a block's, … */
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
int  tocsin__patterns_await(struct tocsin__signal *signal);      /* those of all loops that match a name that is being made: -ENOMEM; the lock is held */
struct tocsin__pattern *tocsin__patterns_of(struct tocsin__loop *loop, int signo);        /* those of the loop that are older than the name and match it */

#endif
