#include "core/id.h"
#include "core/mem.h"

enum { ASKED = 1 };                                    /* what the claim is then; no id is so small */

static struct tocsin__id_entry *entry_at(struct tocsin__ids *ids, uint32_t index)
{
    return tocsin__id_entry(ids, index);
}

/* A new entry, of a new chunk where the last one is used up. */
static struct tocsin__id_entry *entry_made(struct tocsin__ids *ids, uint32_t *ret_index)
{
    uint32_t place = ids->made + (1u << TOCSIN__ID_FIRST_BITS);
    unsigned bits = 31 - (unsigned)__builtin_clz(place);
    struct tocsin__id_entry *chunk;

    if (bits >= TOCSIN__ID_INDEX_BITS)
        return NULL;
    if (place == 1u << bits && !atomic_load_explicit(&ids->chunk[bits - TOCSIN__ID_FIRST_BITS], memory_order_relaxed)) {
        chunk = tocsin__alloc(sizeof *chunk << bits);
        if (!chunk)
            return NULL;
        atomic_store_explicit(&ids->chunk[bits - TOCSIN__ID_FIRST_BITS], chunk, memory_order_release);
    }
    *ret_index = ids->made++;
    return entry_at(ids, *ret_index);
}

static struct tocsin__id_entry *entry_rested(struct tocsin__ids *ids, uint32_t *ret_index)
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
    uint32_t index = 0;
    uint64_t id;

    if (ids->resting < TOCSIN__ID_REST)
        entry = entry_made(ids, &index);
    if (!entry && ids->resting)
        entry = entry_rested(ids, &index);
    if (!entry)
        return 0;
    entry->generation = (entry->generation + 1) & ((1u << 24) - 1);
    entry->object = object;
    id = ids->prefix | (uint64_t)entry->generation << TOCSIN__ID_INDEX_BITS | index;
    atomic_store_explicit(&entry->claim, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->id, id, memory_order_release);
    ids->live++;
    return id;
}

static void rest(struct tocsin__ids *ids, uint32_t index)
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

    atomic_store_explicit(&entry->id, 0, memory_order_relaxed);
    entry->object = NULL;
    ids->live--;
    if (atomic_exchange_explicit(&entry->claim, 0, memory_order_acq_rel) != ASKED)
        rest(ids, index);                              /* else it is in the list of those that were asked for, or about to be */
}

bool tocsin__id_ask(struct tocsin__ids *ids, uint64_t id, _Atomic uint32_t *asked)
{
    struct tocsin__id_entry *entry = tocsin__id_entry(ids, id);
    uint32_t first = atomic_load(asked);

    if (!entry || !atomic_compare_exchange_strong(&entry->claim, &(uint64_t){ id }, ASKED))
        return false;
    do
        entry->next = first;
    while (!atomic_compare_exchange_weak(asked, &first, ((uint32_t)id & ((1u << TOCSIN__ID_INDEX_BITS) - 1)) + 1));
    return true;
}

uint32_t tocsin__id_asked(struct tocsin__ids *ids, uint32_t first, void **ret_object)
{
    struct tocsin__id_entry *entry = entry_at(ids, first - 1);
    uint32_t next = entry->next;

    *ret_object = entry->object;
    if (entry->object)
        atomic_store_explicit(&entry->claim, 0, memory_order_relaxed);
    else
        rest(ids, first - 1);
    return next;
}

void *tocsin__id_after(struct tocsin__ids *ids, uint64_t id)
{
    uint32_t index = id ? ((uint32_t)id & ((1u << TOCSIN__ID_INDEX_BITS) - 1)) + 1 : 0;

    while (index < ids->made && !entry_at(ids, index)->object)
        index++;
    return index < ids->made ? entry_at(ids, index)->object : NULL;
}
