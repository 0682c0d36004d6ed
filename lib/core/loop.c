#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <tocsin/loop.h>

#include "core/catalogue.h"
#include "core/emit.h"
#include "core/handler.h"
#include "core/loop.h"
#include "core/mask.h"

enum { LOOPS_MAX = 0xfffe };

struct tocsin__loop tocsin__no_loop = { .number = 0xfffffffe };
__thread struct tocsin__loop *tocsin__self __attribute__((tls_model("initial-exec"))) = &tocsin__no_loop;

void (*tocsin__loop_born)(void), (*tocsin__loop_dies)(void);

static struct tocsin__loop *_Atomic loops[LOOPS_MAX + 1];      /* by number; a loop's memory is used again, never unmapped */
static struct tocsin__loop *retired;
static uint32_t made;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct tocsin__loop *loop_new(int *ret_err)
{
    struct tocsin__loop *loop;
    uint64_t prefix;

    *ret_err = made == LOOPS_MAX ? -EAGAIN : -ENOMEM;
    loop = made == LOOPS_MAX ? NULL : tocsin__alloc(sizeof *loop);
    if (!loop)
        return NULL;
    loop->number = ++made;
    prefix = (uint64_t)loop->number << TOCSIN__ID_NUMBER_SHIFT;
    loop->sequence = prefix + 1;
    loop->handlers.prefix = loop->sources.prefix = loop->queues.prefix = loop->blocks.prefix = prefix;
    atomic_store_explicit(&loops[loop->number], loop, memory_order_release);
    return loop;
}

static struct tocsin__loop *loop_take(int *ret_err)
{
    struct tocsin__loop *loop;

    pthread_mutex_lock(&lock);
    loop = retired;
    if (loop)
        retired = loop->next;
    else
        loop = loop_new(ret_err);
    pthread_mutex_unlock(&lock);
    return loop;
}

int tocsin__loop_make(struct tocsin__loop **ret_loop)
{
    struct tocsin__loop *loop = tocsin__self;
    int err = 0;

    if (loop == &tocsin__no_loop) {
        err = tocsin__catalogue();
        loop = err < 0 ? NULL : loop_take(&err);
        if (!loop)
            return err;
        loop->generation++;
        tocsin__self = loop;
        if (tocsin__loop_born)
            tocsin__loop_born();
    }
    *ret_loop = loop;
    return 0;
}

struct tocsin__loop *tocsin__loop_numbered(unsigned number)
{
    return number <= LOOPS_MAX ? atomic_load_explicit(&loops[number], memory_order_acquire) : NULL;
}

int tocsin__loop_find(size_t table, uint64_t id, void **ret_object)
{
    struct tocsin__loop *loop = tocsin__self, *other = loop;
    struct tocsin__id_entry *entry;

    if (tocsin_id_error(id))
        return tocsin_id_error(id);
    if (tocsin__id_number(id) != loop->number)
        other = tocsin__loop_numbered(tocsin__id_number(id));
    entry = other ? tocsin__id_entry((struct tocsin__ids *)((char *)other + table), id) : NULL;
    if (!entry || atomic_load_explicit(&entry->id, memory_order_relaxed) != id)
        return -ENOENT;
    if (other != loop)
        return -EXDEV;
    *ret_object = entry->object;
    return 0;
}

/* The id of a loop is its number and its generation. */
struct tocsin_loop tocsin_loop_current(void)
{
    const struct tocsin__loop *loop = tocsin__self;
    uint64_t id = (uint64_t)loop->number << TOCSIN__ID_NUMBER_SHIFT | loop->generation;

    return (struct tocsin_loop){ loop == &tocsin__no_loop ? 0 : id };
}

/* Slots */

static const struct tocsin_layout layout_unknown;      /* that no payload has: compare with what is declared by then */

static int slots_room(struct tocsin__loop *loop, uint32_t signo)
{
    uint32_t count = loop->slots_count ? loop->slots_count : 64;
    struct tocsin__slot **slots, **old = loop->slots;

    if (signo < loop->slots_count)
        return 0;
    while (count <= signo)
        count *= 2;
    slots = tocsin__alloc(count * sizeof *slots);
    if (!slots)
        return -ENOMEM;
    if (old)
        memcpy(slots, old, loop->slots_count * sizeof *slots);
    loop->slots = slots;
    atomic_signal_fence(memory_order_seq_cst);         /* a real signal handler that asks tocsin_heard finds one of them */
    loop->slots_count = count;
    tocsin__release(old);
    return 0;
}

struct tocsin__slot *tocsin__slot_make(struct tocsin__loop *loop, struct tocsin__signal *signal)
{
    struct tocsin__slot *slot = tocsin__slot(loop, signal->signo);

    if (slot || slots_room(loop, (uint32_t)signal->signo) < 0)
        return slot;
    slot = tocsin__alloc(sizeof *slot);
    if (!slot)
        return NULL;
    slot->signal = signal;
    slot->name = signal->name;
    slot->layout = &layout_unknown;
    slot->list = &tocsin__list_empty;
    slot->pend_last = &slot->pend;
    loop->slots[signal->signo] = slot;
    return slot;
}

/* At rest */

static void handler_drop(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    tocsin_drop drop = handler->drop;

    tocsin__hold_free(loop, handler->mask);            /* not before: it may have been running */
    handler->mask = NULL;
    handler->drop = NULL;
    if (drop)
        drop(handler->user_arg);
    handler->flags |= TOCSIN__DROPPED;                 /* not before: what drop does may remove it from its last list */
}

static void handler_free(struct tocsin__handler *handler)
{
    tocsin__match_free(&handler->match);
    tocsin__release(handler);
}

void tocsin__loop_tidy(struct tocsin__loop *loop)
{
    struct tocsin__handler *handler;
    struct tocsin__list *list;

    loop->unrest = loop->watch != NULL;
    while ((list = loop->old_lists)) {
        loop->old_lists = list->next;
        tocsin__release(list);
    }
    while ((handler = loop->dead)) {
        loop->dead = handler->next;
        loop->depth++;                                 /* what drop does is tidied by us */
        handler_drop(loop, handler);
        loop->depth--;
        if (handler->places == 0)
            handler_free(handler);
    }
    if (loop->free_wanted && loop->rest)
        loop->rest(loop);
}

/* The end */

void tocsin__loop_unpend(struct tocsin__loop *loop)
{
    for (uint32_t i = 0; i < loop->slots_count; i++)
        if (loop->slots[i])
            tocsin__pend_drop(loop->slots[i]);
}

static void slot_free(struct tocsin__loop *loop, struct tocsin__slot *slot)
{
    tocsin__pend_drop(slot);
    tocsin__list_compact(loop, slot->list);
    if (slot->list != &tocsin__list_empty)
        tocsin__release(slot->list);
    tocsin__release(slot);
}

void tocsin__loop_clear(struct tocsin__loop *loop)
{
    for (uint32_t i = 0; i < loop->handlers.made; i++) {
        struct tocsin__id_entry *entry = tocsin__id_entry(&loop->handlers, i);

        if (entry->object)
            tocsin__handler_disconnect(loop, entry->object);
    }
    for (uint32_t i = 0; i < loop->sources.made; i++) {
        struct tocsin__source *source = tocsin__id_entry(&loop->sources, i)->object;

        if (source && !source->is_op) {
            tocsin__source_end(loop, source);
            tocsin__release(source);
        }
    }
    tocsin__holds_clear(loop);
    loop->late.first = loop->shut.first = NULL;
    for (uint32_t i = 0; i < loop->slots_count; i++) {
        struct tocsin__slot *slot = loop->slots[i];

        loop->slots[i] = NULL;                         /* what an object does when its payload goes may look for it */
        if (slot)
            slot_free(loop, slot);
    }
    loop->slots_count = 0;
    atomic_signal_fence(memory_order_seq_cst);
    tocsin__release(loop->slots);
    loop->slots = NULL;
    tocsin__loop_tidy(loop);
}

void tocsin__loop_retire(struct tocsin__loop *loop)
{
    loop->freeing = loop->stop_wanted = loop->free_wanted = false;
    loop->stop_status = 0;
    loop->seen = 0;
    loop->age = 0;
    loop->turn_us = 0;
    loop->engine = NULL;
    tocsin__self = &tocsin__no_loop;
    pthread_mutex_lock(&lock);
    loop->next = retired;
    retired = loop;
    pthread_mutex_unlock(&lock);
}
