#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/index.h"
#include "mem.h"

/* The FNV-1a hash. Only the lower bits choose the slot, so the upper half is mixed into the lower
   half. */
static size_t hash(size_t scope, const char *name)
{
    uint64_t sum = 0xcbf29ce484222325 ^ (scope + 1) * 0x9e3779b97f4a7c15;

    while (*name)
        sum = (sum ^ (unsigned char)*name++) * 0x100000001b3;
    return (size_t)(sum ^ sum >> 32);
}

/* Returns the slot of the name. If the name is not in the table, returns the empty slot for it. The
   table is never full, so the search ends. */
static struct index_slot *slot_of(const struct index *index, size_t scope, const char *name)
{
    size_t at = hash(scope, name) & (index->room - 1);

    while (index->slots[at].name &&
           (index->slots[at].scope != scope || strcmp(index->slots[at].name, name) != 0))
        at = (at + 1) & (index->room - 1);
    return &index->slots[at];
}

static void index_grow(struct index *index)
{
    struct index larger = { .room = index->room ? 2 * index->room : 64 };

    larger.slots = must_alloc(larger.room * sizeof *larger.slots);
    for (size_t i = 0; i < index->room; i++)
        if (index->slots[i].name)
            *slot_of(&larger, index->slots[i].scope, index->slots[i].name) = index->slots[i];
    larger.count = index->count;
    free(index->slots);
    *index = larger;
}

void index_add(struct index *index, size_t scope, const char *name, size_t place)
{
    struct index_slot *slot;

    if (2 * (index->count + 1) > index->room)
        index_grow(index);
    slot = slot_of(index, scope, name);
    index->count += !slot->name;
    *slot = (struct index_slot){ name, scope, place };
}

ptrdiff_t index_find(const struct index *index, size_t scope, const char *name)
{
    const struct index_slot *slot = index->room ? slot_of(index, scope, name) : NULL;

    return slot && slot->name ? (ptrdiff_t)slot->place : INDEX_NONE;
}

void index_free(struct index *index)
{
    free(index->slots);
    *index = (struct index){ .room = 0 };
}
