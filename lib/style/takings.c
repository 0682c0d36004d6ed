/* A binary heap of the pending emissions that a queue may take. If there is no memory for the heap,
 * all signals are searched. */
#include "style/takings.h"

#include "base/assert.h"
#include "delivery/emit.h"

enum { LEAST = 16 };

static bool taking_is_before(const struct tocsin__taking *one, const struct tocsin__taking *other)
{
    return one->rank != other->rank ? one->rank < other->rank : one->age < other->age;
}

static struct tocsin__taking taking_of(struct tocsin__loop_signal *loop_signal)
{
    return (struct tocsin__taking){ loop_signal->signal->spec.rank, loop_signal->queued.first->age,
                                    loop_signal };
}

static bool taking_is_pending(const struct tocsin__taking *taking)
{
    return taking->loop_signal->queued.first &&
           taking->loop_signal->queued.first->age == taking->age;
}

static void taking_swap(struct tocsin__taking *one, struct tocsin__taking *other)
{
    struct tocsin__taking was = *one;

    *one = *other;
    *other = was;
}

static void heap_rise(struct tocsin__taking *heap, uint32_t at)
{
    for (; at && taking_is_before(&heap[at], &heap[(at - 1) / 2]); at = (at - 1) / 2)
        taking_swap(&heap[at], &heap[(at - 1) / 2]);
}

static void heap_sink(struct tocsin__taking *heap, uint32_t count, uint32_t at)
{
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        child += child + 1 < count && taking_is_before(&heap[child + 1], &heap[child]);
        if (!taking_is_before(&heap[child], &heap[at]))
            return;
        taking_swap(&heap[child], &heap[at]);
    }
}

static int heap_make_room(struct tocsin__takings *takings, uint32_t count)
{
    uint32_t capacity = takings->capacity ? takings->capacity : LEAST;
    struct tocsin__taking *heap;

    if (count <= takings->capacity)
        return 0;
    while (capacity < count)
        capacity *= 2;
    heap = tocsin__resize(takings->heap, capacity * sizeof *heap);
    if (!heap)
        return -ENOMEM;
    takings->heap = heap;
    takings->capacity = capacity;
    return 0;
}

static void heap_put(struct tocsin__takings *takings, struct tocsin__loop_signal *loop_signal)
{
    tocsin__assert(takings->count < takings->capacity);
    takings->heap[takings->count] = taking_of(loop_signal);
    heap_rise(takings->heap, takings->count++);
}

void tocsin__takings_add(struct tocsin__takings *takings, struct tocsin__loop_signal *loop_signal)
{
    if (takings->count >= takings->most || heap_make_room(takings, takings->count + 1) < 0)
        takings->most = 0;
    else
        heap_put(takings, loop_signal);
}

/* Rebuilds the heap from the emissions that are pending now. */
static void takings_rebuild(struct tocsin__takings *takings,
                            const struct tocsin__subscription *subscription)
{
    takings->most = heap_make_room(takings, subscription->loop_signals_count) < 0
                        ? 0
                        : 2 * subscription->loop_signals_count + LEAST;
    takings->count = 0;
    for (uint32_t i = 0; i < subscription->loop_signals_count && takings->most; i++)
        if (subscription->loop_signals[i]->queued.first)
            heap_put(takings, subscription->loop_signals[i]);
}

static struct tocsin__loop_signal *takings_search(const struct tocsin__subscription *subscription)
{
    struct tocsin__loop_signal *best = NULL;

    for (uint32_t i = 0; i < subscription->loop_signals_count; i++)
        if (subscription->loop_signals[i]->queued.first &&
            (!best || tocsin__pending_is_before(subscription->loop_signals[i], best)))
            best = subscription->loop_signals[i];
    return best;
}

struct tocsin__loop_signal *tocsin__takings_first(struct tocsin__takings *takings,
                                                  const struct tocsin__subscription *subscription)
{
    if (!takings->most)
        takings_rebuild(takings, subscription);
    while (takings->count && !taking_is_pending(&takings->heap[0])) {
        takings->heap[0] = takings->heap[--takings->count];
        heap_sink(takings->heap, takings->count, 0);
    }
    return takings->count && takings->most ? takings->heap[0].loop_signal
                                           : takings_search(subscription);
}

void tocsin__takings_free(struct tocsin__takings *takings)
{
    tocsin__release(takings->heap);
    *takings = (struct tocsin__takings){ 0 };
}
