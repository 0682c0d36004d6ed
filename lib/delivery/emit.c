/* The fast path of emission. It is for a signal that no loop listens to, or only this loop, if the
   emission may be delivered immediately. All other cases are in deliver.c. */
#include "delivery/emit.h"

#define always_inline inline __attribute__((always_inline))

/* Continues a delivery after a handler that returned something other than TOCSIN_NEXT. Returns true
   if a handler stopped the delivery. */
static tocsin__noinline bool deliver_rest(struct tocsin__loop *loop, struct tocsin__handler **at,
                                          struct tocsin__info *info, int answer)
{
    bool stopped = tocsin__handler_result(loop, *at, &info->pub, answer);

    while (*++at) {
        if (stopped && !((*at)->flags & TOCSIN__OBSERVER))
            continue;
        answer = tocsin__call(loop, *at, info);
        if (answer && tocsin__handler_result(loop, *at, &info->pub, answer))
            stopped = true;
    }
    return stopped;
}

/* Ends a delivery that still has something to do. The loop may be freed when this function
   returns. */
static tocsin__noinline void end_slow(struct tocsin__loop *loop,
                                      struct tocsin__loop_signal *loop_signal, int result)
{
    struct tocsin__info *copy = tocsin__info_take_copy(&loop_signal->info);

    if (loop->hooks.watch && result != TOCSIN_NOBODY)
        loop->hooks.watch(loop);
    tocsin__delivery_finish(loop, loop_signal);
    tocsin__tidy_at_rest(loop);
    if (copy)
        /* the copy is released last, because the unref of an object may free the loop */
        tocsin__info_put(copy);
}

/* Returns true if a delivery that took the fast path has nothing left to do. */
static always_inline bool is_finished(const struct tocsin__loop *loop,
                                      const struct tocsin__loop_signal *loop_signal)
{
    return !((loop_signal->state ^ TOCSIN__RUNNING) | loop->cleanup_pending);
}

/* Returns true if an emission may take the fast path. The check of a payload comes first, because
 * most emissions have a payload. */
static always_inline bool is_ready(const struct tocsin__loop_signal *loop_signal,
                                   const struct tocsin_payload *payload)
{
    if (tocsin__unlikely(loop_signal->state))
        return false;
    return payload ? loop_signal->layout == payload->layout
                   : loop_signal->layout == &tocsin__layout_none;
}

/* Sets the members of the signal's info that differ from one emission to the next. */
static always_inline struct tocsin__info *info_renew(struct tocsin__loop *loop,
                                                     struct tocsin__loop_signal *loop_signal,
                                                     uint64_t source,
                                                     const struct tocsin_payload *payload)
{
    struct tocsin__info *info = &loop_signal->info;

    tocsin__assert(!atomic_load_explicit(&info->refs, memory_order_relaxed));
    info->pub.source.id = source;
    info->pub.sequence = loop->sequence++;
    info->pub.parent = loop->parent;
    info->pub.turn_us = loop->turn_us;
    info->pub.payload = payload;
    return info;
}

/* Calls the handlers of one list. The caller has made sure that the signal is not being
   delivered. */
static always_inline int deliver_list(struct tocsin__loop *loop,
                                      struct tocsin__loop_signal *loop_signal,
                                      struct tocsin__list *list, uint64_t source,
                                      const struct tocsin_payload *payload)
{
    struct tocsin__info *info = info_renew(loop, loop_signal, source, payload);
    struct tocsin__handler *running = loop->running, **at = list->items;
    struct tocsin__handler *handler = *at;
    int result = list->outcome, answer;

    loop_signal->state = TOCSIN__RUNNING;
    tocsin__frame_set(loop_signal->delivery.frame);
    tocsin__set_parent(loop, info->pub.sequence);
    while (tocsin__likely(handler)) {
        answer = tocsin__call(loop, handler, info);
        if (tocsin__unlikely(answer)) {
            if (deliver_rest(loop, at, info, answer))
                result = TOCSIN_STOPPED;
            break;
        }
        handler = *++at;
    }
    tocsin__set_running(loop, running);
    tocsin__set_parent(loop, info->pub.parent);
    if (tocsin__likely(is_finished(loop, loop_signal)))
        loop_signal->state = 0;
    else
        end_slow(loop, loop_signal, result);
    return result;
}

/* Takes the stack pointer in the same frame in which fast deliveries take it. So frames.c can
 * compare the two stack pointers. */
static always_inline int emit_slow(struct tocsin__loop *loop, int signo, uint64_t source,
                                   const struct tocsin_payload *payload)
{
    return tocsin__emit_slow(loop, signo, source, payload, tocsin__frame_here());
}

/* Handles an invalid signo, or a source that carries an error. Its arguments have the same order as
   those of the fast path, so that the fast path saves no register. */
static tocsin__noinline int emit_bad(int signo, const struct tocsin_payload *payload)
{
    return tocsin__emit_slow(tocsin__self, signo, 0, payload, NULL);
}

static tocsin__noinline int emit_bad_from(struct tocsin_source source, int signo,
                                          const struct tocsin_payload *payload)
{
    return tocsin__emit_slow(tocsin__self, signo, source.id, payload, NULL);
}

static tocsin__noinline int emit_heard(int signo, const struct tocsin_payload *payload,
                                       size_t index, uint32_t word)
{
    struct tocsin__loop *loop = tocsin__self;
    struct tocsin__loop_signal *loop_signal;

    if (tocsin__unlikely(word != loop->word))
        return emit_slow(loop, signo, 0, payload);
    loop_signal = loop->loop_signals[index];
    if (tocsin__unlikely(!is_ready(loop_signal, payload)))
        return emit_slow(loop, signo, 0, payload);
    return deliver_list(loop, loop_signal, loop_signal->list, 0, payload);
}

int tocsin_emit(int signo, const struct tocsin_payload *payload)
{
    size_t index = (uint32_t)signo; /* an unsigned index needs no conversion */
    uint32_t word;

    if (tocsin__unlikely(index - 1 >= atomic_load_explicit(&tocsin__signals, memory_order_relaxed)))
        return emit_bad(signo, payload);
    word = atomic_load_explicit(&tocsin__interest[index], memory_order_relaxed);
    if (tocsin__likely(word == TOCSIN__NOBODY))
        return TOCSIN_NOBODY;
    return emit_heard(signo, payload, index, word);
}

/* Calls the handlers for an emission of a source. Merges the list of the source with the list of
 * the signal, in the order of the keys. */

static always_inline int walk_merged(struct tocsin__loop *loop, struct tocsin__handler **a,
                                     struct tocsin__handler **b, struct tocsin__info *info,
                                     int result, bool observers)
{
    while (*a || *b) {
        struct tocsin__handler *handler = !*b || (*a && (*a)->key < (*b)->key) ? *a++ : *b++;
        int answer;

        if (tocsin__unlikely(observers || result == TOCSIN_STOPPED) &&
            !(handler->flags & TOCSIN__OBSERVER))
            continue;
        answer = tocsin__call(loop, handler, info);
        if (tocsin__unlikely(answer) && tocsin__handler_result(loop, handler, &info->pub, answer))
            result = TOCSIN_STOPPED;
    }
    return result;
}

/* Delivers to the handlers of the signal and of the source. `straight` is true if the state of the
   signal is 0. `observers` is true if only observers are called. */
static always_inline int deliver(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                                 struct tocsin__list *own, struct tocsin__info *info, bool straight,
                                 bool observers)
{
    struct tocsin__handler *running = loop->running;
    uint64_t parent = loop->parent;
    bool outer = straight || !(loop_signal->state & TOCSIN__RUNNING);
    bool nodefer = !straight && loop_signal->delivery.nodefer,
         unblocked = !straight && loop_signal->delivery.unblocked;
    int result = observers ? TOCSIN_NOBODY : loop_signal->list->outcome | own->outcome;

    loop_signal->state |= TOCSIN__RUNNING;
    if (outer)
        tocsin__frame_set(loop_signal->delivery.frame);
    if (!straight) {
        loop_signal->delivery.nested += !outer;
        loop_signal->delivery.nodefer = loop_signal->delivery.unblocked = false;
        /* counted as a delivery, so that a nested delivery uses the newest lists */
        loop_signal->walks++;
    }
    tocsin__set_parent(loop, info->pub.sequence);
    result = walk_merged(loop, loop_signal->list->items, own->items, info, result, observers);
    tocsin__set_running(loop, running);
    tocsin__set_parent(loop, parent);
    if (!straight) {
        loop_signal->delivery.nodefer = nodefer;
        loop_signal->delivery.unblocked = unblocked;
        loop_signal->delivery.nested -= !outer;
        if (!tocsin__loop_signal_has_handlers(loop_signal))
            /* The delivery has ended, so a handler that was disconnected in it no longer holds the
             * signal back. */
            tocsin__loop_signal_update_interest(loop_signal);
    }
    if (straight && tocsin__likely(is_finished(loop, loop_signal)))
        loop_signal->state = 0;
    else if (outer)
        end_slow(loop, loop_signal, result);
    return result;
}

static void lists_sort(struct tocsin__loop_signal *loop_signal, struct tocsin__list *own)
{
    if (!(loop_signal->state & TOCSIN__UNSORTED))
        return;
    tocsin__list_sort(loop_signal, loop_signal->list);
    tocsin__list_sort(loop_signal, own);
}

int tocsin__deliver(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                    struct tocsin__list *own, struct tocsin__info *info)
{
    lists_sort(loop_signal, own);
    return deliver(loop, loop_signal, own, info, false, loop_signal->state & TOCSIN__IGNORED);
}

int tocsin__deliver_straight(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                             struct tocsin__list *own, struct tocsin__info *info)
{
    return deliver(loop, loop_signal, own, info, true, false);
}

static bool has_observer(const struct tocsin__list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i]->id && list->items[i]->flags & TOCSIN__OBSERVER)
            return true;
    return false;
}

void tocsin__observe(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                     struct tocsin__list *own, struct tocsin__info *info)
{
    if (!has_observer(loop_signal->list) && !has_observer(own))
        return;
    lists_sort(loop_signal, own);
    deliver(loop, loop_signal, own, info, false, true);
}

static tocsin__noinline int emit_merged(struct tocsin__loop *loop,
                                        struct tocsin__loop_signal *loop_signal,
                                        struct tocsin__list *own, uint64_t source,
                                        const struct tocsin_payload *payload)
{
    return deliver(loop, loop_signal, own, info_renew(loop, loop_signal, source, payload), true,
                   false);
}

static tocsin__noinline int emit_heard_from(uint64_t id, int signo,
                                            const struct tocsin_payload *payload, size_t index,
                                            uint32_t word)
{
    struct tocsin__loop *loop = tocsin__self;
    struct tocsin__source *source;
    struct tocsin__loop_signal *loop_signal;
    struct tocsin__list *list, *own;

    if (tocsin__unlikely(word != loop->word))
        return emit_slow(loop, signo, id, payload);
    loop_signal = loop->loop_signals[index];
    source = tocsin__id_object(&loop->ids.sources, id);
    if (tocsin__unlikely(!source || !is_ready(loop_signal, payload)))
        return emit_slow(loop, signo, id, payload);
    list = loop_signal->list;
    own = tocsin__source_list(source, loop_signal);
    if (own && list->count)
        return emit_merged(loop, loop_signal, own, id, payload);
    return deliver_list(loop, loop_signal, own ? own : list, id, payload);
}

int tocsin_emit_from(struct tocsin_source source, int signo, const struct tocsin_payload *payload)
{
    size_t index = (uint32_t)signo; /* an unsigned index needs no conversion */
    uint32_t word;

    if (tocsin__unlikely(index - 1 >= atomic_load_explicit(&tocsin__signals, memory_order_relaxed)))
        return emit_bad_from(source, signo, payload);
    word = atomic_load_explicit(&tocsin__interest[index], memory_order_relaxed);
    if (tocsin__likely(word == TOCSIN__NOBODY))
        return source.id < TOCSIN__ID_ERRORS ? TOCSIN_NOBODY
                                             : emit_bad_from(source, signo, payload);
    return emit_heard_from(source.id, signo, payload, index,
                           word); /* if the id of the source is 0, emit_slow is called */
}
