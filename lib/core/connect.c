/* Connecting: a wish checked, a handler made, its names and patterns joined. */
#include "core/catalogue.h"
#include "core/emit.h"
#include "core/handler.h"
#include "core/mask.h"
#include "core/os.h"
#include "core/owner.h"

static int action_check(const struct tocsin_action *action)
{
    const unsigned known = TOCSIN_ONCE | TOCSIN_NODEFER | TOCSIN_EARLY | TOCSIN_REPLACE;

    if (!action || !action->fn || action->flags & ~known || action->priority < -32768 || action->priority > 32767)
        return -EINVAL;
    return action->spare[0] || action->spare[1] || action->spare[2] || action->spare[3] ? -EINVAL : 0;
}

static struct tocsin__handler *handler_new(struct tocsin__loop *loop, const struct tocsin__wish *wish, struct tocsin__owner *owner)
{
    const struct tocsin_action *action = &wish->action;
    uint64_t rank = wish->flags & TOCSIN__FIRST ? 0 : (uint64_t)(1 + 32767 - action->priority);
    struct tocsin__handler *handler = tocsin__alloc(sizeof *handler);

    if (!handler)
        return NULL;
    handler->user_fn = action->fn;
    handler->user_arg = action->arg;
    handler->source = action->source.id;
    handler->flags = action->flags | wish->flags;
    handler->gate = wish->gate;
    handler->where = wish->where ? wish->where : "";
    handler->call = wish->call ? wish->call : "";
    handler->priority = action->priority;
    handler->match.kind = wish->gate ? &tocsin__queue_kind : &tocsin__handler_kind;
    handler->owner = owner;
    handler->key = rank << 47 | loop->age++;
    handler->id = tocsin__id_new(&loop->handlers, handler);
    if (!handler->id) {
        tocsin__release(handler);
        return NULL;
    }
    handler->was = handler->id;
    return handler;
}

/* A pattern may stand in no list of its source yet: the source has to know of it all the same. */
static void source_link(struct tocsin__source *source, struct tocsin__handler *handler)
{
    handler->next = source->patterned;
    if (handler->next)
        handler->next->link = &handler->next;
    handler->link = &source->patterned;
    source->patterned = handler;
}

static int connect_on(struct tocsin__loop *loop, const struct tocsin__wish *wish, const char *pattern, struct tocsin__handler **ret_handler)
{
    struct tocsin__owner *owner = tocsin__owner_whose(wish->gate ? NULL : (const void *)wish->action.fn, wish->where);
    struct tocsin__source *source = NULL;
    struct tocsin__handler *handler;
    int err = wish->action.source.id ? tocsin__source_find(wish->action.source.id, &source) : 0;

    if (err == 0 && !wish->gate)
        err = tocsin__owner_admit(owner, TOCSIN_HOLDS_HANDLERS);
    if (err < 0)
        return err;
    handler = handler_new(loop, wish, owner);
    if (!handler) {
        if (!wish->gate)
            tocsin__owner_give(owner, TOCSIN_HOLDS_HANDLERS, 1);
        return -ENOMEM;
    }
    err = wish->action.mask ? tocsin__mask_new(loop, wish->action.mask, &handler->mask) : 0;
    handler->fn = tocsin__silent;
    if (err == 0)
        err = tocsin__match_join(loop, &handler->match, pattern, wish->action.flags & TOCSIN_EARLY);
    if (err == 0)
        err = tocsin__os_take(handler);
    if (err < 0) {
        tocsin__handler_disconnect(loop, handler);     /* it has no drop yet */
        return err;
    }
    if (source && handler->match.pattern)
        source_link(source, handler);
    handler->drop = wish->action.drop;
    handler->flags |= TOCSIN__CONNECTED;
    if (!handler->gate)
        atomic_store_explicit(&tocsin__id_entry(&loop->handlers, handler->id)->claim, handler->id, memory_order_release);
    *ret_handler = handler;
    return 0;
}

/* It does not hear of its own coming. */
static void announce(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    uint64_t id = handler->id;

    loop->depth++;                                     /* it is there until this has been told, whatever becomes of it */
    tocsin__handler_announce(handler, id, &tocsin__connected_spec);
    if (handler->id == id) {
        handler->calls = 0;
        tocsin__handler_aim(handler);
    }
    loop->depth--;
    tocsin__tidy_at_rest(loop);
}

int tocsin__connect(const struct tocsin__wish *wish, const char *pattern, struct tocsin_handler *ret_handler)
{
    struct tocsin__handler *handler = NULL;
    struct tocsin__loop *loop;
    uint64_t id;
    int err = pattern ? action_check(&wish->action) : -EINVAL;

    if (err == 0)
        err = tocsin__loop_make(&loop);
    if (err == 0)
        err = loop->freeing ? -ESHUTDOWN : connect_on(loop, wish, pattern, &handler);
    id = err < 0 ? (uint64_t)(int64_t)err : handler->id;
    if (ret_handler)
        ret_handler->id = id;
    if (err < 0)
        return err;
    if (loop->stir)
        loop->stir(loop);                              /* what paused may be wanted now */
    announce(loop, handler);
    return 0;
}

static int connect_at(const char *where, const char *call, const char *pattern, const struct tocsin_action *action, unsigned flags,
                      struct tocsin_handler *ret_handler)
{
    struct tocsin__wish wish = { .where = where, .call = call, .flags = flags };

    if (action)
        wish.action = *action;
    return tocsin__connect(&wish, pattern, ret_handler);
}

int tocsin_connect_at(const char *where, const char *call, const char *pattern, const struct tocsin_action *action,
                      struct tocsin_handler *ret_handler)
{
    return connect_at(where, call, pattern, action, 0, ret_handler);
}

int tocsin_observe_at(const char *where, const char *call, const char *pattern, const struct tocsin_action *action,
                      struct tocsin_handler *ret_handler)
{
    return connect_at(where, call, pattern, action, TOCSIN__OBSERVER, ret_handler);
}

int tocsin_on_at(const char *where, const char *call, const char *pattern, tocsin_fn fn, void *arg)
{
    return connect_at(where, call, pattern, &(struct tocsin_action){ .fn = fn, .arg = arg }, 0, NULL);
}

int (tocsin_connect)(const char *pattern, const struct tocsin_action *action, struct tocsin_handler *ret_handler)
{
    return connect_at("", "", pattern, action, 0, ret_handler);
}

int (tocsin_observe)(const char *pattern, const struct tocsin_action *action, struct tocsin_handler *ret_handler)
{
    return connect_at("", "", pattern, action, TOCSIN__OBSERVER, ret_handler);
}

int (tocsin_on)(const char *pattern, tocsin_fn fn, void *arg)
{
    return tocsin_on_at("", "", pattern, fn, arg);
}
