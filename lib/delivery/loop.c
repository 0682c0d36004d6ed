/* Loops. This file makes, finds and ends them, and emits the signals that report this. The memory
 * of a loop is never unmapped. */
#define _GNU_SOURCE /* makes the headers declare gettid */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <tocsin/loop.h>

#include "base/fork.h"
#include "registry/latest.h"
#include "registry/catalogue.h"
#include "delivery/emit.h"
#include "delivery/handler.h"
#include "delivery/hooks.h"
#include "delivery/loop.h"
#include "delivery/pending/mask.h"
#include "registry/owner.h"
#include "registry/pattern_index.h"
#include "delivery/quarantine.h"
#include "base/words.h"
#include "base/refusal.h"

enum { LOOPS_MAX = 0xfffe };

struct tocsin__loop tocsin__no_loop = { .word = 0xfffffffe, .life.number = 0xfffffffe };
__thread struct tocsin__loop *tocsin__self
    __attribute__((tls_model("initial-exec"))) = &tocsin__no_loop;

static struct tocsin__loop
    *_Atomic loops[LOOPS_MAX + 1]; /* the memory of all loops by number; the memory of an ended loop
                                      is used again */
static struct tocsin__loop *retired;
static struct tocsin__loop *living, *youngest;
static struct tocsin__loop *_Atomic main_loop; /* the oldest living loop */
static uint32_t made;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct tocsin__loop *loop_new(int *ret_err)
{
    struct tocsin__loop *loop;

    *ret_err = made == LOOPS_MAX ? -EAGAIN : -ENOMEM;
    loop = made == LOOPS_MAX ? NULL : tocsin__alloc_lines(sizeof *loop);
    if (!loop)
        return NULL;
    loop->word = loop->life.number = ++made;
    /* comes first, because other threads can find the loop from now on */
    tocsin__inbox_init(&loop->inbox);
    loop->sequence = TOCSIN__ID_PREFIX(loop->life.number, 0) + 1;
    loop->ids.handlers.prefix = TOCSIN__ID_PREFIX(loop->life.number, TOCSIN__ID_HANDLERS);
    loop->ids.sources.prefix = TOCSIN__ID_PREFIX(loop->life.number, TOCSIN__ID_SOURCES);
    loop->ids.queues.prefix = TOCSIN__ID_PREFIX(loop->life.number, TOCSIN__ID_QUEUES);
    loop->ids.blocks.prefix = TOCSIN__ID_PREFIX(loop->life.number, TOCSIN__ID_BLOCKS);
    loop->ids.rates.prefix = TOCSIN__ID_PREFIX(loop->life.number, TOCSIN__ID_RATES);
    atomic_store_explicit(&loops[loop->life.number], loop, memory_order_release);
    return loop;
}

/* When a thread ends (T6), a destructor of thread-specific data closes the loop of the thread. The
 * destructor sets its value again. So it is called again, and closes a loop that another destructor
 * creates later. After the last round no new loop is created, because nothing would close it. */

static pthread_key_t key;
static bool has_key;
/* number of rounds of destructors that have begun on this thread */
static __thread unsigned rounds;

static void thread_ends(void *none)
{
    (void)none;
    rounds++;
    if (tocsin__self != &tocsin__no_loop)
        tocsin__hooks.thread_ends(tocsin__self);
    if (rounds < PTHREAD_DESTRUCTOR_ITERATIONS)
        pthread_setspecific(key, &key);
}

/* Arranges that the loop is closed when its thread ends. The caller holds the lock. */
static int thread_watch(void)
{
    int err = has_key ? 0 : tocsin__fault() ? ENOMEM : pthread_key_create(&key, thread_ends);

    has_key |= !err;
    if (!err)
        err = tocsin__fault() ? ENOMEM : pthread_setspecific(key, &key);
    return -err;
}

/* The step of the loops before and after a fork (T8; lib/base/fork.h). */

static void loops_fork_prepare(void)
{
    pthread_mutex_lock(&tocsin__registry_lock);
    pthread_mutex_lock(&lock);
}

static void loops_fork_parent(void)
{
    pthread_mutex_unlock(&lock);
    pthread_mutex_unlock(&tocsin__registry_lock);
}

static void loop_inherit(struct tocsin__loop *loop, uint8_t how)
{
    loop->life.inherited = how;
    loop->word = TOCSIN__NO_WORD;
    if (how == TOCSIN__ABANDONED) {
        tocsin__patterns_abandon(loop->life.number);
        tocsin__inbox_abandon(&loop->inbox);
    } else {
        tocsin__inbox_inherit(&loop->inbox);
    }
}

static bool is_interested(int signo)
{
    const struct tocsin__loop_signal *loop_signal = tocsin__loop_signal(tocsin__self, signo);

    return loop_signal && loop_signal->listening.interested;
}

static void loops_fork_child(void)
{
    struct tocsin__loop *own = tocsin__self;
    bool others = false;

    for (struct tocsin__loop *loop = retired; loop; loop = loop->life.next)
        loop->word = 0; /* a loop that is not in use is not inherited; its word is 0 */
    for (uint32_t number = 1; number <= made; number++) {
        struct tocsin__loop *loop = loops[number];

        others |= loop != own && loop->word && loop->word != TOCSIN__NO_WORD;
        if (loop->word)
            loop_inherit(loop, loop == own ? TOCSIN__INHERITED : TOCSIN__ABANDONED);
        /* the child has no other thread that could be waking or pinning the inbox */
        atomic_store(&loop->inbox.waking, 0);
        atomic_store(&loop->inbox.pins, 0);
    }
    for (struct tocsin__loop *loop = retired; loop; loop = loop->life.next)
        loop->word = loop->life.number;
    living = youngest = NULL;
    atomic_store(&main_loop, NULL);
    if (others)
        tocsin__listeners_inherit(own->life.number, is_interested);
    loops_fork_parent();
}

static __attribute__((constructor)) void loops_fork_register(void)
{
    static const struct tocsin__fork_step step = { .prepare = loops_fork_prepare,
                                                   .parent = loops_fork_parent,
                                                   .child = loops_fork_child };

    tocsin__fork_register(TOCSIN__FORK_LOOPS, &step);
}

static void loop_add_living(struct tocsin__loop *loop)
{
    loop->life.next = NULL;
    loop->life.previous = youngest;
    *(youngest ? &youngest->life.next : &living) = loop;
    youngest = loop;
    atomic_store(&main_loop, living);
}

static void loop_remove_living(struct tocsin__loop *loop)
{
    *(loop->life.previous ? &loop->life.previous->life.next : &living) = loop->life.next;
    *(loop->life.next ? &loop->life.next->life.previous : &youngest) = loop->life.previous;
    atomic_store(&main_loop, living);
}

static struct tocsin__loop *loop_take(int *ret_err)
{
    struct tocsin__loop *loop;

    pthread_mutex_lock(&tocsin__registry_lock);
    pthread_mutex_lock(&lock);
    *ret_err = thread_watch();
    loop = *ret_err < 0 ? NULL : retired ? retired : loop_new(ret_err);
    if (loop && loop == retired)
        retired = loop->life.next;
    if (loop && (tocsin__listeners_loop(loop->life.number) < 0 ||
                 tocsin__inbox_open(&loop->inbox, loop->life.generation + 1) < 0)) {
        loop->life.next = retired;
        retired = loop;
        loop = NULL;
        *ret_err = -ENOMEM;
    }
    if (loop) {
        loop->life.generation++;
        loop_add_living(loop);
    }
    pthread_mutex_unlock(&lock);
    pthread_mutex_unlock(&tocsin__registry_lock);
    return loop;
}

int tocsin__loop_make(struct tocsin__loop **ret_loop)
{
    struct tocsin__loop *loop = tocsin__self;
    int err = 0;

    if (tocsin__inherited(loop))
        return -EOWNERDEAD;
    if (loop == &tocsin__no_loop && rounds == PTHREAD_DESTRUCTOR_ITERATIONS)
        return -ESHUTDOWN;
    if (loop == &tocsin__no_loop) {
        err = tocsin__catalogue();
        loop = err < 0 ? NULL : loop_take(&err);
        if (!loop)
            return err;
        tocsin__self = loop;
        tocsin__owner_shard = loop->life.number % TOCSIN__OWNER_SHARDS;
        loop->life.tid = gettid();
        tocsin__hooks.thread_begins(loop);
        if (tocsin__debug.loop_born)
            tocsin__debug.loop_born();
    }
    *ret_loop = loop;
    return 0;
}

struct tocsin__loop *tocsin__loop_numbered(unsigned number)
{
    return number <= LOOPS_MAX ? atomic_load_explicit(&loops[number], memory_order_acquire) : NULL;
}

static const char *const table_names[] = {
    [TOCSIN__ID_HANDLERS] = "handler", [TOCSIN__ID_SOURCES] = "operation or source",
    [TOCSIN__ID_QUEUES] = "queue",     [TOCSIN__ID_BLOCKS] = "block",
    [TOCSIN__ID_POOLS] = "pool",       [TOCSIN__ID_RATES] = "rate",
};

static unsigned table_number(size_t table)
{
    return table == offsetof(struct tocsin__loop, ids.handlers) ? TOCSIN__ID_HANDLERS
           : table == offsetof(struct tocsin__loop, ids.queues) ? TOCSIN__ID_QUEUES
           : table == offsetof(struct tocsin__loop, ids.blocks) ? TOCSIN__ID_BLOCKS
           : table == offsetof(struct tocsin__loop, ids.rates)  ? TOCSIN__ID_RATES
                                                                : TOCSIN__ID_SOURCES;
}

static int id_stale(unsigned table, uint64_t id, const struct tocsin__id_entry *entry)
{
    unsigned other = tocsin__id_table(id);
    const char *name = table_names[table];

    if (id == 0)
        return tocsin__because(-ENOENT, "the id is zero: it was never set, or has been cleared");
    if (other && other <= TOCSIN__ID_RATES && other != table)
        return tocsin__because(-ENOENT, "the id %#llx is of another kind: %s, not %s",
                               (unsigned long long)id, table_names[other], name);
    if (!entry || other != table ||
        tocsin__id_generation(id) > atomic_load_explicit(&entry->generation, memory_order_relaxed))
        return tocsin__because(-ENOENT, "no %s was ever given the id %#llx", name,
                               (unsigned long long)id);
    return tocsin__because(-ENOENT, "the id %#llx is stale: its %s has ended",
                           (unsigned long long)id, name);
}

static int id_of_other_loop(const struct tocsin__loop *other)
{
    return tocsin__because(-EXDEV, "it belongs to loop %u (thread %d), and this thread has %s",
                           other->life.number, other->life.tid,
                           tocsin__self == &tocsin__no_loop ? "none" : "another one");
}

int tocsin__loop_find(size_t table, uint64_t id, void **ret_object)
{
    struct tocsin__loop *loop = tocsin__self, *other = loop;
    struct tocsin__id_entry *entry;

    if (tocsin_id_error(id))
        return tocsin__because(tocsin_id_error(id),
                               "the id carries the error of the call that should have made it: %s",
                               tocsin_strerror(tocsin_id_error(id)));
    if (tocsin__inherited(loop))
        return -EOWNERDEAD;
    if (tocsin__id_number(id) != loop->life.number)
        other = tocsin__loop_numbered(tocsin__id_number(id));
    entry = other ? tocsin__id_entry((struct tocsin__ids *)((char *)other + table), id) : NULL;
    if (!entry || atomic_load_explicit(&entry->id, memory_order_relaxed) != id)
        return id_stale(table_number(table), id, entry);
    if (other != loop)
        return tocsin__inherited(other) ? -EOWNERDEAD : id_of_other_loop(other);
    *ret_object = entry->object;
    return 0;
}

/* Makes the id of a loop from its number and its generation. */
static struct tocsin_loop id_of(const struct tocsin__loop *loop)
{
    return (struct tocsin_loop){ (uint64_t)loop->life.number << TOCSIN__ID_NUMBER_SHIFT |
                                 loop->life.generation };
}

/* The name is stored word by word. So a concurrent reader may see a mixture of the old and the new
   name, but never reads beyond the end. */
int tocsin_loop_name(const char *name)
{
    struct tocsin__loop *loop = tocsin__self;
    uint64_t words[sizeof loop->life.name / sizeof loop->life.name[0]] = { 0 };
    size_t size = name ? strlen(name) : 0;

    if (!size || loop == &tocsin__no_loop || tocsin__inherited(loop))
        return tocsin__traced(!size ? -EINVAL : loop == &tocsin__no_loop ? -ENODEV : -EOWNERDEAD);
    memcpy(words, name, size < sizeof words ? size : sizeof words - 1);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        atomic_store_explicit(&loop->life.name[i], words[i], memory_order_relaxed);
    return 0;
}

void tocsin__loop_describe(const struct tocsin__loop *loop, struct tocsin__text_builder *words)
{
    uint64_t name[sizeof loop->life.name / sizeof loop->life.name[0]];

    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++)
        name[i] = atomic_load_explicit(&loop->life.name[i], memory_order_relaxed);
    tocsin__text_add(words, "loop ");
    if (name[0])
        tocsin__text_add(words, (const char *)name);
    else if (loop == tocsin__loop_main())
        tocsin__text_add(words, "main");
    else
        tocsin__text_add_number(words, loop->life.number);
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
    for (struct tocsin__loop *other = living; other; other = other->life.next)
        if (other != loop)
            tocsin__hooks.news_send(other);
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

int tocsin__loop_after(size_t table, uint64_t id, void **ret_object)
{
    struct tocsin__loop *loop = tocsin__self, *other = tocsin__loop_numbered(tocsin__id_number(id));
    struct tocsin__ids *ids = (struct tocsin__ids *)((char *)loop + table);

    if (tocsin_id_error(id) || tocsin__inherited(loop))
        return tocsin_id_error(id) ? tocsin_id_error(id) : -EOWNERDEAD;
    if (id && !tocsin__id_fits(ids, id))
        return other && tocsin__id_fits((struct tocsin__ids *)((char *)other + table), id)
                   ? -EXDEV
                   : -ENOENT;
    *ret_object = tocsin__id_after(ids, id);
    return *ret_object ? 0 : -ENOENT;
}

int tocsin__loop_of(uint64_t id, struct tocsin__loop **ret_loop, uint64_t *ret_generation)
{
    struct tocsin__loop *loop = tocsin__loop_numbered(tocsin__id_number(id));

    if (!id || tocsin_id_error(id))
        return id ? tocsin_id_error(id) : -EINVAL;
    *ret_generation = id & (((uint64_t)1 << TOCSIN__ID_NUMBER_SHIFT) - 1);
    *ret_loop = loop;
    if (!loop || !*ret_generation || loop->life.generation != *ret_generation)
        return -ESHUTDOWN;
    return tocsin__inherited(loop) ? -EOWNERDEAD : 0;
}

void tocsin__loop_close(struct tocsin__loop *loop)
{
    /* If the thread ended inside tocsin_loop_free, the inbox is closed already. */
    if (!tocsin__inbox_is_closed(&loop->inbox)) {
        pthread_mutex_lock(&lock);
        loop_remove_living(loop);
        pthread_mutex_unlock(&lock);
    }
    tocsin__inbox_close(&loop->inbox);
}

int tocsin_loop_get(struct tocsin_loop_facts *ret_facts)
{
    struct tocsin__loop *loop = tocsin__self;

    if (!ret_facts || loop == &tocsin__no_loop || tocsin__inherited(loop))
        return tocsin__traced(!ret_facts                 ? -EINVAL
                              : loop == &tocsin__no_loop ? -ENODEV
                                                         : -EOWNERDEAD);
    *ret_facts = (struct tocsin_loop_facts){
        .loop = id_of(loop),
        .main = loop == tocsin__loop_main(),
        .turns = loop->figures.turns,
        .received = loop->inbox.received,
        .refused = loop->inbox.refused,
        .missed = loop->inbox.missed,
        .wakeups = loop->inbox.wakeups,
        .lag_us = loop->figures.lag_us,
        .lag_most_us = loop->figures.lag_most_us,
        .busy_us = loop->figures.busy_us,
    };
    return 0;
}

/* Retiring a loop, and using it again in the child of a fork */

void tocsin__loop_take_over(struct tocsin__loop *loop)
{
    loop->life.inherited = 0;
    loop->word = loop->life.number;
}

void tocsin__loop_revive(struct tocsin__loop *loop)
{
    pthread_mutex_lock(&lock);
    loop_add_living(loop);
    pthread_mutex_unlock(&lock);
    tocsin__inbox_revive(&loop->inbox);
}

void tocsin__loop_retire(struct tocsin__loop *loop)
{
    tocsin__assert(tocsin__at_rest(loop) && !loop->inbox.first);
    loop->life.freeing = loop->life.exempt = loop->life.stop_wanted = loop->life.free_wanted =
        loop->life.thread_ended = false;
    loop->life.stop_status = 0;
    loop->patterns.resolved = 0;
    loop->age = loop->wide_age = 0;
    loop->turn_us = 0;
    loop->figures.turns = 0;
    atomic_store(&loop->remote.progresses, false);
    loop->figures.lag_us = loop->figures.lag_most_us = loop->figures.busy_us = 0;
    for (size_t i = 0; i < sizeof loop->life.name / sizeof loop->life.name[0]; i++)
        atomic_store_explicit(&loop->life.name[i], 0, memory_order_relaxed);
    loop->engine = NULL;
    /* The next loop in this memory belongs to another thread, which has another stack. */
    loop->stack.frame = loop->stack.checked_at = NULL;
    loop->stack.left = false;
    loop->stack.low = loop->stack.high = loop->stack.fiber_low = loop->stack.fiber_high = NULL;
    tocsin__loop_take_over(loop);
    tocsin__self = &tocsin__no_loop;
    pthread_mutex_lock(&lock);
    loop->life.next = retired;
    retired = loop;
    pthread_mutex_unlock(&lock);
}
