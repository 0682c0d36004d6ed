/* Ids of objects. An id has 16 bits for the number of its loop, 3 bits for its table, 21 bits for
   the generation, and 24 bits for the index in the table. A table never frees or moves its entries,
   so any thread can check at any time whether an id is stale or of another table. */
#ifndef TOCSIN_BASE_ID_H
#define TOCSIN_BASE_ID_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An id that is greater than or equal to this number is a negative errno (F1). */
#define TOCSIN__ID_ERRORS ((uint64_t)-4095)
enum {
    TOCSIN__ID_INDEX_BITS = 24,
    TOCSIN__ID_GENERATION_BITS = 21,
    TOCSIN__ID_TABLE_SHIFT = 45,
    TOCSIN__ID_NUMBER_SHIFT = 48,
    TOCSIN__ID_FIRST_BITS = 6,
    TOCSIN__ID_CHUNKS = TOCSIN__ID_INDEX_BITS - TOCSIN__ID_FIRST_BITS + 1,
    TOCSIN__ID_REST = 64 /* a free entry is used again only if at least 64 entries are free */
};

/* The numbers of the tables, which are a part of each id. No table has the number 0, so the id of a
   loop is never equal to one of these ids. */
enum {
    TOCSIN__ID_HANDLERS = 1,
    TOCSIN__ID_SOURCES,
    TOCSIN__ID_QUEUES,
    TOCSIN__ID_BLOCKS,
    TOCSIN__ID_POOLS,
    TOCSIN__ID_RATES
};

#define TOCSIN__ID_PREFIX(number, table) \
    ((uint64_t)(number) << TOCSIN__ID_NUMBER_SHIFT | (uint64_t)(table) << TOCSIN__ID_TABLE_SHIFT)

struct tocsin__id_entry {
    _Atomic uint64_t id; /* the id of the object; 0: the entry is free */
    void *object;
    /* The id while the object is open, else another value. lib/op/complete.h shows the values. */
    _Atomic uint64_t claim;
    _Atomic uint32_t generation; /* generation of the newest id of this entry; only the loop's
                                    thread writes it */
    uint32_t next; /* index of the next free entry, if this entry is free; index + 1 of the next
                      request, if the end of the object was requested */
};

/* The set of the used indices. Level 0 has one bit for each index. Each higher level has one bit
   for each word of the level below that is not zero. So the next used index is found in four
   steps. */
enum { TOCSIN__ID_LEVELS = 4 };
struct tocsin__id_used {
    uint64_t *level[TOCSIN__ID_LEVELS];
    uint32_t capacity;
};

struct tocsin__ids {
    /* The first chunk has 64 entries. Each further chunk has twice as many entries as the one
     * before. */
    struct tocsin__id_entry *_Atomic chunk[TOCSIN__ID_CHUNKS];
    uint64_t prefix;             /* the loop number and the table, shifted to their place in an
                                    id */
    uint32_t made;               /* number of entries made so far */
    uint32_t resting;            /* length of the queue of free entries */
    uint32_t oldest, newest;     /* index of the first and of the last entry of the queue of free
                                    entries */
    uint32_t live;               /* ids in use */
    struct tocsin__id_used used; /* the set of used indices; only the thread of the loop reads it */
};

/* Only the loop's thread calls the next three functions. */
/* Returns a new id for the object, or 0 if there is no memory or 2^24 ids are in use. */
uint64_t tocsin__id_new(struct tocsin__ids *ids, void *object);
/* Returns the existing object with the next higher index, or NULL if there are no more. `id` may be
 * stale; 0 gives the first object. */
void *tocsin__id_after(struct tocsin__ids *ids, uint64_t id);
/* Frees the id, which must be in use in this table. */
void tocsin__id_free(struct tocsin__ids *ids, uint64_t id);

/* Requests the end of an object from the thread that owns the table. Any thread may call this
   function. The object's claim must be its id. *requests is the head of a list that is linked
   through the entries of the table. Returns false if the id is not open, or if its end was
   requested before. */
bool tocsin__id_request_end(struct tocsin__ids *ids, uint64_t id, _Atomic uint32_t *requests);
/* Takes the request `first` from the list; only the owner thread calls this function. *ret_object
   is set to NULL if the object has ended already. Returns the next request, or 0 if there are no
   more. */
uint32_t tocsin__id_next_request(struct tocsin__ids *ids, uint32_t first, void **ret_object);

static inline struct tocsin__id_entry *tocsin__id_entry(struct tocsin__ids *ids, uint64_t id)
{
    uint32_t place = ((uint32_t)id & ((1u << TOCSIN__ID_INDEX_BITS) - 1)) +
                     (1u << TOCSIN__ID_FIRST_BITS);
    unsigned bits = 31 - (unsigned)__builtin_clz(place);
    struct tocsin__id_entry *chunk;

    chunk = atomic_load_explicit(&ids->chunk[bits - TOCSIN__ID_FIRST_BITS], memory_order_acquire);
    return chunk ? chunk + (place - (1u << bits)) : NULL;
}

/* Returns the object with this id, or NULL if the id is stale. Only the loop's own thread may use
   the object. */
static inline void *tocsin__id_object(struct tocsin__ids *ids, uint64_t id)
{
    struct tocsin__id_entry *entry = tocsin__id_entry(ids, id);

    return entry && atomic_load_explicit(&entry->id, memory_order_relaxed) == id ? entry->object
                                                                                 : NULL;
}

/* Returns true if the id contains the loop number and the number of this table. The id may be
   stale. */
static inline bool tocsin__id_fits(const struct tocsin__ids *ids, uint64_t id)
{
    return id >> TOCSIN__ID_TABLE_SHIFT == ids->prefix >> TOCSIN__ID_TABLE_SHIFT;
}

static inline unsigned tocsin__id_table(uint64_t id)
{
    return (unsigned)(id >> TOCSIN__ID_TABLE_SHIFT) &
           ((1u << (TOCSIN__ID_NUMBER_SHIFT - TOCSIN__ID_TABLE_SHIFT)) - 1);
}

static inline uint32_t tocsin__id_generation(uint64_t id)
{
    return (uint32_t)(id >> TOCSIN__ID_INDEX_BITS) & ((1u << TOCSIN__ID_GENERATION_BITS) - 1);
}

static inline unsigned tocsin__id_number(uint64_t id)
{
    return (unsigned)(id >> TOCSIN__ID_NUMBER_SHIFT);
}

#endif
