/* Sources, and their lists of the handlers that are limited to one source. */
#include "delivery/handler.h"
#include "registry/owner.h"
#include "base/refusal.h"
#include "delivery/owner_here.h"

int tocsin__source_init(struct tocsin__loop *loop, struct tocsin__source *source, void *data)
{
    source->data = data;
    source->id = tocsin__id_new(&loop->ids.sources, source);
    return source->id ? 0 : -ENOMEM;
}

/* The first lists of a source are in an array, which the emission path searches linearly. Further
   lists are in an open-addressing hash table, whose key is the address of the loop_signal. */

enum { FEW = 8 };

/* The hash table of further lists. `capacity` is a power of two, and at least twice `count`. */
struct tocsin__listens {
    uint32_t count, capacity;
    struct tocsin__listen places[];
};

static struct tocsin__listen *listens_place(struct tocsin__listens *listens,
                                            const struct tocsin__loop_signal *loop_signal)
{
    uint64_t at = (uint64_t)(uintptr_t)loop_signal * 0x9e3779b97f4a7c15u >> 32;

    while (listens->places[at & (listens->capacity - 1)].loop_signal &&
           listens->places[at & (listens->capacity - 1)].loop_signal != loop_signal)
        at++;
    return &listens->places[at & (listens->capacity - 1)];
}

struct tocsin__list *tocsin__source_list_far(const struct tocsin__listeners *listeners,
                                             const struct tocsin__loop_signal *loop_signal)
{
    return listens_place(listeners->more, loop_signal)->list;
}

static int listens_reserve(struct tocsin__listeners *listeners)
{
    struct tocsin__listens *old = listeners->more, *fresh;
    uint32_t capacity = old ? old->capacity : 2 * FEW;

    if (old && 2 * (old->count + 1) <= capacity)
        return 0;
    fresh = tocsin__alloc(sizeof *fresh + 2 * capacity * sizeof fresh->places[0]);
    if (!fresh)
        return -ENOMEM;
    fresh->capacity = 2 * capacity;
    fresh->count = old ? old->count : 0;
    for (uint32_t i = 0; old && i < capacity; i++)
        if (old->places[i].loop_signal)
            *listens_place(fresh, old->places[i].loop_signal) = old->places[i];
    tocsin__release(old);
    listeners->more = fresh;
    return 0;
}

static struct tocsin__list **source_listen_far(struct tocsin__listeners *listeners,
                                               struct tocsin__loop_signal *loop_signal)
{
    struct tocsin__listen *place = listeners->more ? listens_place(listeners->more, loop_signal)
                                                   : NULL;

    if (place && place->loop_signal)
        return &place->list;
    if (listens_reserve(listeners) < 0)
        return NULL;
    place = listens_place(listeners->more, loop_signal);
    *place = (struct tocsin__listen){ loop_signal, &tocsin__list_empty };
    listeners->more->count++;
    return &place->list;
}

struct tocsin__listeners *tocsin__source_listeners(struct tocsin__source *source)
{
    if (!source->listeners)
        source->listeners = tocsin__alloc(sizeof *source->listeners);
    return source->listeners;
}

struct tocsin__list **tocsin__source_listen(struct tocsin__source *source,
                                            struct tocsin__loop_signal *loop_signal)
{
    struct tocsin__listeners *listeners = tocsin__source_listeners(source);
    struct tocsin__listen *few;

    if (!listeners)
        return NULL;
    for (uint32_t i = 0; i < listeners->count; i++)
        if (listeners->few[i].loop_signal == loop_signal)
            return &listeners->few[i].list;
    if (listeners->count == FEW)
        return source_listen_far(listeners, loop_signal);
    few = tocsin__resize(listeners->few, (listeners->count + 1) * sizeof *few);
    if (!few)
        return NULL;
    listeners->few = few;
    few[listeners->count] = (struct tocsin__listen){ loop_signal, &tocsin__list_empty };
    return &few[listeners->count++].list;
}

/* Ends one list of a source. The list is freed when the loop is at rest, because a delivery may be
   walking over it. */
static void listen_end(struct tocsin__loop *loop, const struct tocsin__listen *listen)
{
    struct tocsin__list *list = listen->list;

    if (list == &tocsin__list_empty)
        return;
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i]->id)
            tocsin__handler_disconnect(loop, list->items[i]);
    for (uint32_t i = 0; i < list->count; i++) {
        struct tocsin__handler *handler = list->items[i];

        tocsin__assert(handler->places > 0);
        if (--handler->places == 0 && handler->flags & TOCSIN__DROPPED)
            tocsin__handler_defer_free(loop, handler);
    }
    tocsin__list_free(loop, listen->loop_signal, list);
}

/* Ends all lists of a source. The loop frees no lists while `depth` is not 0. */
static void listeners_end(struct tocsin__loop *loop, struct tocsin__source *source)
{
    struct tocsin__listeners *listeners = source->listeners;
    struct tocsin__listens *more = listeners->more;

    tocsin__loop_enter(loop);
    for (uint32_t i = 0; i < listeners->count; i++)
        listen_end(loop, &listeners->few[i]);
    for (uint32_t i = 0; more && i < more->capacity; i++)
        if (more->places[i].loop_signal)
            listen_end(loop, &more->places[i]);
    while (listeners->patterned)
        tocsin__handler_disconnect(loop, listeners->patterned);
    tocsin__loop_leave_untidy(loop);
    source->listeners = NULL;
    tocsin__release(listeners->few);
    tocsin__release(more);
    tocsin__release(listeners);
}

void tocsin__source_end(struct tocsin__loop *loop, struct tocsin__source *source)
{
    tocsin__id_free(&loop->ids.sources, source->id);
    source->id = 0;
    if (!source->listeners)
        return;
    listeners_end(loop, source);
    if (tocsin__at_rest(loop))
        tocsin__loop_tidy(loop);
}

int tocsin__source_find(uint64_t id, struct tocsin__source **ret_source)
{
    return tocsin__loop_find(offsetof(struct tocsin__loop, ids.sources), id, (void **)ret_source);
}

int tocsin_source_new_at(const char *where, void *data, struct tocsin_source *ret_source)
{
    struct tocsin__owner *owner = tocsin__owner_whose(NULL, where);
    struct tocsin__made_source *made = NULL;
    struct tocsin__loop *loop;
    int err;

    if (!ret_source)
        return tocsin__traced_at(where, -EINVAL);
    err = tocsin__loop_make(&loop);
    if (err == 0)
        err = loop->life.freeing ? -ESHUTDOWN
                                 : tocsin__owner_charge_or_report(owner, TOCSIN_RESOURCE_SOURCES);
    if (err == 0) {
        made = tocsin__alloc(sizeof *made);
        err = made ? tocsin__source_init(loop, &made->source, data) : -ENOMEM;
        if (err < 0)
            tocsin__owner_uncharge(owner, TOCSIN_RESOURCE_SOURCES, 1);
    }
    if (err == 0) {
        made->where = where ? where : "";
        made->owner = owner;
    }
    if (err < 0)
        tocsin__release(made);
    ret_source->id = err < 0 ? (uint64_t)(int64_t)err : made->source.id;
    return tocsin__traced_at(where, err);
}

void tocsin__source_free(struct tocsin__loop *loop, struct tocsin__source *source)
{
    struct tocsin__owner *owner = tocsin__made_source(source)->owner;

    tocsin__source_end(loop, source);
    tocsin__release(source);
    tocsin__owner_uncharge(owner, TOCSIN_RESOURCE_SOURCES, 1);
}

int tocsin_source_free(struct tocsin_source id)
{
    struct tocsin__source *source;
    int err = tocsin__source_find(id.id, &source);

    if (err < 0)
        return tocsin__traced(err);
    if (source->is_op)
        return tocsin__traced(-EINVAL);
    tocsin__source_free(tocsin__self, source);
    return 0;
}

void *tocsin_source_get(struct tocsin_source id)
{
    struct tocsin__source *source;

    return tocsin__source_find(id.id, &source) < 0 ? NULL : source->data;
}

int tocsin_source_set(struct tocsin_source id, void *data)
{
    struct tocsin__source *source;
    int err = tocsin__source_find(id.id, &source);

    if (err == 0)
        source->data = data;
    return tocsin__traced(err);
}
