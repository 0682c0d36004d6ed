/* P1: everything has an owner, the program or a plugin, known by an address that lies in its object file, or by what runs. */
#ifndef TOCSIN_CORE_OWNER_H
#define TOCSIN_CORE_OWNER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <tocsin/owner.h>

#include "core/mem.h"

enum { TOCSIN__OWNER_NAME = 64, TOCSIN__OWNER_SHARDS = 8 };

/* What is counted besides, for a reload, and cannot be limited. */
enum {
    TOCSIN__STANDING = TOCSIN_HOLDS,                   /* of its operations, those that end only when they are asked to */
    TOCSIN__STANDING_TYPES,                            /* and of those of its types */
    TOCSIN__HOLDINGS
};

/* What all owners of a name may hold, each of them, and how long their handlers are borne with: of a plugin, whichever version, and before it is loaded. Never freed. */
struct tocsin__ration {
    struct tocsin__ration *next;
    char name[TOCSIN__OWNER_NAME];
    _Atomic bool pends;                                /* what it may have pended is limited */
    _Atomic uint32_t faults, stalls;                   /* so many of a handler within a minute, and it is in quarantine; 0: never */
    _Atomic uint64_t limit[TOCSIN_HOLDS];              /* UINT64_MAX: none */
};

extern tocsin__hidden struct tocsin__ration tocsin__ration_program;
struct tocsin__ration *tocsin__ration_of(const char *name);     /* made, if it is not there; NULL: no memory */

/* Never freed: whoever has found one may look at it at any time. One whose file is unmapped is used again. */
struct tocsin__owner {
    char name[TOCSIN__OWNER_NAME];
    struct tocsin__owner *_Atomic next;
    _Atomic uintptr_t low, high;                       /* of its file in memory; equal: none. The program has all the rest */
    _Atomic bool closed;                               /* it takes on nothing any more */
    _Atomic bool watched;                              /* somebody waits for it to let go of something */
    _Atomic bool gone;                                 /* nothing of it is called any more, but its file could not be unmapped */
    _Atomic bool idle;                                 /* nobody's: it can be used again */
    uint32_t number;                                   /* 0: the program */
    struct tocsin__ration *_Atomic ration;
    _Atomic uint32_t told;                             /* of which holdings it has been told that the limit is reached, a bit each */
    _Atomic uint64_t refused;
    struct { _Alignas(64) _Atomic uint64_t held[TOCSIN__HOLDINGS]; } shards[TOCSIN__OWNER_SHARDS];    /* so that loops do not share them: their sum counts */
};

#define TOCSIN__MAPPED_FROM "/proc/self/fd/"                     /* what the dynamic linker calls a plugin's file */

extern tocsin__hidden struct tocsin__owner tocsin__program;
extern tocsin__hidden struct tocsin__owner *_Atomic tocsin__plugins;     /* NULL: there has been none */
extern tocsin__hidden __thread struct tocsin__owner *tocsin__at_work __attribute__((tls_model("initial-exec")));     /* whose task this thread of a pool runs; NULL */

struct tocsin__owner *tocsin__owner_find(const void *address);     /* whose file has it */
struct tocsin__owner *tocsin__owner_runs(void);        /* whose code runs on this thread: that of a handler, a notify, a task, a fiber, an init; else the program's */
struct tocsin__owner *tocsin__owner_mixed(const void *code, const void *place);

static inline struct tocsin__owner *tocsin__owner_of(const void *address)
{
    return tocsin__likely(!atomic_load_explicit(&tocsin__plugins, memory_order_acquire)) ? &tocsin__program : tocsin__owner_find(address);
}

static inline struct tocsin__owner *tocsin__owner_here(void)
{
    return tocsin__likely(!atomic_load_explicit(&tocsin__plugins, memory_order_acquire)) ? &tocsin__program : tocsin__owner_runs();
}

/* The plugin whose file has the code, else the one whose file has the text of the place, else whoever runs. */
static inline struct tocsin__owner *tocsin__owner_whose(const void *code, const void *place)
{
    return tocsin__likely(!atomic_load_explicit(&tocsin__plugins, memory_order_acquire)) ? &tocsin__program : tocsin__owner_mixed(code, place);
}

/* One more, or so many: 0; -ESHUTDOWN: it is closed; -EDQUOT: over the limit, which has been told. Any thread; with a lock held, tell afterwards. */
int  tocsin__owner_take(struct tocsin__owner *owner, enum tocsin_holding what, uint64_t count);
int  tocsin__owner_admit(struct tocsin__owner *owner, enum tocsin_holding what);     /* one more, and it is told; with no lock held */
void tocsin__owner_give(struct tocsin__owner *owner, int what, uint64_t count);
void tocsin__owner_hold(struct tocsin__owner *owner, int what, uint64_t count);      /* whatever the limit, and closed or not */
int  tocsin__owner_ration(struct tocsin__owner *owner, const char *signal, const struct tocsin_payload *payload);
void tocsin__owner_tell(struct tocsin__owner *owner, enum tocsin_holding what);      /* that it was refused, once until it is below the limit again */
uint64_t tocsin__owner_held(const struct tocsin__owner *owner, int what);

/* For lib/plugin. let_go: one that is watched has less than before; NULL: nobody wants to know. */
extern tocsin__hidden void (*_Atomic tocsin__owner_let_go)(struct tocsin__owner *owner);
struct tocsin__owner *tocsin__owner_new(const char *name);         /* NULL: no memory */
void tocsin__owner_maps(struct tocsin__owner *owner, uintptr_t low, uintptr_t high);
void tocsin__owner_end(struct tocsin__owner *owner);   /* it holds nothing, and its file is not mapped any more */
struct tocsin__owner *tocsin__owner_numbered(uint32_t number);


static inline struct tocsin__ration *tocsin__ration(const struct tocsin__owner *owner)
{
    return atomic_load_explicit(&owner->ration, memory_order_relaxed);
}

/* Whether the owner may have it pended: 0; -EDQUOT, and it is told. */
static inline int tocsin__owner_room(struct tocsin__owner *owner, const char *signal, const struct tocsin_payload *payload)
{
    return tocsin__likely(!atomic_load_explicit(&tocsin__ration(owner)->pends, memory_order_relaxed)) ? 0 : tocsin__owner_ration(owner, signal, payload);
}

static inline bool tocsin__owner_has(const struct tocsin__owner *owner, const void *address)
{
    uintptr_t at = (uintptr_t)address;

    return at >= atomic_load_explicit(&owner->low, memory_order_relaxed) && at < atomic_load_explicit(&owner->high, memory_order_relaxed);
}

#endif
