/* Owners (P1). Everything has an owner, which is the program or a plugin. An address belongs to the
 * plugin whose file is mapped at this address. Every other address belongs to the program. */
#ifndef TOCSIN_REGISTRY_OWNER_H
#define TOCSIN_REGISTRY_OWNER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <tocsin/owner.h>

#include "base/mem.h"
#include "registry/quota.h"

enum { TOCSIN__OWNER_SHARDS = 8 };

/* Resources that the public enum does not have. A reload needs their counts; they have no limit. */
enum {
    TOCSIN__PERSISTENT = TOCSIN_RESOURCE_COUNT, /* operations that end only on request */
    TOCSIN__PERSISTENT_TYPES,                   /* persistent operations whose type belongs to the
                                                   owner */
    /* one resource for each kind of operation, named in messages */
    TOCSIN__TIMERS,
    TOCSIN__TICKERS,
    TOCSIN__WATCHES,
    TOCSIN__FIBERS,
    TOCSIN__WORKS,
    TOCSIN__RESOURCES
};

/* The record of an owner. It is never freed, so any thread may read it at any time. When a plugin's
   file is unmapped, its record is used again. */
struct tocsin__owner {
    char name[TOCSIN__OWNER_NAME];
    struct tocsin__owner *_Atomic next;
    _Atomic uintptr_t low, high; /* address range of the mapped file; empty if the file is not
                                  * mapped, and for the program */
    _Atomic bool closed;         /* true if the owner is closed: it gets no more resources */
    _Atomic bool watched;        /* true: tocsin__owner_on_release is called for this owner */
    _Atomic bool gone;           /* the library calls no code of the owner any more, but its file
                                    stays mapped */
    _Atomic bool reloading;      /* a reload has begun to end the persistent operations */
    _Atomic bool idle;           /* true if the record can be used again */
    uint32_t number;             /* number of the owner; 0: the program */
    struct tocsin__quota *_Atomic quota;
    _Atomic uint32_t
        limits_reported; /* one bit for each resource for which tocsin.owner.limited was emitted */
    _Atomic uint64_t refused;
    struct {
        _Alignas(64) _Atomic uint64_t counts[TOCSIN__RESOURCES];
    } shards[TOCSIN__OWNER_SHARDS]; /* the owner's count is the sum of all shards; loops use
                                       different shards */
};

/* The dynamic linker maps a plugin's file under a name that begins with this prefix. */
#define TOCSIN__MAPPED_FROM "/proc/self/fd/"

extern tocsin__hidden struct tocsin__owner tocsin__program;
extern tocsin__hidden struct tocsin__owner *_Atomic tocsin__plugins; /* list of the plugins; NULL:
                                                                        no plugin was ever loaded */
/* The index of the shard in which this thread counts. */
extern tocsin__hidden __thread uint32_t tocsin__owner_shard
    __attribute__((tls_model("initial-exec")));

/* Returns the plugin whose file contains the address, or the program if there is no such plugin. */
struct tocsin__owner *tocsin__owner_find(const void *address);

static inline struct tocsin__owner *tocsin__owner_of(const void *address)
{
    return tocsin__likely(!atomic_load_explicit(&tocsin__plugins, memory_order_acquire))
               ? &tocsin__program
               : tocsin__owner_find(address);
}

static inline bool tocsin__owner_has(const struct tocsin__owner *owner, const void *address)
{
    uintptr_t at = (uintptr_t)address;

    return at >= atomic_load_explicit(&owner->low, memory_order_relaxed) &&
           at < atomic_load_explicit(&owner->high, memory_order_relaxed);
}

/* Adds to the owner's count of a resource; any thread may call these functions.
   tocsin__owner_charge returns 0, -ESHUTDOWN if the owner is closed, or -EDQUOT if the owner would
   exceed its limit. tocsin__owner_charge_force always succeeds. */
int tocsin__owner_charge(struct tocsin__owner *owner, enum tocsin_resource what, uint64_t count);
void tocsin__owner_charge_force(struct tocsin__owner *owner, int what, uint64_t count);
void tocsin__owner_uncharge(struct tocsin__owner *owner, int what, uint64_t count);
uint64_t tocsin__owner_count(const struct tocsin__owner *owner, int what);

static inline struct tocsin__quota *tocsin__quota(const struct tocsin__owner *owner)
{
    return atomic_load_explicit(&owner->quota, memory_order_relaxed);
}

static inline uint64_t tocsin__owner_limit_of(const struct tocsin__owner *owner,
                                              enum tocsin_resource what)
{
    return atomic_load_explicit(&tocsin__quota(owner)->limit[what], memory_order_relaxed);
}

/* Writes what the owner runs, such as "1 task, 2 timers", or nothing if the owner runs nothing.
   With PASSING, operations that end only on request are left out. This function is
   async-signal-safe. */
enum { TOCSIN__ALL, TOCSIN__PASSING };
struct tocsin__text_builder;
void tocsin__owner_describe(const struct tocsin__owner *owner, int which,
                            struct tocsin__text_builder *words);

/* The following functions are for lib/plugin. */
/* The function that is called when a watched owner has released a resource; NULL means no call. */
extern tocsin__hidden void (*_Atomic tocsin__owner_on_release)(struct tocsin__owner *owner);
/* lib/io sets this function. It is called with the name of a plugin when a reload or an unload of
   the plugin is over; NULL means no call. */
extern tocsin__hidden void (*_Atomic tocsin__owner_on_changed)(const char *plugin);
/* The owner gets resources again: its reload was given up. */
void tocsin__owner_reopen(struct tocsin__owner *owner);
/* Makes the record of a plugin. Returns NULL if there is no memory. */
struct tocsin__owner *tocsin__owner_new(const char *name);
void tocsin__owner_set_range(struct tocsin__owner *owner, uintptr_t low, uintptr_t high);
/* Makes the record reusable. The owner must have no resources, and its file must be unmapped. */
void tocsin__owner_end(struct tocsin__owner *owner);
/* Returns the owner with this number, or NULL if there is no such number. */
struct tocsin__owner *tocsin__owner_numbered(uint32_t number);

#endif
