/* Implements the tables of ids; see id.h. */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/id.h"
#include "base/mem.h"

/* the claim of an object whose end was requested; no id is equal to this number */
enum { END_REQUESTED = 1 };

static struct tocsin__id_entry *entry_at(struct tocsin__ids *ids, uint32_t index)
{
    return tocsin__id_entry(ids, index);
}

/* The set of the indices that are in use */

static size_t words_of(uint32_t capacity, int level)
{
    uint32_t words = capacity >> 6 * (level + 1);

    return words ? words : 1;
}

/* Makes room for more indices. All levels are in one block of memory, the lowest level first. */
static int used_grow(struct tocsin__id_used *used)
{
    uint32_t capacity = used->capacity ? used->capacity * 2 : 1 << TOCSIN__ID_FIRST_BITS;
    uint64_t *old = used->level[0], *at;
    size_t count = 0;

    for (int i = 0; i < TOCSIN__ID_LEVELS; i++)
        count += words_of(capacity, i);
    at = tocsin__alloc(count * sizeof *at);
    if (!at)
        return -ENOMEM;
    for (int i = 0; i < TOCSIN__ID_LEVELS; i++) {
        if (old)
            memcpy(at, used->level[i], words_of(used->capacity, i) * sizeof *at);
        used->level[i] = at;
        at += words_of(capacity, i);
    }
    used->capacity = capacity;
    tocsin__release(old);
    return 0;
}

static void used_set(struct tocsin__id_used *used, uint32_t index)
{
    for (int i = 0; i < TOCSIN__ID_LEVELS; i++, index >>= 6)
        used->level[i][index >> 6] |= (uint64_t)1 << (index & 63);
}

static void used_clear(struct tocsin__id_used *used, uint32_t index)
{
    for (int i = 0; i < TOCSIN__ID_LEVELS; i++, index >>= 6)
        if (used->level[i][index >> 6] &= ~((uint64_t)1 << (index & 63)))
            return;
}

/* Returns the first used index that is equal to or greater than `index`, or the capacity if there
   is none. */
static uint32_t used_next(const struct tocsin__id_used *used, uint32_t index)
{
    for (int i = 0; i < TOCSIN__ID_LEVELS && index >> 6 < words_of(used->capacity, i); i++) {
        uint64_t word = used->level[i][index >> 6] & ~(uint64_t)0 << (index & 63);

        if (!word) {
            index = (index >> 6) + 1;
            continue;
        }
        for (index = (index & ~63u) + (uint32_t)__builtin_ctzll(word); i--;)
            index = index << 6 | (uint32_t)__builtin_ctzll(used->level[i][index]);
        return index;
    }
    return used->capacity;
}

/* Makes a new entry, in a new chunk if the last chunk is full. Returns NULL if there is no memory,
   or the table has 2^24 entries. */
static struct tocsin__id_entry *entry_make(struct tocsin__ids *ids, uint32_t *ret_index)
{
    uint32_t place = ids->made + (1u << TOCSIN__ID_FIRST_BITS);
    unsigned bits = 31 - (unsigned)__builtin_clz(place);
    struct tocsin__id_entry *chunk;

    if (bits >= TOCSIN__ID_INDEX_BITS ||
        (ids->made == ids->used.capacity && used_grow(&ids->used) < 0))
        return NULL;
    if (place == 1u << bits &&
        !atomic_load_explicit(&ids->chunk[bits - TOCSIN__ID_FIRST_BITS], memory_order_relaxed)) {
        chunk = tocsin__alloc(sizeof *chunk << bits);
        if (!chunk)
            return NULL;
        atomic_store_explicit(&ids->chunk[bits - TOCSIN__ID_FIRST_BITS], chunk,
                              memory_order_release);
    }
    *ret_index = ids->made++;
    return entry_at(ids, *ret_index);
}

/* Takes the entry that has been free for the longest time, so that no generation is used again
   soon. */
static struct tocsin__id_entry *entry_reuse(struct tocsin__ids *ids, uint32_t *ret_index)
{
    struct tocsin__id_entry *entry = entry_at(ids, ids->oldest);

    *ret_index = ids->oldest;
    ids->oldest = entry->next;
    ids->resting--;
    return entry;
}

uint64_t tocsin__id_new(struct tocsin__ids *ids, void *object)
{
    struct tocsin__id_entry *entry = NULL;
    uint32_t index = 0, generation;
    uint64_t id;

    if (ids->resting < TOCSIN__ID_REST)
        entry = entry_make(ids, &index);
    if (!entry && ids->resting)
        entry = entry_reuse(ids, &index);
    if (!entry)
        return 0;
    generation = atomic_load_explicit(&entry->generation, memory_order_relaxed) + 1;
    generation &= (1u << TOCSIN__ID_GENERATION_BITS) - 1;
    atomic_store_explicit(&entry->generation, generation, memory_order_relaxed);
    entry->object = object;
    id = ids->prefix | (uint64_t)generation << TOCSIN__ID_INDEX_BITS | index;
    atomic_store_explicit(&entry->claim, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->id, id, memory_order_release);
    ids->live++;
    used_set(&ids->used, index);
    tocsin__assert(ids->live <= ids->made && ids->made <= ids->used.capacity);
    return id;
}

/* Appends the entry to the queue of free entries. */
static void entry_retire(struct tocsin__ids *ids, uint32_t index)
{
    if (ids->resting++)
        entry_at(ids, ids->newest)->next = index;
    else
        ids->oldest = index;
    ids->newest = index;
}

void tocsin__id_free(struct tocsin__ids *ids, uint64_t id)
{
    struct tocsin__id_entry *entry = tocsin__id_entry(ids, id);
    uint32_t index = (uint32_t)id & ((1u << TOCSIN__ID_INDEX_BITS) - 1);

    tocsin__assert(entry && entry->id == id && entry->object && ids->live > 0);
    atomic_store_explicit(&entry->id, 0, memory_order_relaxed);
    entry->object = NULL;
    ids->live--;
    used_clear(&ids->used, index);
    /* If the end of the object was requested, its entry is in the list of requests, or is being
     * added to this list. Such an entry becomes free only when it leaves the list. */
    if (atomic_exchange_explicit(&entry->claim, 0, memory_order_acq_rel) != END_REQUESTED)
        entry_retire(ids, index);
}

bool tocsin__id_request_end(struct tocsin__ids *ids, uint64_t id, _Atomic uint32_t *requests)
{
    struct tocsin__id_entry *entry = tocsin__id_entry(ids, id);
    uint32_t first = atomic_load(requests);

    if (!entry || !atomic_compare_exchange_strong(&entry->claim, &(uint64_t){ id }, END_REQUESTED))
        return false;
    do
        entry->next = first;
    while (!atomic_compare_exchange_weak(requests, &first,
                                         ((uint32_t)id & ((1u << TOCSIN__ID_INDEX_BITS) - 1)) + 1));
    return true;
}

uint32_t tocsin__id_next_request(struct tocsin__ids *ids, uint32_t first, void **ret_object)
{
    struct tocsin__id_entry *entry = entry_at(ids, first - 1);
    uint32_t next = entry->next;

    *ret_object = entry->object;
    if (entry->object)
        atomic_store_explicit(&entry->claim, 0, memory_order_relaxed);
    else
        entry_retire(ids, first - 1);
    return next;
}

void *tocsin__id_after(struct tocsin__ids *ids, uint64_t id)
{
    uint32_t index = id ? ((uint32_t)id & ((1u << TOCSIN__ID_INDEX_BITS) - 1)) + 1 : 0;

    index = ids->made ? used_next(&ids->used, index) : ids->used.capacity;
    return index < ids->used.capacity ? entry_at(ids, index)->object : NULL;
}
