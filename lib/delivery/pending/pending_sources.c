/* Finds the pending emission of a source. Short lists are searched linearly. From SAME_FEW entries
   on there is an open-addressing hash table with linear probing. If memory for the table is
   missing, the list is still searched linearly. */
#include "delivery/pending/pending_sources.h"

#ifdef TOCSIN_FAULT
enum { SAME_FEW = 2 }; /* test builds use a small number, so that tests also use the table */
#else
enum { SAME_FEW = 16 };
#endif

/* The hash table. `capacity` is a power of two, and at least twice `count`. */
struct tocsin__pending_sources {
    uint32_t count, capacity;
    struct tocsin__pending *places[];
};

static uint64_t source_of(const struct tocsin__pending *pending)
{
    return pending->info->pub.source.id;
}

static uint32_t home(const struct tocsin__pending_sources *same, uint64_t source)
{
    return (uint32_t)(source * 0x9e3779b97f4a7c15u >> 32) & (same->capacity - 1);
}

static uint32_t place_of(const struct tocsin__pending_sources *same, uint64_t source)
{
    uint32_t at = home(same, source);

    while (same->places[at] && source_of(same->places[at]) != source)
        at = (at + 1) & (same->capacity - 1);
    return at;
}

struct tocsin__pending *tocsin__pending_source_find(const struct tocsin__loop_signal *loop_signal,
                                                    uint64_t source)
{
    struct tocsin__pending *pending = loop_signal->signal->spec.kind == TOCSIN_COALESCE
                                          ? loop_signal->queued.first
                                          : NULL;

    if (pending && loop_signal->queued.by_source)
        return loop_signal->queued.by_source
            ->places[place_of(loop_signal->queued.by_source, source)];
    while (pending && (pending->gone || source_of(pending) != source))
        pending = pending->next;
    return pending;
}

static void same_put(struct tocsin__pending_sources *same, struct tocsin__pending *pending)
{
    tocsin__assert(!same->places[place_of(same, source_of(pending))]);
    same->places[place_of(same, source_of(pending))] = pending;
    same->count++;
    tocsin__assert(2 * same->count <= same->capacity);
}

/* Builds the table for all pending emissions, with room for the same number again. */
static void same_make(struct tocsin__loop_signal *loop_signal)
{
    uint32_t capacity = 4 * SAME_FEW;

    while (capacity / 4 < loop_signal->queued.count)
        capacity *= 2;
    tocsin__release(loop_signal->queued.by_source);
    loop_signal->queued.by_source = tocsin__alloc(
        sizeof *loop_signal->queued.by_source +
        capacity * sizeof loop_signal->queued.by_source->places[0]);
    if (!loop_signal->queued.by_source)
        return;
    loop_signal->queued.by_source->capacity = capacity;
    for (struct tocsin__pending *pending = loop_signal->queued.first; pending;
         pending = pending->next)
        if (!pending->gone)
            same_put(loop_signal->queued.by_source, pending);
}

void tocsin__pending_source_added(struct tocsin__loop_signal *loop_signal,
                                  struct tocsin__pending *pending)
{
    /* The table is rebuilt whenever the number of emissions reaches a power of two. */
    bool grown = loop_signal->queued.count >= SAME_FEW &&
                 !(loop_signal->queued.count & (loop_signal->queued.count - 1));

    if (loop_signal->signal->spec.kind != TOCSIN_COALESCE || pending->gone)
        return;
    if (loop_signal->queued.by_source ? 2 * (loop_signal->queued.by_source->count + 1) >
                                            loop_signal->queued.by_source->capacity
                                      : grown)
        same_make(loop_signal);
    else if (loop_signal->queued.by_source)
        same_put(loop_signal->queued.by_source, pending);
}

/* Deletes an entry of a table with linear probing. Later entries of the same run move into the
   hole, because otherwise lookups would not find them. */
void tocsin__pending_source_removed(struct tocsin__loop_signal *loop_signal,
                                    const struct tocsin__pending *pending)
{
    struct tocsin__pending_sources *same = loop_signal->queued.by_source;
    uint32_t mask, hole, at;

    if (!same || pending->gone)
        return;
    if (!loop_signal->queued.first) {
        tocsin__release(same);
        loop_signal->queued.by_source = NULL;
        return;
    }
    mask = same->capacity - 1;
    hole = at = place_of(same, source_of(pending));
    while (same->places[at = (at + 1) & mask])
        if (((at - home(same, source_of(same->places[at]))) & mask) >= ((at - hole) & mask)) {
            same->places[hole] = same->places[at];
            hole = at;
        }
    tocsin__assert(same->count > 0 && same->places[hole]);
    same->places[hole] = NULL;
    same->count--;
}
