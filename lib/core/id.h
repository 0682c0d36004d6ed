/* Ids with generations: number of the loop (16 bits), generation (24), index (24). The entries of a table are never
   unmapped and never move, so a stale id is recognised by any thread at any time. */
#ifndef TOCSIN_CORE_ID_H
#define TOCSIN_CORE_ID_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOCSIN__ID_ERRORS ((uint64_t)-4095)            /* from here on an id is a negative errno (F1) */
enum {
    TOCSIN__ID_INDEX_BITS = 24, TOCSIN__ID_NUMBER_SHIFT = 48, TOCSIN__ID_FIRST_BITS = 6,
    TOCSIN__ID_CHUNKS = TOCSIN__ID_INDEX_BITS - TOCSIN__ID_FIRST_BITS + 1,
    TOCSIN__ID_REST = 64                               /* so many entries rest before one is used again */
};

struct tocsin__id_entry {
    _Atomic uint64_t id;                               /* 0: free */
    void *object;
    _Atomic uint64_t claim;                            /* the id, until somebody claims the completion (lib/op) */
    uint32_t generation, next;
};

struct tocsin__ids {
    struct tocsin__id_entry *_Atomic chunk[TOCSIN__ID_CHUNKS];   /* the first has 64 entries, each other twice as many as the one before */
    uint64_t prefix;                                   /* the loop's number, in its place */
    uint32_t made, resting, oldest, newest;            /* free entries wait in a queue */
    uint32_t live;
};

uint64_t tocsin__id_new(struct tocsin__ids *ids, void *object);   /* 0: no memory, or 2^24 of them */
void *tocsin__id_after(struct tocsin__ids *ids, uint64_t id);     /* of those that live, the object after this id, which may be stale; 0: the first. NULL: none */
void tocsin__id_free(struct tocsin__ids *ids, uint64_t id);       /* an id of this table */

/* Any thread may ask the table's own to end an object whose claim is its id; asked is the head of a list that goes through the entries themselves. */
bool tocsin__id_ask(struct tocsin__ids *ids, uint64_t id, _Atomic uint32_t *asked);       /* false: it is not open, or somebody has asked */
uint32_t tocsin__id_asked(struct tocsin__ids *ids, uint32_t first, void **ret_object);    /* its own thread: an entry of the list that asked held; NULL: it has ended already. The next; 0: none */

static inline struct tocsin__id_entry *tocsin__id_entry(struct tocsin__ids *ids, uint64_t id)
{
    uint32_t place = ((uint32_t)id & ((1u << TOCSIN__ID_INDEX_BITS) - 1)) + (1u << TOCSIN__ID_FIRST_BITS);
    unsigned bits = 31 - (unsigned)__builtin_clz(place);
    struct tocsin__id_entry *chunk;

    chunk = atomic_load_explicit(&ids->chunk[bits - TOCSIN__ID_FIRST_BITS], memory_order_acquire);
    return chunk ? chunk + (place - (1u << bits)) : NULL;
}

/* The object with this id; NULL if it is stale. Only the loop's own thread may use what it points to. */
static inline void *tocsin__id_object(struct tocsin__ids *ids, uint64_t id)
{
    struct tocsin__id_entry *entry = tocsin__id_entry(ids, id);

    return entry && atomic_load_explicit(&entry->id, memory_order_relaxed) == id ? entry->object : NULL;
}

static inline unsigned tocsin__id_number(uint64_t id)
{
    return (unsigned)(id >> TOCSIN__ID_NUMBER_SHIFT);
}

#endif
