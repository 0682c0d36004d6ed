#include "core/handler.h"
#include "core/owner.h"

int tocsin__source_init(struct tocsin__loop *loop, struct tocsin__source *source, void *data)
{
    source->data = data;
    source->id = tocsin__id_new(&loop->sources, source);
    return source->id ? 0 : -ENOMEM;
}

/* The list is freed when the loop is at rest, since a delivery may be walking over it. */
static void listen_end(struct tocsin__loop *loop, struct tocsin__list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i]->id)
            tocsin__handler_disconnect(loop, list->items[i]);
    for (uint32_t i = 0; i < list->count; i++) {
        struct tocsin__handler *handler = list->items[i];

        if (--handler->places == 0 && handler->flags & TOCSIN__DROPPED)
            tocsin__handler_bury(loop, handler);
    }
    tocsin__list_free(loop, list);
}

void tocsin__source_end(struct tocsin__loop *loop, struct tocsin__source *source)
{
    struct tocsin__listen *listens = source->listens;
    uint32_t count = source->listens_count;

    tocsin__id_free(&loop->sources, source->id);
    source->id = 0;
    if (!listens && !source->patterned)
        return;
    loop->depth++;                                     /* nothing is freed under our hands */
    for (uint32_t i = 0; i < count; i++)
        listen_end(loop, listens[i].list);
    while (source->patterned)
        tocsin__handler_disconnect(loop, source->patterned);
    loop->depth--;
    source->listens = NULL;
    source->listens_count = 0;
    tocsin__release(listens);
    if (tocsin__at_rest(loop))
        tocsin__loop_tidy(loop);
}

int tocsin__source_find(uint64_t id, struct tocsin__source **ret_source)
{
    return tocsin__loop_find(offsetof(struct tocsin__loop, sources), id, (void **)ret_source);
}

int tocsin_source_new_at(const char *where, void *data, struct tocsin_source *ret_source)
{
    struct tocsin__owner *owner = tocsin__owner_whose(NULL, where);
    struct tocsin__source *source = NULL;
    struct tocsin__loop *loop;
    int err;

    if (!ret_source)
        return -EINVAL;
    err = tocsin__loop_make(&loop);
    if (err == 0)
        err = loop->freeing ? -ESHUTDOWN : tocsin__owner_admit(owner, TOCSIN_HOLDS_SOURCES);
    if (err == 0) {
        source = tocsin__alloc(sizeof *source);
        err = source ? tocsin__source_init(loop, source, data) : -ENOMEM;
        if (err < 0)
            tocsin__owner_give(owner, TOCSIN_HOLDS_SOURCES, 1);
    }
    if (err == 0) {
        source->where = where ? where : "";
        source->owner = owner;
    }
    if (err < 0)
        tocsin__release(source);
    ret_source->id = err < 0 ? (uint64_t)(int64_t)err : source->id;
    return err;
}

void tocsin__source_free(struct tocsin__loop *loop, struct tocsin__source *source)
{
    struct tocsin__owner *owner = source->owner;

    tocsin__source_end(loop, source);
    tocsin__release(source);
    tocsin__owner_give(owner, TOCSIN_HOLDS_SOURCES, 1);
}

int tocsin_source_free(struct tocsin_source id)
{
    struct tocsin__source *source;
    int err = tocsin__source_find(id.id, &source);

    if (err < 0)
        return err;
    if (source->is_op)
        return -EINVAL;
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
    return err;
}
