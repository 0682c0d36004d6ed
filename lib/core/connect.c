/* Connecting: a wish checked, a handler made, its names and patterns joined. */
#include <string.h>

#include "core/handler.h"
#include "core/owner.h"
#include "core/pattern.h"

static int action_check(const struct tocsin_action *action)
{
    const unsigned known = TOCSIN_ONCE | TOCSIN_NODEFER | TOCSIN_EARLY;

    if (!action || !action->fn || action->flags & ~known || action->priority < -32768 || action->priority > 32767)
        return -EINVAL;
    return action->spare[0] || action->spare[1] || action->spare[2] || action->spare[3] ? -EINVAL : 0;
}

/* Whether the pattern is well formed and its plain names are known; *ret_starred: it stands for names yet to come. */
static int pattern_check(const char *pattern, bool early, bool *ret_starred)
{
    const char *part, *cursor = pattern;
    int size, parts = 0, signo;

    *ret_starred = false;
    while ((size = tocsin__pattern_part(&cursor, &part)) > 0) {
        parts++;
        if (!tocsin__pattern_plain(part, (size_t)size)) {
            *ret_starred = true;
            continue;
        }
        signo = tocsin__signal_named(part, (size_t)size, early);
        if (signo < 0)
            return signo;
        if (!early && !tocsin__signal(signo)->declared)
            return -ENOENT;
    }
    return size < 0 || !parts ? -EINVAL : 0;
}

static int join_names(struct tocsin__loop *loop, struct tocsin__handler *handler, const char *pattern)
{
    const char *part;
    int size, err = 0;

    while (err == 0 && (size = tocsin__pattern_part(&pattern, &part)) > 0) {
        struct tocsin__signal *signal = tocsin__signal(tocsin__signal_named(part, (size_t)size, false));
        bool twice = false;

        for (uint32_t i = 0; i < handler->slots_count; i++)
            twice |= handler->slots[i]->signal == signal;
        if (!twice)
            err = tocsin__handler_join(loop, handler, signal);
    }
    return err;
}

static int join_matches(struct tocsin__loop *loop, struct tocsin__handler *handler, uint32_t from, uint32_t to)
{
    int err = 0;

    for (uint32_t signo = from; signo <= to && err == 0; signo++) {
        struct tocsin__signal *signal = tocsin__signal((int)signo);

        if (tocsin__pattern_list_match(handler->pattern->text, signal->name))
            err = tocsin__handler_join(loop, handler, signal);
    }
    return err;
}

static int join_pattern(struct tocsin__loop *loop, struct tocsin__handler *handler, const char *pattern)
{
    size_t size = strlen(pattern) + 1;

    handler->pattern = tocsin__alloc(sizeof *handler->pattern + size);
    if (!handler->pattern || tocsin__patterns_resolve(loop) < 0)
        return -ENOMEM;
    memcpy(handler->pattern->text, pattern, size);
    tocsin__pattern_add(handler->pattern);             /* what is named from here on knows of it */
    handler->next = loop->patterns;
    if (handler->next)
        handler->next->link = &handler->next;
    handler->link = &loop->patterns;
    loop->patterns = handler;
    if (!handler->next)
        loop->seen = handler->pattern->from;
    return join_matches(loop, handler, 1, handler->pattern->from);
}

static bool joined_last(const struct tocsin__handler *handler, uint32_t signo)
{
    return handler->slots_count && (uint32_t)handler->slots[handler->slots_count - 1]->signal->signo == signo;
}

/* The patterns that are older than the name: how many match it; -ENOMEM. Those that have joined are passed over. */
static int join_older(struct tocsin__loop *loop, uint32_t signo)
{
    int count = 0;

    for (struct tocsin__handler *handler = loop->patterns; handler; handler = handler->next) {
        if (signo <= handler->pattern->from)
            continue;
        if (!joined_last(handler, signo) && join_matches(loop, handler, signo, signo) < 0)
            return -ENOMEM;
        count += joined_last(handler, signo);
    }
    return count;
}

int tocsin__patterns_resolve(struct tocsin__loop *loop)
{
    uint32_t last = atomic_load_explicit(&tocsin__signals, memory_order_acquire);

    if (!loop->patterns)
        return 0;
    while (loop->seen < last) {
        int count = join_older(loop, loop->seen + 1);

        if (count < 0)
            return count;
        loop->seen++;
        if (count)
            tocsin__interest_resolved(tocsin__signal((int)loop->seen), (uint32_t)count);
    }
    return 0;
}

static struct tocsin__handler *handler_new(struct tocsin__loop *loop, const struct tocsin__wish *wish)
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
    handler->owner = tocsin__owner_of(wish->where);
    handler->key = rank << 47 | loop->age++;
    tocsin__handler_aim(handler);
    handler->id = tocsin__id_new(&loop->handlers, handler);
    if (!handler->id) {
        tocsin__release(handler);
        return NULL;
    }
    return handler;
}

static int connect_on(struct tocsin__loop *loop, const struct tocsin__wish *wish, const char *pattern, struct tocsin__handler **ret_handler)
{
    struct tocsin__source *source = NULL;
    struct tocsin__handler *handler;
    bool starred;
    int err = pattern_check(pattern, wish->action.flags & TOCSIN_EARLY, &starred);

    if (err == 0 && wish->action.source.id)
        err = tocsin__source_find(wish->action.source.id, &source);
    if (err < 0)
        return err;
    handler = handler_new(loop, wish);
    if (!handler)
        return -ENOMEM;
    if (source)
        source->patterned |= starred;
    err = starred ? join_pattern(loop, handler, pattern) : join_names(loop, handler, pattern);
    if (err < 0) {
        tocsin__handler_disconnect(loop, handler);     /* it has no drop yet */
        return err;
    }
    handler->drop = wish->action.drop;
    *ret_handler = handler;
    return 0;
}

int tocsin__connect(const struct tocsin__wish *wish, const char *pattern, struct tocsin_handler *ret_handler)
{
    struct tocsin__handler *handler = NULL;
    struct tocsin__loop *loop;
    int err = pattern ? action_check(&wish->action) : -EINVAL;

    if (err == 0)
        err = tocsin__loop_make(&loop);
    if (err == 0)
        err = loop->freeing ? -ESHUTDOWN : connect_on(loop, wish, pattern, &handler);
    if (err == 0 && loop->stir)
        loop->stir(loop);                              /* what paused may be wanted now */
    if (ret_handler)
        ret_handler->id = err < 0 ? (uint64_t)(int64_t)err : handler->id;
    return err;
}

static int connect_at(const char *where, const char *pattern, const struct tocsin_action *action, unsigned flags, struct tocsin_handler *ret_handler)
{
    struct tocsin__wish wish = { .where = where, .flags = flags };

    if (action)
        wish.action = *action;
    return tocsin__connect(&wish, pattern, ret_handler);
}

int tocsin_connect_at(const char *where, const char *pattern, const struct tocsin_action *action, struct tocsin_handler *ret_handler)
{
    return connect_at(where, pattern, action, 0, ret_handler);
}

int tocsin_observe_at(const char *where, const char *pattern, const struct tocsin_action *action, struct tocsin_handler *ret_handler)
{
    return connect_at(where, pattern, action, TOCSIN__OBSERVER, ret_handler);
}

int tocsin_on_at(const char *where, const char *pattern, tocsin_fn fn, void *arg)
{
    return connect_at(where, pattern, &(struct tocsin_action){ .fn = fn, .arg = arg }, 0, NULL);
}

int (tocsin_connect)(const char *pattern, const struct tocsin_action *action, struct tocsin_handler *ret_handler)
{
    return connect_at("", pattern, action, 0, ret_handler);
}

int (tocsin_observe)(const char *pattern, const struct tocsin_action *action, struct tocsin_handler *ret_handler)
{
    return connect_at("", pattern, action, TOCSIN__OBSERVER, ret_handler);
}

int (tocsin_on)(const char *pattern, tocsin_fn fn, void *arg)
{
    return tocsin_on_at("", pattern, fn, arg);
}
