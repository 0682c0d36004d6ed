/* The slow path of emission. It handles several loops, patterns to resolve, default actions, and
   signals that are blocked, nested or pending. */
#include "registry/name_error.h"
#include "delivery/frames.h"
#include "delivery/default_action.h"
#include "delivery/emit.h"
#include "delivery/hooks.h"
#include "registry/layout.h"
#include "delivery/pending/mask.h"
#include "base/refusal.h"
#include "delivery/owner_here.h"
#include "registry/payload.h"

const struct tocsin_layout tocsin__layout_none;

bool tocsin__handler_result(struct tocsin__loop *loop, struct tocsin__handler *handler,
                            const struct tocsin_info *info, int answer)
{
    if (answer < 0)
        tocsin__handler_failed(loop, handler, info, answer);
    return answer == TOCSIN_STOP && !(handler->flags & TOCSIN__OBSERVER);
}

/* Sets whether the running handler has TOCSIN_NODEFER. Such a handler does not hold its signal
   back. If the signal has no other handlers, the loop is not interested in the signal until the
   delivery ends. */
static void nodefer_set(struct tocsin__loop_signal *loop_signal, bool nodefer)
{
    loop_signal->delivery.nodefer = nodefer;
    if (!tocsin__loop_signal_has_handlers(loop_signal))
        tocsin__loop_signal_update_interest(loop_signal);
}

/* The function that a delivery calls for a handler that has flags or a mask. Other handlers are
   called directly. */
static int handler_trampoline(const struct tocsin_info *info, void *arg)
{
    struct tocsin__handler *handler = arg;
    struct tocsin__loop *loop = tocsin__self;
    struct tocsin__loop_signal *loop_signal = tocsin__loop_signal(loop, info->signo);
    tocsin_fn fn = handler->user_fn;
    bool nodefer = loop_signal->delivery.nodefer;
    int answer;

    if (handler->flags & TOCSIN_ONCE)
        tocsin__handler_disconnect(loop, handler);
    if (handler->mask)
        tocsin__mask_enter(handler->mask);
    nodefer_set(loop_signal, handler->flags & TOCSIN_NODEFER);
    answer = fn(info, handler->user_arg);
    nodefer_set(loop_signal, nodefer);
    if (handler->mask)
        tocsin__mask_leave(handler->mask, loop_signal);
    return answer;
}

/* The function that a delivery calls for a handler with TOCSIN_ON_FIBER. */
static int fiber_trampoline(const struct tocsin_info *info, void *arg)
{
    struct tocsin__handler *handler = arg;

    if (handler->flags & TOCSIN_ONCE)
        tocsin__handler_disconnect(tocsin__self, handler);
    return tocsin__hooks.fiber_call(info, handler->user_fn, handler->user_arg, handler);
}

void tocsin__handler_select_trampoline(struct tocsin__handler *handler)
{
    bool on_fiber = handler->flags & TOCSIN_ON_FIBER,
         plain = !(handler->flags & (TOCSIN_ONCE | TOCSIN_NODEFER | TOCSIN_ON_FIBER)) &&
                 !handler->mask;

    handler->fn = plain ? handler->user_fn : on_fiber ? fiber_trampoline : handler_trampoline;
    handler->arg = plain ? handler->user_arg : handler;
}

/* Functions that deliver, and then take the default action */

struct tocsin__list *tocsin__list_from(struct tocsin__loop *loop,
                                       const struct tocsin__loop_signal *loop_signal, uint64_t id)
{
    struct tocsin__source *source = loop_signal->sourced && id
                                        ? tocsin__id_object(&loop->ids.sources, id)
                                        : NULL;
    struct tocsin__list *list = source ? tocsin__source_list(source, loop_signal) : NULL;

    return list ? list : &tocsin__list_empty;
}

int tocsin__deliver_or_default(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                               struct tocsin__info *info)
{
    bool ignored = loop_signal->state & TOCSIN__IGNORED;
    int result;

    /* keeps the loop in memory for the default action, even if a handler frees it */
    tocsin__loop_enter(loop);
    result = tocsin__deliver(loop, loop_signal,
                             tocsin__list_from(loop, loop_signal, info->pub.source.id), info);
    tocsin__default_action_if_unhandled(loop, loop_signal->signal, info,
                                        ignored ? TOCSIN_DELIVERED : result);
    tocsin__loop_leave(loop);
    return result;
}

/* Emitting */

bool tocsin__admission_is_open(const struct tocsin__loop_signal *loop_signal, size_t size)
{
    for (uint32_t i = 0; i < loop_signal->list->count; i++) {
        const struct tocsin__handler *handler = loop_signal->list->items[i];

        if (handler->admission && handler->id &&
            !handler->admission->open(handler->admission, size))
            return false;
    }
    return true;
}

void tocsin__admission_count_refused(const struct tocsin__loop_signal *loop_signal, size_t size)
{
    for (uint32_t i = 0; i < loop_signal->list->count; i++) {
        const struct tocsin__handler *handler = loop_signal->list->items[i];

        if (handler->admission && handler->id &&
            !handler->admission->open(handler->admission, size)) {
            handler->admission->refused(handler->admission, loop_signal->name);
            /* stops here, because `refused` emits a signal, whose handlers may have changed the
             * list */
            return;
        }
    }
}

/* Gives back the sequence number of an emission that failed. */
static void sequence_return(struct tocsin__loop *loop, const struct tocsin_info *info)
{
    if (loop->sequence == info->sequence + 1)
        /* later numbers are in use if the `ref` of an object has emitted a signal meanwhile */
        loop->sequence--;
}

static int emit_pending(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                        const struct tocsin_info *info)
{
    int result = tocsin__pending_queue(loop_signal, info);

    if (result < 0)
        sequence_return(loop, info);
    if (result == -EAGAIN)
        tocsin__pending_count_refused(loop_signal, 0);
    return result;
}

static bool is_ignored(const struct tocsin__loop_signal *loop_signal)
{
    return loop_signal->state & TOCSIN__IGNORED && !tocsin__loop_signal_is_held(loop_signal);
}

/* Returns true if a full queue refuses the emission. An emission that becomes pending, or merges
   with a pending one, is not refused here. */
static bool is_refused(struct tocsin__loop_signal *loop_signal, uint64_t source, size_t size)
{
    if (tocsin__loop_signal_is_held(loop_signal) || is_ignored(loop_signal) ||
        tocsin__pending_would_merge(loop_signal, source) ||
        tocsin__admission_is_open(loop_signal, size))
        return false;
    tocsin__admission_count_refused(loop_signal, size);
    return true;
}

static int emit_here(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                     uint64_t source, const struct tocsin_payload *payload)
{
    struct tocsin__signal *signal = loop_signal->signal;
    struct tocsin__info info;
    int result;

    if (loop_signal->state & TOCSIN__RUNNING && !tocsin__loop_signal_is_held(loop_signal) &&
        loop_signal->delivery.nested + 1 >= TOCSIN__NEST_MAX)
        return tocsin__because(-ELOOP, "deliveries of '%s' are nested %d deep", loop_signal->name,
                               TOCSIN__NEST_MAX);
    if (loop_signal->state & TOCSIN__GATED &&
        is_refused(loop_signal, source, tocsin__payload_size(payload)))
        return -EAGAIN;
    tocsin__info_fill(&info, loop, signal->signo, loop_signal->name, source, payload);
    if (tocsin__has_other_listeners(signal, loop_signal)) {
        result = tocsin__hooks.emit_both(loop, loop_signal, &info);
        if (result < 0)
            sequence_return(loop, &info.pub);
    } else if (tocsin__loop_signal_is_held(loop_signal) || loop_signal->state & TOCSIN__PENDING) {
        result = emit_pending(loop, loop_signal, &info.pub);
    } else {
        result = tocsin__deliver_or_default(loop, loop_signal, &info);
    }
    tocsin__info_end(&info);
    return result;
}

/* Delivers older pending emissions of the signal first. If a running flush already delivers them,
 * this emission is queued behind them. */
static int emit_in_order(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                         uint64_t source, const struct tocsin_payload *payload)
{
    int result;

    tocsin__loop_enter(loop);
    tocsin__flush_slot(loop, loop_signal);
    result = emit_here(loop, loop_signal, source, payload);
    tocsin__loop_leave(loop);
    return result;
}

/* Emits a signal that has no handler on any loop: takes the default action. */
static int emit_unhandled(struct tocsin__loop *loop, struct tocsin__signal *signal, uint64_t source,
                          const struct tocsin_payload *payload)
{
    const struct tocsin__loop_signal *loop_signal = tocsin__loop_signal(loop, signal->signo);
    struct tocsin__info info;

    if ((loop_signal && is_ignored(loop_signal)) || !tocsin__has_default(signal))
        return TOCSIN_NOBODY;
    tocsin__info_fill(&info, loop, signal->signo, signal->name, source, payload);
    tocsin__default_action(loop, signal, &info.pub);
    tocsin__info_end(&info);
    return TOCSIN_NOBODY;
}

/* Emits a signal that has no handler on this loop, but has handlers on other loops. */
static int emit_away(struct tocsin__loop *loop, struct tocsin__signal *signal, uint64_t source,
                     const struct tocsin_payload *payload)
{
    struct tocsin__info info;
    int count;

    tocsin__info_fill(&info, loop, signal->signo, signal->name, source, payload);
    count = tocsin__hooks.emit_away(loop, signal, &info, false);
    if (count <= 0)
        sequence_return(loop, &info.pub);
    if (count < 0)
        return count;
    return count ? TOCSIN_PENDED : emit_unhandled(loop, signal, source, payload);
}

static int emit_slow(struct tocsin__loop *loop, int signo, uint64_t source,
                     const struct tocsin_payload *payload, const void *here)
{
    struct tocsin__signal *signal = tocsin__signal(signo);
    struct tocsin__source *found;
    struct tocsin__loop_signal *loop_signal;
    bool heard, away;
    int err;

    if (tocsin_id_error(source))
        return tocsin_id_error(source);
    if (!signal || !signal->declared || signal->spec.kind == TOCSIN_DIRECT)
        return tocsin__no_signo(signo, false);
    if ((payload && !payload->layout) ||
        !tocsin__layout_same(signal->spec.layout, payload ? payload->layout : NULL))
        return tocsin__other_layout(signal, payload);
    if (tocsin__inherited(loop))
        return -EOWNERDEAD;
    if (loop == &tocsin__no_loop)
        return tocsin__others_listen(loop->life.number, signal) || tocsin__has_default(signal)
                   ? tocsin__because(-ENODEV,
                                     "this thread has no loop, and '%s' is listened to on another "
                                     "one: use tocsin_post",
                                     signal->name)
                   : TOCSIN_NOBODY;
    loop_signal = tocsin__loop_signal(loop, signo);
    if (loop_signal && loop_signal->state & TOCSIN__RUNNING)
        tocsin__loop_signal_was_left(loop, loop_signal, here);
    if (loop->depth >= TOCSIN__DEPTH_MAX)
        return -ELOOP;
    if (signal->unresolved && tocsin__patterns_resolve(loop) < 0)
        return -ENOMEM;
    loop_signal = tocsin__loop_signal(loop, signo);
    heard = loop_signal && tocsin__loop_signal_has_effect(loop_signal);
    away = !heard && tocsin__has_other_listeners(signal, loop_signal);
    if (!heard && !away && (!loop_signal || !tocsin__loop_signal_has_pending_default(loop_signal)))
        return emit_unhandled(loop, signal, source, payload);
    err = source && (heard || away) ? tocsin__source_find(source, &found) : 0;
    /* A source of another loop is not an error. A handler can be limited to a source only on the
       loop of the source, so this loop has no such handlers. */
    if (err < 0 && err != -EXDEV)
        return err;
    if (away)
        return emit_away(loop, signal, source, payload);
    loop_signal->layout = payload ? payload->layout : &tocsin__layout_none;
    return (loop_signal->state & TOCSIN__PENDING ? emit_in_order : emit_here)(loop, loop_signal,
                                                                              source, payload);
}

int tocsin__emit_slow(struct tocsin__loop *loop, int signo, uint64_t source,
                      const struct tocsin_payload *payload, const void *here)
{
    int result = emit_slow(loop, signo, source, payload, here);

    return tocsin__traced_by(source ? "tocsin_emit_from" : "tocsin_emit", NULL, NULL, false,
                             result);
}

/* Emits an operation's signal after the older emissions of this signal. If `place` is not NULL,
 * this cannot fail. If `place` is NULL, this may fail because there is no memory for a pending
 * copy. */
static int announce_now(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                        struct tocsin__info *info, struct tocsin__pending *place)
{
    int result;

    if (!tocsin__loop_signal_is_held(loop_signal) && !(loop_signal->state & TOCSIN__PENDING))
        return tocsin__deliver_or_default(loop, loop_signal, info);
    if (place) {
        tocsin__pending_add_reserved(loop_signal, place, info);
        return TOCSIN_PENDED;
    }
    result = tocsin__pending_queue(loop_signal, &info->pub);
    if (result == -EAGAIN)
        tocsin__pending_count_refused(loop_signal, 0);
    return result;
}

static int announce_here(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                         struct tocsin__info *info, struct tocsin__pending *place, bool is_end)
{
    int result;

    tocsin__loop_enter(loop);
    /* Marks that an end is being announced. Queues have reserved places for this end, so older
     * emissions need not wait for these places. */
    loop_signal->queued.announced += is_end;
    if (loop_signal->state & TOCSIN__PENDING)
        tocsin__flush_slot(loop, loop_signal);
    loop_signal->queued.announced -= is_end;
    result = announce_now(loop, loop_signal, info, place);
    tocsin__loop_leave(loop);
    return result;
}

int tocsin__announce(struct tocsin__loop *loop, int signo, struct tocsin__source *source,
                     struct tocsin__info *info, struct tocsin__pending *place, unsigned how)
{
    uint32_t word = atomic_load_explicit(&tocsin__interest[signo], memory_order_relaxed);
    struct tocsin__signal *signal;
    struct tocsin__loop_signal *loop_signal;
    int away = 0;
    bool heard;

    if (word == TOCSIN__NOBODY && !(how & TOCSIN__NOTIFIED))
        return TOCSIN_NOBODY;
    info->pub.sequence = loop->sequence++;
    info->pub.turn_us = loop->turn_us;
    if (word == TOCSIN__NOBODY)
        return TOCSIN_NOBODY;
    signal = tocsin__signal(signo);
    if (signal->unresolved)
        /* without memory, patterns that have not joined the signal yet do not receive the
         * emission */
        tocsin__patterns_resolve(loop);
    loop_signal = tocsin__loop_signal(loop, signo);
    heard = loop_signal && tocsin__loop_signal_has_effect(loop_signal);
    if (word != loop->life.number &&
        (loop->remote.completions ||
         (!(how & TOCSIN__IS_END) && tocsin__has_other_listeners(signal, loop_signal)))) {
        away = loop->remote.completions ? tocsin__hooks.completions_send(loop, info, heard)
                                        : tocsin__hooks.emit_away(loop, signal, info, heard);
        if (away < 0)
            sequence_return(loop, &info->pub);
        if (away < 0)
            return away;
    }
    if (!heard && (away || !loop_signal || !tocsin__loop_signal_has_pending_default(loop_signal))) {
        if (!away && !(loop_signal && is_ignored(loop_signal)))
            tocsin__default_action(loop, signal, &info->pub);
        return TOCSIN_NOBODY;
    }
    if (word == loop->life.number && !(loop_signal->state & ~(uint32_t)TOCSIN__GATED))
        return tocsin__deliver(loop, loop_signal,
                               loop_signal->sourced
                                   ? tocsin__list_from(loop, loop_signal, source->id)
                                   : &tocsin__list_empty,
                               info);
    return announce_here(loop, loop_signal, info, place, how & TOCSIN__IS_END);
}
