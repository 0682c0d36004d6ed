/* The fast path: a signal that nobody hears, or that this loop alone hears and may deliver at once. All else is in deliver.c. */
#include "core/emit.h"

#define always_inline inline __attribute__((always_inline))

/* The rest of the handlers after one answered something else than NEXT. */
static tocsin__noinline bool answered_rest(struct tocsin__loop *loop, struct tocsin__handler **at, struct tocsin__info *info, int answer)
{
    bool stopped = tocsin__answered(loop, *at, &info->seen, answer);

    while (*++at) {
        if (stopped && !((*at)->flags & TOCSIN__OBSERVER))
            continue;
        answer = tocsin__call(loop, *at, info);
        if (answer && tocsin__answered(loop, *at, &info->seen, answer))
            stopped = true;
    }
    return stopped;
}

static tocsin__noinline void end_slow(struct tocsin__loop *loop, struct tocsin__slot *slot, int result)
{
    if (loop->watch && result != TOCSIN_NOBODY)
        loop->watch(loop);
    tocsin__settle(loop, slot);
    tocsin__tidy_at_rest(loop);
}

/* Delivers at once to the handlers of one list, which is not running. */
static always_inline int deliver_list(struct tocsin__loop *loop, struct tocsin__slot *slot, struct tocsin__list *list, int signo,
                                      uint64_t source, const struct tocsin_payload *payload)
{
    struct tocsin__handler *running = loop->running, **at = list->items;
    int result = list->outcome, answer;
    struct tocsin__info info;

    slot->state = TOCSIN__RUNNING;
    tocsin__info_fill(&info, loop, signo, slot->name, source, payload);
    tocsin__descends(loop, info.seen.sequence);
    for (; *at; at++) {
        answer = tocsin__call(loop, *at, &info);
        if (tocsin__unlikely(answer)) {
            if (answered_rest(loop, at, &info, answer))
                result = TOCSIN_STOPPED;
            break;
        }
    }
    tocsin__runs(loop, running);
    tocsin__descends(loop, info.seen.parent);
    if (tocsin__likely(slot->state == TOCSIN__RUNNING && !loop->unrest)) {
        slot->state = 0;
        return result;
    }
    end_slow(loop, slot, result);
    tocsin__info_end(&info);                           /* last: what an object does when it goes may free the loop */
    return result;
}

static tocsin__noinline int emit_heard(int signo, const struct tocsin_payload *payload, uint32_t number)
{
    struct tocsin__loop *loop = tocsin__self;
    const struct tocsin_layout *layout = payload ? payload->layout : &tocsin__layout_none;
    struct tocsin__slot *slot;

    if (tocsin__unlikely(number != loop->word))
        return tocsin__emit_slow(loop, signo, 0, payload);
    slot = loop->slots[signo];
    if (tocsin__unlikely(slot->state || slot->layout != layout))
        return tocsin__emit_slow(loop, signo, 0, payload);
    return deliver_list(loop, slot, slot->list, signo, 0, payload);
}

int tocsin_emit(int signo, const struct tocsin_payload *payload)
{
    uint32_t word;

    if (tocsin__unlikely((uint32_t)signo - 1 >= atomic_load_explicit(&tocsin__signals, memory_order_relaxed)))
        return -EINVAL;
    word = atomic_load_explicit(&tocsin__interest[signo], memory_order_relaxed);
    if (tocsin__likely(word == TOCSIN__NOBODY))
        return TOCSIN_NOBODY;
    return emit_heard(signo, payload, word);
}

/* The same for what has a source, whose own list is merged in by the key. */

static always_inline int walk_merged(struct tocsin__loop *loop, struct tocsin__handler **a, struct tocsin__handler **b, struct tocsin__info *info,
                                     int result, bool observers)
{
    while (*a || *b) {
        struct tocsin__handler *handler = !*b || (*a && (*a)->key < (*b)->key) ? *a++ : *b++;
        int answer;

        if (tocsin__unlikely(observers || result == TOCSIN_STOPPED) && !(handler->flags & TOCSIN__OBSERVER))
            continue;
        answer = tocsin__call(loop, handler, info);
        if (tocsin__unlikely(answer) && tocsin__answered(loop, handler, &info->seen, answer))
            result = TOCSIN_STOPPED;
    }
    return result;
}

/* straight: nothing of the slot's state is set. observers: they alone see it. */
static always_inline int deliver(struct tocsin__loop *loop, struct tocsin__slot *slot, struct tocsin__list *own, struct tocsin__info *info,
                                 bool straight, bool observers)
{
    struct tocsin__handler *running = loop->running;
    uint64_t parent = loop->parent;
    bool outer = straight || !(slot->state & TOCSIN__RUNNING);
    bool nodefer = !straight && slot->nodefer, unblocked = !straight && slot->unblocked;
    int result = observers ? TOCSIN_NOBODY : slot->list->outcome | own->outcome;

    slot->state |= TOCSIN__RUNNING;
    if (!straight) {
        slot->nested += !outer;
        slot->nodefer = slot->unblocked = false;
        slot->fresh = NULL;                            /* who is nested walks over it now */
    }
    tocsin__descends(loop, info->seen.sequence);
    result = walk_merged(loop, slot->list->items, own->items, info, result, observers);
    tocsin__runs(loop, running);
    tocsin__descends(loop, parent);
    if (!straight) {
        slot->nodefer = nodefer;
        slot->unblocked = unblocked;
        slot->nested -= !outer;
    }
    if (straight && tocsin__likely(slot->state == TOCSIN__RUNNING && !loop->unrest))
        slot->state = 0;
    else if (outer)
        end_slow(loop, slot, result);
    return result;
}

int tocsin__deliver(struct tocsin__loop *loop, struct tocsin__slot *slot, struct tocsin__list *own, struct tocsin__info *info)
{
    return deliver(loop, slot, own, info, false, slot->state & TOCSIN__IGNORED);
}

int tocsin__deliver_straight(struct tocsin__loop *loop, struct tocsin__slot *slot, struct tocsin__list *own, struct tocsin__info *info)
{
    return deliver(loop, slot, own, info, true, false);
}

static bool observed(const struct tocsin__list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i]->id && list->items[i]->flags & TOCSIN__OBSERVER)
            return true;
    return false;
}

void tocsin__observe(struct tocsin__loop *loop, struct tocsin__slot *slot, struct tocsin__list *own, struct tocsin__info *info)
{
    if (!observed(slot->list) && !observed(own))
        return;
    deliver(loop, slot, own, info, false, true);
}

static tocsin__noinline int emit_merged(struct tocsin__loop *loop, struct tocsin__slot *slot, struct tocsin__list *own, int signo,
                                        uint64_t source, const struct tocsin_payload *payload)
{
    struct tocsin__info info;
    int result;

    tocsin__info_fill(&info, loop, signo, slot->name, source, payload);
    result = deliver(loop, slot, own, &info, true, false);
    tocsin__info_end(&info);
    return result;
}

static tocsin__noinline int emit_heard_from(uint64_t id, int signo, const struct tocsin_payload *payload, uint32_t number)
{
    struct tocsin__loop *loop = tocsin__self;
    const struct tocsin_layout *layout = payload ? payload->layout : &tocsin__layout_none;
    struct tocsin__source *source;
    struct tocsin__slot *slot;
    struct tocsin__list *list, *own;

    if (tocsin__unlikely(number != loop->word))
        return tocsin__emit_slow(loop, signo, id, payload);
    slot = loop->slots[signo];
    source = tocsin__id_object(&loop->sources, id);
    if (tocsin__unlikely(slot->state || slot->layout != layout || !source))
        return tocsin__emit_slow(loop, signo, id, payload);
    list = slot->list;
    own = tocsin__source_list(source, slot);
    if (own && list->count)
        return emit_merged(loop, slot, own, signo, id, payload);
    return deliver_list(loop, slot, own ? own : list, signo, id, payload);
}

int tocsin_emit_from(struct tocsin_source source, int signo, const struct tocsin_payload *payload)
{
    uint32_t word;

    if (tocsin__unlikely((uint32_t)signo - 1 >= atomic_load_explicit(&tocsin__signals, memory_order_relaxed)))
        return -EINVAL;
    word = atomic_load_explicit(&tocsin__interest[signo], memory_order_relaxed);
    if (tocsin__likely(word == TOCSIN__NOBODY))
        return TOCSIN_NOBODY;
    return source.id ? emit_heard_from(source.id, signo, payload, word) : emit_heard(signo, payload, word);
}
