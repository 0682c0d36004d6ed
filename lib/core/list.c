#include <string.h>

#include <tocsin/emit.h>

#include "core/handler.h"

struct tocsin__list tocsin__list_empty = { .items = { NULL } };

void tocsin__list_handling(struct tocsin__list *list, const struct tocsin__handler *handler, uint32_t by)
{
    if (!(handler->flags & TOCSIN__OBSERVER))
        list->handling += by;
    list->outcome = list->handling ? TOCSIN_DELIVERED : TOCSIN_NOBODY;
}

static void list_release(struct tocsin__list *list)
{
    if (list != &tocsin__list_empty)
        tocsin__release(list);
}

static struct tocsin__list *list_grown(const struct tocsin__list *list)
{
    uint32_t capacity = list->count + list->count / 2 + 2;
    struct tocsin__list *grown = tocsin__alloc(sizeof *grown + (capacity + 1) * sizeof grown->items[0]);

    if (!grown)
        return NULL;
    memcpy(grown->items, list->items, list->count * sizeof list->items[0]);
    grown->count = list->count;
    grown->dead = list->dead;
    grown->handling = list->handling;
    grown->outcome = list->outcome;
    grown->capacity = capacity;
    return grown;
}

static uint32_t place_of(const struct tocsin__list *list, uint64_t key)
{
    uint32_t low = 0, high = list->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (list->items[middle]->key <= key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int tocsin__list_add(struct tocsin__loop *loop, struct tocsin__list **list, struct tocsin__handler *handler, struct tocsin__slot *running)
{
    struct tocsin__list *into = *list;
    bool walked = running && into != running->fresh;
    uint32_t place;

    if (!running && into->dead * 2 > into->count)
        tocsin__list_compact(loop, into);
    if (walked || into->count == into->capacity) {
        into = list_grown(into);
        if (!into)
            return -ENOMEM;
        if (walked)
            tocsin__list_free(loop, *list);
        else
            list_release(*list);
        *list = into;
    }
    if (running) {
        running->fresh = into;
        running->state |= TOCSIN__UNTIDY;              /* until its delivery has ended */
    }
    place = place_of(into, handler->key);
    memmove(&into->items[place + 1], &into->items[place], (into->count + 1 - place) * sizeof into->items[0]);
    into->items[place] = handler;
    into->count++;
    tocsin__list_handling(into, handler, 1);
    handler->places++;
    return 0;
}

static bool is_dead(const struct tocsin__handler *handler)
{
    return handler->id == 0;
}

void tocsin__list_compact(struct tocsin__loop *loop, struct tocsin__list *list)
{
    uint32_t kept = 0;

    if (!list->dead)
        return;
    for (uint32_t i = 0; i < list->count; i++) {
        struct tocsin__handler *handler = list->items[i];

        if (!is_dead(handler))
            list->items[kept++] = handler;
        else if (--handler->places == 0 && handler->flags & TOCSIN__DROPPED)
            tocsin__handler_bury(loop, handler);
    }
    list->count = kept;
    list->items[kept] = NULL;
    list->dead = 0;
}

void tocsin__list_free(struct tocsin__loop *loop, struct tocsin__list *list)
{
    if (list == &tocsin__list_empty)
        return;
    list->next = loop->old_lists;
    loop->old_lists = list;
    loop->unrest = 1;
}
