/* The owners: the program and the plugins. This file stores their address ranges, and counts their
 * resources. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/fork.h"
#include "base/refusal.h"
#include "base/words.h"
#include "registry/owner.h"

struct tocsin__owner tocsin__program = { .name = "program", .quota = &tocsin__quota_program };
struct tocsin__owner *_Atomic tocsin__plugins;
__thread uint32_t tocsin__owner_shard;
void (*_Atomic tocsin__owner_on_release)(struct tocsin__owner *owner);
void (*_Atomic tocsin__owner_on_changed)(const char *plugin);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* this lock is held while an owner is
                                                          * added */
static uint32_t numbers;

static const char *const resource_names[TOCSIN_RESOURCE_COUNT] = {
    "handlers",      "operations", "queues",  "blocks",        "sources", "signals", "pending",
    "pending_bytes", "tasks",      "streams", "waiting_bytes", "types",   "objects"
};

static struct tocsin__owner *owner_first(void)
{
    return atomic_load_explicit(&tocsin__plugins, memory_order_acquire);
}

static struct tocsin__owner *owner_after(const struct tocsin__owner *owner)
{
    return atomic_load_explicit(&owner->next, memory_order_acquire);
}

/* Addresses */

struct tocsin__owner *tocsin__owner_find(const void *address)
{
    struct tocsin__owner *owner = owner_first();

    while (owner && !tocsin__owner_has(owner, address))
        owner = owner_after(owner);
    return owner ? owner : &tocsin__program;
}

/* Counts */

static _Atomic uint64_t *count_here(struct tocsin__owner *owner, int what)
{
    return &owner->shards[tocsin__owner_shard].counts[what];
}

uint64_t tocsin__owner_count(const struct tocsin__owner *owner, int what)
{
    uint64_t sum = 0;

    for (int i = 0; i < TOCSIN__OWNER_SHARDS; i++)
        sum += atomic_load(&owner->shards[i].counts[what]);
    return sum;
}

/* A pool task whose result can still be taken also has an operation. Such a task is not counted
   twice. */
void tocsin__owner_describe(const struct tocsin__owner *owner, int which,
                            struct tocsin__text_builder *words)
{
    uint64_t tasks = tocsin__owner_count(owner, TOCSIN_RESOURCE_TASKS),
             works = tocsin__owner_count(owner, TOCSIN__WORKS);
    uint64_t timers = tocsin__owner_count(owner, TOCSIN__TIMERS),
             tickers = tocsin__owner_count(owner, TOCSIN__TICKERS);
    uint64_t watches = tocsin__owner_count(owner, TOCSIN__WATCHES),
             fibers = tocsin__owner_count(owner, TOCSIN__FIBERS);
    uint64_t streams = tocsin__owner_count(owner, TOCSIN_RESOURCE_STREAMS);
    uint64_t named = timers + tickers + watches + fibers + streams +
                     (works < tasks ? works : tasks);
    uint64_t all = tocsin__owner_count(owner, TOCSIN_RESOURCE_OPERATIONS),
             other = all > named ? all - named : 0;
    uint64_t standing = tocsin__owner_count(owner, TOCSIN__PERSISTENT) - tickers - watches;

    tocsin__text_add_count(words, tasks, "task");
    tocsin__text_add_count(words, timers + (which == TOCSIN__ALL ? tickers : 0), "timer");
    tocsin__text_add_count(words, which == TOCSIN__ALL ? watches : 0, "watch");
    tocsin__text_add_count(words, fibers, "fiber");
    tocsin__text_add_count(words, streams, "stream");
    tocsin__text_add_count(
        words, which == TOCSIN__ALL || standing > other ? other : other - standing, "operation");
}

static void owner_report_release(struct tocsin__owner *owner)
{
    void (*on_release)(struct tocsin__owner *) = atomic_load(&tocsin__owner_on_release);

    if (on_release)
        on_release(owner);
}

/* First adds to the count, then reads `closed`. So either the thread that closes the owner sees the
 * new count, or this thread sees that the owner is closed. */
int tocsin__owner_charge(struct tocsin__owner *owner, enum tocsin_resource what, uint64_t count)
{
    uint64_t limit = tocsin__owner_limit_of(owner, what);
    int err = 0;

    atomic_fetch_add(count_here(owner, what), count);
    if (tocsin__unlikely(atomic_load(&owner->closed)))
        err = -ESHUTDOWN;
    else if (tocsin__unlikely(limit != UINT64_MAX) && tocsin__owner_count(owner, what) > limit)
        err = -EDQUOT;
    if (err < 0)
        tocsin__owner_uncharge(owner, what, count);
    if (err == -EDQUOT)
        atomic_fetch_add(&owner->refused, 1);
    if (err == -EDQUOT)
        return tocsin__because(err, "%s has %llu of %llu %s", owner->name,
                               (unsigned long long)tocsin__owner_count(owner, what),
                               (unsigned long long)limit, resource_names[what]);
    if (err < 0)
        return tocsin__because(err, "%s is being unloaded", owner->name);
    return err;
}

void tocsin__owner_charge_force(struct tocsin__owner *owner, int what, uint64_t count)
{
    atomic_fetch_add(count_here(owner, what), count);
}

void tocsin__owner_uncharge(struct tocsin__owner *owner, int what, uint64_t count)
{
    uint32_t bit = (uint32_t)1 << what;

    atomic_fetch_sub(count_here(owner, what), count);
    if (tocsin__unlikely(atomic_load(&owner->watched)))
        owner_report_release(owner);
    if (tocsin__unlikely(atomic_load_explicit(&owner->limits_reported, memory_order_relaxed) &
                         bit) &&
        tocsin__owner_count(owner, what) < tocsin__owner_limit_of(owner, what))
        atomic_fetch_and(&owner->limits_reported, ~bit);
}

const char *tocsin_resource_name(enum tocsin_resource what)
{
    return (int)what < 0 || what >= TOCSIN_RESOURCE_COUNT ? NULL : resource_names[what];
}

/* The step of the owners before and after a fork (T8; lib/base/fork.h). */

static void owners_fork_prepare(void)
{
    pthread_mutex_lock(&lock);
}

static void owners_fork_after(void)
{
    pthread_mutex_unlock(&lock);
}

static __attribute__((constructor)) void owners_fork_register(void)
{
    static const struct tocsin__fork_step step = { .prepare = owners_fork_prepare,
                                                   .parent = owners_fork_after,
                                                   .child = owners_fork_after };

    tocsin__fork_register(TOCSIN__FORK_OWNERS, &step);
}

/* Plugins */

static void owner_init(struct tocsin__owner *owner, const char *name, struct tocsin__quota *quota)
{
    strncpy(owner->name, name, sizeof owner->name - 1);
    atomic_store(&owner->quota, quota);
    atomic_store(&owner->refused, 0);
    atomic_store(&owner->limits_reported, 0);
    atomic_store(&owner->closed, false);
    atomic_store(&owner->watched, false);
    atomic_store(&owner->reloading, false);
    atomic_store(&owner->idle, false);
}

struct tocsin__owner *tocsin__owner_new(const char *name)
{
    struct tocsin__quota *quota = tocsin__quota_of(name);
    struct tocsin__owner *owner, *last = NULL;

    if (!quota)
        return NULL;
    pthread_mutex_lock(&lock);
    for (owner = owner_first(); owner && !atomic_load(&owner->idle); owner = owner_after(owner))
        last = owner;
    if (owner) {
        memset(owner->name, 0, sizeof owner->name);
        owner_init(owner, name, quota);
    } else if ((owner = tocsin__alloc_lines(sizeof *owner))) {
        owner->number = ++numbers;
        owner_init(owner, name, quota);
        atomic_store(last ? &last->next : &tocsin__plugins, owner);
    }
    pthread_mutex_unlock(&lock);
    return owner;
}

/* Stores `high` last, so that no thread reads a range made of the low end of one file and the high
 * end of another. */
void tocsin__owner_set_range(struct tocsin__owner *owner, uintptr_t low, uintptr_t high)
{
    atomic_store(&owner->high, 0);
    atomic_store(&owner->low, low);
    atomic_store(&owner->high, high);
}

void tocsin__owner_reopen(struct tocsin__owner *owner)
{
    atomic_store(&owner->reloading, false);
    atomic_store(&owner->closed, false);
}

void tocsin__owner_end(struct tocsin__owner *owner)
{
    tocsin__owner_set_range(owner, 0, 0);
    atomic_store(&owner->idle, true);
}

struct tocsin__owner *tocsin__owner_numbered(uint32_t number)
{
    struct tocsin__owner *owner = number ? owner_first() : &tocsin__program;

    while (owner && owner->number != number)
        owner = owner_after(owner);
    return owner;
}

/* For programs */

static int quota_for(const char *name, struct tocsin__quota **ret_quota)
{
    if (!name || !*name || strlen(name) >= TOCSIN__OWNER_NAME)
        return -EINVAL;
    *ret_quota = tocsin__quota_of(name);
    return *ret_quota ? 0 : -ENOMEM;
}

int tocsin_owner_limit(const char *name, enum tocsin_resource what, uint64_t most)
{
    struct tocsin__quota *quota;
    int err = (int)what < 0 || what >= TOCSIN_RESOURCE_TYPES ? -EINVAL : quota_for(name, &quota);

    if (err < 0)
        return tocsin__traced(err);
    atomic_store(&quota->limit[what], most);
    atomic_store(&quota->limits_pending,
                 quota->limit[TOCSIN_RESOURCE_PENDING] != UINT64_MAX ||
                     quota->limit[TOCSIN_RESOURCE_PENDING_BYTES] != UINT64_MAX);
    return 0;
}

int tocsin_owner_fault_limit(const char *name, uint32_t faults, uint32_t stalls)
{
    struct tocsin__quota *quota;
    int err = quota_for(name, &quota);

    if (err < 0)
        return tocsin__traced(err);
    atomic_store(&quota->faults, faults);
    atomic_store(&quota->stalls, stalls);
    return 0;
}

static struct tocsin__owner *owner_skip_dead(struct tocsin__owner *owner)
{
    while (owner && (atomic_load(&owner->idle) || atomic_load(&owner->gone)))
        owner = owner_after(owner);
    return owner;
}

static struct tocsin__owner *owner_from_id(uint32_t id)
{
    struct tocsin__owner *owner = owner_skip_dead(owner_first());

    if (!id)
        return &tocsin__program;
    while (owner && owner->number < id)
        owner = owner_skip_dead(owner_after(owner));
    return owner;
}

int tocsin_owner_next(uint32_t id, struct tocsin_owner_facts *ret_facts)
{
    const struct tocsin__owner *owner = owner_from_id(id);

    if (!ret_facts || !owner)
        return tocsin__traced_but(-ENOENT, ret_facts ? -ENOENT : -EINVAL);
    *ret_facts = (struct tocsin_owner_facts){ .id = owner->number + 1,
                                              .name = owner->name,
                                              .refused = atomic_load(&owner->refused) };
    for (int what = 0; what < TOCSIN_RESOURCE_COUNT; what++) {
        ret_facts->held[what] = tocsin__owner_count(owner, (enum tocsin_resource)what);
        ret_facts->limit[what] = tocsin__owner_limit_of(owner, (enum tocsin_resource)what);
    }
    return 0;
}
