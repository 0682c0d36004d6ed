#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <tocsin/loop.h>

#include "core/box.h"
#include "core/catalogue.h"
#include "core/emit.h"
#include "core/handler.h"
#include "core/loop.h"
#include "core/mask.h"
#include "core/owner.h"
#include "core/quarantine.h"
#include "core/receive.h"

enum { LOOPS_MAX = 0xfffe };

struct tocsin__loop tocsin__no_loop = { .word = 0xfffffffe, .number = 0xfffffffe };
__thread struct tocsin__loop *tocsin__self __attribute__((tls_model("initial-exec"))) = &tocsin__no_loop;

void (*tocsin__loop_born)(void), (*tocsin__loop_dies)(void);

static struct tocsin__loop *_Atomic loops[LOOPS_MAX + 1];      /* by number; a loop's memory is used again, never unmapped */
static struct tocsin__loop *retired;
static struct tocsin__loop *living, *youngest;
static struct tocsin__loop *_Atomic main_loop;         /* the oldest of those */
static uint32_t made;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct tocsin__loop *loop_new(int *ret_err)
{
    struct tocsin__loop *loop;
    uint64_t prefix;

    *ret_err = made == LOOPS_MAX ? -EAGAIN : -ENOMEM;
    loop = made == LOOPS_MAX ? NULL : tocsin__alloc_lines(sizeof *loop);
    if (!loop)
        return NULL;
    loop->word = loop->number = ++made;
    tocsin__inbox_make(&loop->inbox);                  /* before it can be found: what is put in before it is open would be lost */
    prefix = (uint64_t)loop->number << TOCSIN__ID_NUMBER_SHIFT;
    loop->sequence = prefix + 1;
    loop->handlers.prefix = loop->sources.prefix = loop->queues.prefix = loop->blocks.prefix = prefix;
    atomic_store_explicit(&loops[loop->number], loop, memory_order_release);
    return loop;
}

/* T8: what happens around a fork. Its locks are held meanwhile, so that the child finds what they guard whole. */

static void fork_begins(void)
{
    pthread_mutex_lock(&tocsin__registry_lock);
    pthread_mutex_lock(&lock);
}

static void fork_over(void)
{
    pthread_mutex_unlock(&lock);
    pthread_mutex_unlock(&tocsin__registry_lock);
}

static void inherit(struct tocsin__loop *loop, uint8_t how)
{
    loop->inherited = how;
    loop->word = TOCSIN__NO_WORD;
    if (how == TOCSIN__ABANDONED)
        tocsin__inbox_abandon(&loop->inbox);
    else
        tocsin__inbox_inherit(&loop->inbox);
}

static void fork_child(void)
{
    struct tocsin__loop *own = tocsin__self;
    bool others = false;

    for (struct tocsin__loop *loop = retired; loop; loop = loop->next)
        loop->word = 0;                                /* for the next loop that is made: not one of those that go */
    for (uint32_t number = 1; number <= made; number++) {
        struct tocsin__loop *loop = loops[number];

        others |= loop != own && loop->word && loop->word != TOCSIN__NO_WORD;
        if (loop->word)
            inherit(loop, loop == own ? TOCSIN__INHERITED : TOCSIN__ABANDONED);
        atomic_store(&loop->inbox.waking, 0);          /* who was about to wake it, or held it, is not here */
        atomic_store(&loop->inbox.holders, 0);
    }
    for (struct tocsin__loop *loop = retired; loop; loop = loop->next)
        loop->word = loop->number;
    living = youngest = NULL;
    atomic_store(&main_loop, NULL);
    if (others)
        tocsin__listeners_inherit(own);
    fork_over();
}

/* Before the first loop: names can be declared, and the lock be held, without one. */
static __attribute__((constructor)) void fork_watch(void)
{
    pthread_atfork(fork_begins, fork_over, fork_child);
}

static void live(struct tocsin__loop *loop)
{
    loop->next = NULL;
    loop->previous = youngest;
    *(youngest ? &youngest->next : &living) = loop;
    youngest = loop;
    atomic_store(&main_loop, living);
}

static void die(struct tocsin__loop *loop)
{
    *(loop->previous ? &loop->previous->next : &living) = loop->next;
    *(loop->next ? &loop->next->previous : &youngest) = loop->previous;
    atomic_store(&main_loop, living);
}

static struct tocsin__loop *loop_take(int *ret_err)
{
    struct tocsin__loop *loop;

    pthread_mutex_lock(&lock);
    loop = retired ? retired : loop_new(ret_err);
    if (loop && loop == retired)
        retired = loop->next;
    if (loop && tocsin__inbox_open(&loop->inbox, loop->generation + 1) < 0) {
        loop->next = retired;
        retired = loop;
        loop = NULL;
        *ret_err = -ENOMEM;
    }
    if (loop) {
        loop->generation++;
        live(loop);
    }
    pthread_mutex_unlock(&lock);
    return loop;
}

int tocsin__loop_make(struct tocsin__loop **ret_loop)
{
    struct tocsin__loop *loop = tocsin__self;
    int err = 0;

    if (tocsin__inherited(loop))
        return -EOWNERDEAD;
    if (loop == &tocsin__no_loop) {
        err = tocsin__catalogue();
        loop = err < 0 ? NULL : loop_take(&err);
        if (!loop)
            return err;
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

    if (tocsin_id_error(id) || tocsin__inherited(loop))
        return tocsin_id_error(id) ? tocsin_id_error(id) : -EOWNERDEAD;
    if (tocsin__id_number(id) != loop->number)
        other = tocsin__loop_numbered(tocsin__id_number(id));
    entry = other ? tocsin__id_entry((struct tocsin__ids *)((char *)other + table), id) : NULL;
    if (!entry || atomic_load_explicit(&entry->id, memory_order_relaxed) != id)
        return -ENOENT;
    if (other != loop)
        return tocsin__inherited(other) ? -EOWNERDEAD : -EXDEV;
    *ret_object = entry->object;
    return 0;
}

/* The id of a loop is its number and its generation. */
static struct tocsin_loop id_of(const struct tocsin__loop *loop)
{
    return (struct tocsin_loop){ (uint64_t)loop->number << TOCSIN__ID_NUMBER_SHIFT | loop->generation };
}

struct tocsin_loop tocsin_loop_current(void)
{
    const struct tocsin__loop *loop = tocsin__self;

    if (tocsin__inherited(loop))
        return (struct tocsin_loop){ (uint64_t)-EOWNERDEAD };
    return loop == &tocsin__no_loop ? (struct tocsin_loop){ 0 } : id_of(loop);
}

void tocsin__loops_news(const struct tocsin__loop *loop)
{
    pthread_mutex_lock(&lock);
    for (struct tocsin__loop *other = living; other; other = other->next)
        if (other != loop)
            tocsin__tell_news(other);
    pthread_mutex_unlock(&lock);
}

struct tocsin__loop *tocsin__loop_main(void)
{
    return atomic_load(&main_loop);
}

struct tocsin_loop tocsin_loop_main(void)
{
    const struct tocsin__loop *loop = tocsin__loop_main();

    return loop ? id_of(loop) : (struct tocsin_loop){ 0 };
}

int tocsin__loop_of(uint64_t id, struct tocsin__loop **ret_loop, uint64_t *ret_generation)
{
    struct tocsin__loop *loop = tocsin__loop_numbered(tocsin__id_number(id));

    if (!id || tocsin_id_error(id))
        return id ? tocsin_id_error(id) : -EINVAL;
    *ret_generation = id & (((uint64_t)1 << TOCSIN__ID_NUMBER_SHIFT) - 1);
    *ret_loop = loop;
    if (!loop || !*ret_generation || loop->generation != *ret_generation)
        return -ESHUTDOWN;
    return tocsin__inherited(loop) ? -EOWNERDEAD : 0;
}

void tocsin__loop_close(struct tocsin__loop *loop)
{
    pthread_mutex_lock(&lock);
    die(loop);
    pthread_mutex_unlock(&lock);
    tocsin__inbox_close(&loop->inbox);
}

int tocsin_loop_get(struct tocsin_loop_facts *ret_facts)
{
    struct tocsin__loop *loop = tocsin__self;

    if (!ret_facts || loop == &tocsin__no_loop || tocsin__inherited(loop))
        return !ret_facts ? -EINVAL : loop == &tocsin__no_loop ? -ENODEV : -EOWNERDEAD;
    *ret_facts = (struct tocsin_loop_facts){
        .loop = id_of(loop), .main = loop == tocsin__loop_main(), .turns = loop->turns, .received = loop->inbox.received,
        .refused = loop->inbox.refused, .missed = loop->inbox.missed, .wakeups = loop->inbox.wakeups,
        .lag_us = loop->lag_us, .lag_most_us = loop->lag_most_us, .busy_us = loop->busy_us,
    };
    return 0;
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
    slot->listener = tocsin__listener_make(signal, loop->number);
    if (!slot->listener) {
        tocsin__release(slot);
        return NULL;
    }
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
    tocsin__quarantine_free(handler);
    if (!(handler->flags & TOCSIN__DROPPED) && handler->match.kind == &tocsin__handler_kind)
        tocsin__owner_give(handler->owner, TOCSIN_HOLDS_HANDLERS, 1);       /* it calls nothing of it; lists may have it for long yet */
    handler->flags |= TOCSIN__DROPPED;                 /* not before: what drop does may remove it from its last list */
}

static void handler_free(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    if (loop->unseen)
        loop->unseen();
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
            handler_free(loop, handler);
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
    if (slot->listener->box)
        tocsin__box_clear(slot->listener->box);
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

        if (source && !source->is_op)
            tocsin__source_free(loop, source);
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

void tocsin__loop_take_over(struct tocsin__loop *loop)
{
    loop->inherited = 0;
    loop->word = loop->number;
}

void tocsin__loop_revive(struct tocsin__loop *loop)
{
    pthread_mutex_lock(&lock);
    live(loop);
    pthread_mutex_unlock(&lock);
    tocsin__inbox_revive(&loop->inbox);
}

void tocsin__loop_retire(struct tocsin__loop *loop)
{
    loop->freeing = loop->stop_wanted = loop->free_wanted = false;
    loop->stop_status = 0;
    loop->seen = 0;
    loop->age = 0;
    loop->turn_us = 0;
    loop->turns = 0;
    atomic_store(&loop->progresses, false);
    loop->lag_us = loop->lag_most_us = loop->busy_us = 0;
    loop->engine = NULL;
    tocsin__loop_take_over(loop);
    tocsin__self = &tocsin__no_loop;
    pthread_mutex_lock(&lock);
    loop->next = retired;
    retired = loop;
    pthread_mutex_unlock(&lock);
}
