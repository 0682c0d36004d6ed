/* Decides after each check of the watchdog whether a loop is stalled, and announces the stall. */
#include <tocsin/post.h>

#include "registry/catalogue.h"
#include "registry/owner.h"
#include "delivery/handler.h"
#include "delivery/quarantine.h"
#include "loop/watchdog/stall.h"

static struct {
    tocsin_watchdog_fn fn;
    void *arg;
} listener;

void tocsin__stall_set_listener(tocsin_watchdog_fn fn, void *arg)
{
    listener.fn = fn;
    listener.arg = arg;
}

static bool stall_is_working(const struct tocsin__sight *sight)
{
    return sight->phase & 1;
}

static bool stall_is_same_call(const struct tocsin__sight *one, const struct tocsin__sight *other)
{
    if (one->phase != other->phase || one->handler != other->handler ||
        one->emission != other->emission)
        return false;
    if (one->entered != other->entered || one->entered_by != other->entered_by)
        return false;
    return one->handler || (one->activity.code == other->activity.code &&
                            one->activity.source == other->activity.source);
}

static void span_update(struct tocsin__stall_span *span, const struct tocsin__watched *watched,
                        bool same, int64_t now_us)
{
    if (same && span->looks) {
        span->looks++;
        return;
    }
    span->looks = 1;
    span->since_us = now_us;
    span->post_us = watched->limit_us;
    span->listener_us = watched->limit_us;
}

static bool span_is_due(const struct tocsin__stall_span *span, int64_t now_us)
{
    return span->looks >= TOCSIN__STALL_LOOKS && now_us - span->since_us >= span->post_us;
}

static void span_announced(struct tocsin__stall_span *span, int64_t now_us)
{
    while (span->looks && span->post_us <= now_us - span->since_us)
        span->post_us *= 2;
}

/* Calls the listener of the watchdog when the duration reaches the limit, and again each time the
   duration has doubled. */
static void stall_call_listener(const struct tocsin__watched *watched,
                                const struct tocsin__sight *sight, struct tocsin__stall_span *span,
                                const struct tocsin_loop_blocked *what)
{
    char text[512];
    struct tocsin__text_builder words = tocsin__text_builder(text, sizeof text);

    if (!listener.fn || what->blocked_us < span->listener_us)
        return;
    while (span->listener_us <= what->blocked_us)
        span->listener_us *= 2;
    tocsin__loop_describe(watched->loop, &words);
    tocsin__text_add(&words, " has been blocked for ");
    tocsin__text_add_number(&words, (uint64_t)what->blocked_us / 1000);
    tocsin__text_add(&words, " ms: ");
    if (!tocsin__sight_write(sight, &words))
        tocsin__text_add(&words, "it is not known what runs");
    listener.fn(what, text, listener.arg);
}

/* Announces a stall. The caller holds the lock, because the payload borrows the texts of the
   handler; a post does not wait. If `single` is true, one call lasts too long. Otherwise a turn
   with many short calls lasts too long. */
static bool stall_announce(struct tocsin__watched *watched, const struct tocsin__sight *sight,
                           bool single, int64_t blocked_us)
{
    struct tocsin_loop_blocked what = tocsin_loop_blocked_make();

    tocsin__sight_fill(sight, &what);
    what.loop = watched->id;
    what.handler = single && sight->handler ? sight->handler->was : 0;
    what.blocked_us = blocked_us;
    stall_call_listener(watched, sight, single ? &watched->call : &watched->turn, &what);
    return tocsin_post(tocsin__catalogue_signo(&tocsin__loop_blocked_spec), &what.tocsin) ==
           TOCSIN_PENDED;
}

static uint64_t stall_node_end(struct tocsin__node *node)
{
    struct tocsin__watched *watched = tocsin__container(node, struct tocsin__watched, stall_node);
    bool ended = watched->ended;
    uint64_t id = atomic_exchange(&watched->stall_handler, 0);

    if (ended)
        tocsin__release(watched);
    return id;
}

static void on_stall_node(struct tocsin__node *node)
{
    struct tocsin__handler *handler = tocsin__id_object(&tocsin__self->ids.handlers,
                                                        stall_node_end(node));

    if (handler)
        tocsin__quarantine_stall(tocsin__self, handler);
}

static void stall_node_drop(struct tocsin__node *node)
{
    stall_node_end(node);
}

/* Counts one stall of a handler for each period in which this handler did not return. */
static void stall_count(struct tocsin__watched *watched, const struct tocsin__sight *sight)
{
    if (!sight->handler || !atomic_load(&tocsin__quota(sight->handler->owner)->stalls) ||
        watched->call.post_us > watched->limit_us ||
        atomic_exchange(&watched->stall_handler, sight->handler->was))
        return;
    watched->stall_node.run = on_stall_node;
    watched->stall_node.drop = stall_node_drop;
    if (!tocsin__inbox_push(&watched->loop->inbox, &watched->stall_node))
        atomic_store(&watched->stall_handler, 0);
}

void tocsin__stall_look(struct tocsin__watched *watched, int64_t now_us)
{
    struct tocsin__sight sight = tocsin__sight_read(watched->loop);
    bool single, done = false;

    span_update(&watched->turn, watched, sight.phase == watched->sight.phase, now_us);
    span_update(&watched->call, watched, stall_is_same_call(&sight, &watched->sight), now_us);
    watched->sight = sight;
    if (!stall_is_working(&sight))
        watched->turn.looks = 0;
    /* Outside a turn, an emission or the load of a plugin may block the loop, too. */
    if (!stall_is_working(&sight) && !sight.handler && !sight.activity.code && !sight.entered)
        watched->call.looks = 0;
    single = span_is_due(&watched->call, now_us);
    if (single)
        stall_count(watched, &sight);
    if (single)
        done = stall_announce(watched, &sight, true, now_us - watched->call.since_us);
    else if (span_is_due(&watched->turn, now_us) &&
             watched->call.looks == 1) /* otherwise nothing is announced yet: this call may soon
                                        * last long enough to be named */
        done = stall_announce(watched, &sight, false, now_us - watched->turn.since_us);
    if (!done)
        return;
    span_announced(&watched->turn, now_us);
    if (single)
        span_announced(&watched->call, now_us);
}
