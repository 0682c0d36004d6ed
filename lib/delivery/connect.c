/* Connecting a handler: checks the arguments, makes the handler, and joins the signals that match
   its pattern. */
#include "registry/catalogue.h"
#include "registry/name_error.h"
#include "delivery/emit.h"
#include "delivery/handler.h"
#include "delivery/hooks.h"
#include "delivery/pending/mask.h"
#include "registry/owner.h"
#include "base/refusal.h"
#include "delivery/owner_here.h"

static int action_check(const struct tocsin_action *action)
{
    const unsigned known = TOCSIN_ONCE | TOCSIN_NODEFER | TOCSIN_EARLY | TOCSIN_REPLACE |
                           TOCSIN_ON_FIBER;

    if (!action->fn)
        return tocsin__because(-EINVAL, "the handler's function is NULL");
    if (action->flags & ~known)
        return tocsin__because(-EINVAL, "the action's flags are %#x: %#x is no flag", action->flags,
                               action->flags & ~known);
    if (action->flags & TOCSIN_ON_FIBER && (action->mask || action->flags & TOCSIN_NODEFER))
        return tocsin__because(-EINVAL, "TOCSIN_ON_FIBER needs neither a mask nor TOCSIN_NODEFER: "
                                        "no signal is blocked while the fiber runs");
    if (action->priority < -32768 || action->priority > 32767)
        return tocsin__because(-EINVAL, "the action's priority is %d: it is from -32768 to 32767",
                               action->priority);
    if (action->spare[0] || action->spare[1] || action->spare[2])
        return tocsin__because(-EINVAL,
                               "the action's spare words are not zero: is it initialized?");
    return 0;
}

static struct tocsin__handler *handler_new(struct tocsin__loop *loop,
                                           const struct tocsin__connect_args *args,
                                           struct tocsin__owner *owner)
{
    const struct tocsin_action *action = &args->action;
    uint64_t rank = args->flags & TOCSIN__FIRST ? 0 : (uint64_t)(1 + 32767 - action->priority);
    struct tocsin__handler *handler = tocsin__alloc(sizeof *handler);

    if (!handler)
        return NULL;
    handler->user_fn = action->fn;
    handler->user_arg = action->arg;
    handler->source = action->source.id;
    handler->flags = action->flags | args->flags;
    handler->admission = args->admission;
    handler->where = args->where ? args->where : "";
    handler->name = action->name ? action->name : "";
    handler->priority = action->priority;
    handler->subscription.kind = args->admission ? &tocsin__queue_subscription_ops
                                 : action->flags & TOCSIN_ON_FIBER
                                     ? &tocsin__fiber_subscription_ops
                                     : &tocsin__handler_subscription_ops;
    handler->owner = owner;
    handler->key = rank << 47 | loop->age++;
    loop->wide_age += !handler->source;
    handler->id = tocsin__id_new(&loop->ids.handlers, handler);
    if (!handler->id) {
        tocsin__release(handler);
        return NULL;
    }
    handler->was = handler->id;
    return handler;
}

/* Links the handler into a list of its source. A handler with a pattern may still be in none of the
   source's lists of signals. Through this list the source finds such handlers, and disconnects them
   when the source ends. */
static void source_link(struct tocsin__listeners *listeners, struct tocsin__handler *handler)
{
    handler->next = listeners->patterned;
    if (handler->next)
        handler->next->link = &handler->next;
    handler->link = &listeners->patterned;
    listeners->patterned = handler;
}

static int connect_on(struct tocsin__loop *loop, const struct tocsin__connect_args *args,
                      const char *pattern, struct tocsin__handler **ret_handler)
{
    struct tocsin__owner *owner = tocsin__owner_whose(
        args->admission ? NULL : (const void *)args->action.fn, args->where);
    struct tocsin__source *source = NULL;
    struct tocsin__handler *handler;
    int err = args->action.source.id ? tocsin__source_find(args->action.source.id, &source) : 0;

    if (err == 0 && source && !tocsin__source_listeners(source))
        err = -ENOMEM;
    if (err == 0 && !args->admission)
        err = tocsin__owner_charge_or_report(owner, TOCSIN_RESOURCE_HANDLERS);
    if (err < 0)
        return err;
    handler = handler_new(loop, args, owner);
    if (!handler) {
        if (!args->admission)
            tocsin__owner_uncharge(owner, TOCSIN_RESOURCE_HANDLERS, 1);
        return -ENOMEM;
    }
    err = args->action.mask ? tocsin__mask_new(loop, args->action.mask, &handler->mask) : 0;
    handler->fn = tocsin__handler_noop;
    if (err == 0)
        err = tocsin__subscription_join(loop, &handler->subscription, pattern,
                                        args->action.flags & TOCSIN_EARLY);
    if (err == 0)
        err = tocsin__hooks.os_take(handler);
    if (err < 0) {
        /* drop is not stored in the handler yet, so no drop function is called */
        tocsin__handler_disconnect(loop, handler);
        return err;
    }
    if (source && handler->subscription.pattern)
        source_link(source->listeners, handler);
    if (source && loop->hooks.source_heard)
        loop->hooks.source_heard(source);
    handler->drop = args->action.drop;
    handler->flags |= TOCSIN__CONNECTED;
    if (!handler->admission)
        atomic_store_explicit(&tocsin__id_entry(&loop->ids.handlers, handler->id)->claim,
                              handler->id, memory_order_release);
    *ret_handler = handler;
    return 0;
}

/* Emits tocsin.connected. The new handler itself is muted until this emission has been
 * delivered. */
static void announce(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    uint64_t id = handler->id;

    tocsin__loop_enter(
        loop); /* keeps the handler in memory, in case it is disconnected meanwhile */
    tocsin__handler_announce(handler, id, &tocsin__connected_spec);
    if (handler->id == id) {
        handler->calls = 0;
        tocsin__handler_select_trampoline(handler);
    }
    tocsin__loop_leave(loop);
}

int tocsin__connect(const struct tocsin__connect_args *args, const char *pattern,
                    struct tocsin_handler *ret_handler)
{
    struct tocsin__handler *handler = NULL;
    struct tocsin__loop *loop;
    uint64_t id;
    int err = pattern ? action_check(&args->action) : tocsin__bad_pattern(pattern);

    if (err == 0)
        err = tocsin__loop_make(&loop);
    if (err == 0)
        err = loop->life.freeing ? -ESHUTDOWN : connect_on(loop, args, pattern, &handler);
    id = err < 0 ? (uint64_t)(int64_t)err : handler->id;
    if (ret_handler)
        ret_handler->id = id;
    if (err < 0)
        return err;
    if (loop->hooks.kick_pollers)
        /* wakes a paused operation, which may have waited for a handler */
        loop->hooks.kick_pollers(loop);
    announce(loop, handler);
    return 0;
}

static int connect_at(const char *where, const char *pattern, const struct tocsin_action *action,
                      unsigned flags, struct tocsin_handler *ret_handler)
{
    struct tocsin__connect_args args = { .where = where, .flags = flags };

    if (action)
        args.action = *action;
    return tocsin__connect(&args, pattern, ret_handler);
}

int tocsin_connect_at(const char *where, const char *pattern, const struct tocsin_action *action,
                      struct tocsin_handler *ret_handler)
{
    return tocsin__traced_at(where, connect_at(where, pattern, action, 0, ret_handler));
}

int tocsin_observe_at(const char *where, const char *pattern, const struct tocsin_action *action,
                      struct tocsin_handler *ret_handler)
{
    return tocsin__traced_at(where,
                             connect_at(where, pattern, action, TOCSIN__OBSERVER, ret_handler));
}

int tocsin_on_at(const char *where, const char *name, const char *pattern, tocsin_fn fn, void *arg)
{
    struct tocsin_action action = { .fn = fn, .arg = arg, .name = name };

    return tocsin__traced_at(where, connect_at(where, pattern, &action, 0, NULL));
}
