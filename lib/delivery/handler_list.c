/* Lists of handlers. This file inserts and sorts handlers, and removes disconnected ones. */
#include <stdlib.h>
#include <string.h>

#include <tocsin/emit.h>

#include "delivery/handler.h"

struct tocsin__list tocsin__list_empty = { .items = { NULL } };

void tocsin__list_handling(struct tocsin__list *list, const struct tocsin__handler *handler,
                           uint32_t by)
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

/* Frees the list when the loop is at rest, because a delivery may be walking over the list. */
static void list_free_later(struct tocsin__loop *loop, struct tocsin__list *list)
{
    if (list == &tocsin__list_empty)
        return;
    list->next = loop->cleanup.lists;
    loop->cleanup.lists = list;
    loop->cleanup_pending = 1;
}

static struct tocsin__list *list_grown(const struct tocsin__list *list)
{
    uint32_t capacity = list->count + list->count / 2 + 2;
    struct tocsin__list *grown = tocsin__alloc(sizeof *grown +
                                               (capacity + 1) * sizeof grown->items[0]);

    if (!grown)
        return NULL;
    memcpy(grown->items, list->items, list->count * sizeof list->items[0]);
    grown->count = list->count;
    grown->sorted = list->sorted;
    grown->dead = list->dead;
    grown->handling = list->handling;
    grown->outcome = list->outcome;
    grown->capacity = capacity;
    return grown;
}

static uint32_t list_place(const struct tocsin__list *list, uint64_t key)
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

/* The most handlers that one insertion may move. If more would have to move, the new handler is
   appended, and the list is sorted before the next delivery. In test builds the number is small, so
   that tests reach both cases. */
#ifdef TOCSIN_FAULT
enum { MOVED_MOST = 1 };
#else
enum { MOVED_MOST = 64 };
#endif

static void unsorted_count(struct tocsin__loop_signal *loop_signal, uint32_t by)
{
    tocsin__assert(by == 1 || loop_signal->unsorted_lists > 0);
    loop_signal->unsorted_lists += by;
    loop_signal->state = loop_signal->unsorted_lists
                             ? loop_signal->state | TOCSIN__UNSORTED
                             : loop_signal->state & ~(uint32_t)TOCSIN__UNSORTED;
}

enum { CHECKED_MOST = 64 };

static bool is_dead(const struct tocsin__handler *handler)
{
    return handler->id == 0;
}

/* Returns true if the counters of a list equal its contents, and its sorted part is sorted. Long
   lists are not read, because each insertion calls this check. */
static bool list_is_sound(const struct tocsin__list *list)
{
    uint32_t dead = 0, handling = 0;

    if (list->count > CHECKED_MOST)
        return true;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct tocsin__handler *handler = list->items[i];

        if (i && i < list->sorted && list->items[i - 1]->key >= handler->key)
            return false;
        dead += is_dead(handler);
        handling += !is_dead(handler) && !(handler->flags & TOCSIN__OBSERVER);
    }
    return !list->items[list->count] && dead == list->dead && handling == list->handling &&
           list->outcome == (handling ? TOCSIN_DELIVERED : TOCSIN_NOBODY);
}

static void list_insert(struct tocsin__loop_signal *loop_signal, struct tocsin__list *list,
                        struct tocsin__handler *handler)
{
    bool sorted = list->sorted == list->count;
    uint32_t place = sorted ? list_place(list, handler->key) : list->count;

    if (list->count - place > MOVED_MOST)
        place = list->count;
    else if (sorted)
        list->sorted++;
    if (sorted && list->sorted == list->count)
        unsorted_count(loop_signal, 1);
    memmove(&list->items[place + 1], &list->items[place],
            (list->count + 1 - place) * sizeof list->items[0]);
    list->items[place] = handler;
    list->count++;
    tocsin__assert(list->sorted <= list->count && list->count <= list->capacity);
}

int tocsin__list_add(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                     struct tocsin__list **list, struct tocsin__handler *handler)
{
    bool running = loop_signal->state & TOCSIN__RUNNING;
    struct tocsin__list *into = *list;
    bool walked = running && (into == &tocsin__list_empty || into->walks != loop_signal->walks);

    if (!running && into->dead * 2 > into->count)
        tocsin__list_compact(loop, loop_signal, into);
    if (walked || into->count == into->capacity) {
        into = list_grown(into);
        if (!into)
            return -ENOMEM;
        /* Any delivery that begins from now on may walk over the new list. */
        into->walks = loop_signal->walks - !running;
        if (walked)
            list_free_later(loop, *list);
        else
            list_release(*list);
        *list = into;
    }
    if (running)
        /* a delivery is running: its end compacts the list and clears UNTIDY */
        loop_signal->state |= TOCSIN__UNTIDY;
    list_insert(loop_signal, into, handler);
    tocsin__list_handling(into, handler, 1);
    handler->places++;
    tocsin__assert(list_is_sound(into));
    return 0;
}

static int by_key(const void *one, const void *other)
{
    uint64_t key = (*(struct tocsin__handler *const *)one)->key,
             other_key = (*(struct tocsin__handler *const *)other)->key;

    return key < other_key ? -1 : key > other_key;
}

/* Merges the two sorted parts. It begins at the end, with the handler that has the greatest key of
   both parts. */
static void list_merge(struct tocsin__handler **items, uint32_t sorted,
                       struct tocsin__handler *const *tail, uint32_t count)
{
    while (count) {
        bool from_tail = !sorted || items[sorted - 1]->key < tail[count - 1]->key;

        items[sorted + count - 1] = from_tail ? tail[count - 1] : items[sorted - 1];
        count -= from_tail;
        sorted -= !from_tail;
    }
}

void tocsin__list_sort(struct tocsin__loop_signal *loop_signal, struct tocsin__list *list)
{
    uint32_t count = list->count - list->sorted;
    struct tocsin__handler **tail;

    if (!count)
        return;
    tail = list->sorted ? tocsin__alloc(count * sizeof *tail) : NULL;
    if (tail) {
        memcpy(tail, &list->items[list->sorted], count * sizeof *tail);
        qsort(tail, count, sizeof *tail, by_key);
        list_merge(list->items, list->sorted, tail, count);
    } else {
        qsort(list->items, list->count, sizeof list->items[0], by_key);
    }
    tocsin__release(tail);
    list->sorted = list->count;
    unsorted_count(loop_signal, -1u);
    tocsin__assert(list_is_sound(list));
}

void tocsin__list_compact(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                          struct tocsin__list *list)
{
    uint32_t kept = 0, sorted = list->sorted;
    bool unsorted = sorted < list->count;

    if (!list->dead)
        return;
    for (uint32_t i = 0; i < list->count; i++) {
        struct tocsin__handler *handler = list->items[i];

        if (i == sorted)
            list->sorted = kept;
        tocsin__assert(handler->places > 0);
        if (!is_dead(handler))
            list->items[kept++] = handler;
        else if (--handler->places == 0 && handler->flags & TOCSIN__DROPPED)
            tocsin__handler_defer_free(loop, handler);
    }
    list->count = kept;
    list->items[kept] = NULL;
    list->dead = 0;
    if (!unsorted)
        list->sorted = kept;
    else if (list->sorted == kept)
        unsorted_count(loop_signal, -1u);
    tocsin__assert(list_is_sound(list));
}

void tocsin__list_free(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                       struct tocsin__list *list)
{
    if (list->sorted < list->count)
        unsorted_count(loop_signal, -1u);
    list_free_later(loop, list);
}
