#define _GNU_SOURCE                                    /* dladdr */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "core/catalogue.h"
#include "core/emit.h"
#include "core/handler.h"
#include "core/layout.h"
#include "core/loop.h"
#include "core/owner.h"

struct tocsin__owner tocsin__program = { .name = "program", .ration = &tocsin__ration_program };
struct tocsin__owner *_Atomic tocsin__plugins;
__thread struct tocsin__owner *tocsin__at_work;
void (*_Atomic tocsin__owner_let_go)(struct tocsin__owner *owner);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;       /* of new ones */
static uint32_t numbers;

static const char *const holdings[TOCSIN_HOLDS] = {
    "handlers", "operations", "queues", "blocks", "sources", "signals", "pended", "pended_bytes", "tasks", "types", "objects"
};

static struct tocsin__owner *first(void)
{
    return atomic_load_explicit(&tocsin__plugins, memory_order_acquire);
}

static struct tocsin__owner *after(const struct tocsin__owner *owner)
{
    return atomic_load_explicit(&owner->next, memory_order_acquire);
}

/* Whose */

struct tocsin__owner *tocsin__owner_find(const void *address)
{
    struct tocsin__owner *owner = first();

    while (owner && !tocsin__owner_has(owner, address))
        owner = after(owner);
    return owner ? owner : &tocsin__program;
}

struct tocsin__owner *tocsin__owner_runs(void)
{
    const struct tocsin__loop *loop = tocsin__self;
    const void *code = atomic_load_explicit(&loop->doing.code, memory_order_relaxed);

    if (loop->running)
        return loop->running->owner;
    if (code)
        return tocsin__owner_find(code);
    return loop->poster ? loop->poster : tocsin__at_work ? tocsin__at_work : &tocsin__program;
}

/* While a plugin is mapped it is not known yet where; but a library that comes with it is not it, nor goes with it. */
static bool is_in_a_library(const void *place)
{
    Dl_info found;

    return place && dladdr(place, &found) && strncmp(found.dli_fname, TOCSIN__MAPPED_FROM, sizeof TOCSIN__MAPPED_FROM - 1) != 0;
}

static bool is_being_mapped(const struct tocsin__owner *owner)
{
    return owner != &tocsin__program && atomic_load(&owner->low) == atomic_load(&owner->high);
}

struct tocsin__owner *tocsin__owner_mixed(const void *code, const void *place)
{
    struct tocsin__owner *owner = tocsin__owner_find(code);

    if (owner == &tocsin__program)
        owner = tocsin__owner_find(place);
    if (owner != &tocsin__program)
        return owner;
    owner = tocsin__owner_runs();
    return is_being_mapped(owner) && is_in_a_library(place) ? &tocsin__program : owner;
}

/* What it holds */

static uint64_t limit_of(const struct tocsin__owner *owner, enum tocsin_holding what)
{
    return atomic_load_explicit(&tocsin__ration(owner)->limit[what], memory_order_relaxed);
}

static _Atomic uint64_t *held_here(struct tocsin__owner *owner, int what)
{
    return &owner->shards[tocsin__self->number % TOCSIN__OWNER_SHARDS].held[what];
}

uint64_t tocsin__owner_held(const struct tocsin__owner *owner, int what)
{
    uint64_t sum = 0;

    for (int i = 0; i < TOCSIN__OWNER_SHARDS; i++)
        sum += atomic_load(&owner->shards[i].held[what]);
    return sum;
}

static void let_go(struct tocsin__owner *owner)
{
    void (*tell)(struct tocsin__owner *owner) = atomic_load(&tocsin__owner_let_go);

    if (tell)
        tell(owner);
}

/* Counted first: who closes it sees that, or we see that it is closed. */
int tocsin__owner_take(struct tocsin__owner *owner, enum tocsin_holding what, uint64_t count)
{
    uint64_t limit = limit_of(owner, what);
    int err = 0;

    atomic_fetch_add(held_here(owner, what), count);
    if (tocsin__unlikely(atomic_load(&owner->closed)))
        err = -ESHUTDOWN;
    else if (tocsin__unlikely(limit != UINT64_MAX) && tocsin__owner_held(owner, what) > limit)
        err = -EDQUOT;
    if (err < 0)
        tocsin__owner_give(owner, what, count);
    if (err == -EDQUOT)
        atomic_fetch_add(&owner->refused, 1);
    return err;
}

void tocsin__owner_hold(struct tocsin__owner *owner, int what, uint64_t count)
{
    atomic_fetch_add(held_here(owner, what), count);
}

static bool over(const struct tocsin__owner *owner, enum tocsin_holding what, uint64_t count)
{
    uint64_t limit = limit_of(owner, what);

    return tocsin__unlikely(limit != UINT64_MAX) && tocsin__owner_held(owner, what) + count > limit;
}

void tocsin__owner_give(struct tocsin__owner *owner, int what, uint64_t count)
{
    uint32_t bit = (uint32_t)1 << what;

    atomic_fetch_sub(held_here(owner, what), count);
    if (tocsin__unlikely(atomic_load(&owner->watched)))
        let_go(owner);
    if (tocsin__unlikely(atomic_load_explicit(&owner->told, memory_order_relaxed) & bit) &&
        tocsin__owner_held(owner, what) < limit_of(owner, what))
        atomic_fetch_and(&owner->told, ~bit);
}

void tocsin__owner_tell(struct tocsin__owner *owner, enum tocsin_holding what)
{
    int signo = tocsin__catalogue_signo(&tocsin__owner_limited_spec);
    uint32_t bit = (uint32_t)1 << what;

    if (atomic_load(&owner->told) & bit || atomic_fetch_or(&owner->told, bit) & bit || signo <= 0)
        return;
    if (tocsin__self != &tocsin__no_loop && tocsin_heard(signo) > 0)
        tocsin_emit(signo, TOCSIN_PAYLOAD(tocsin_owner_limited, .owner = owner->name, .holding = holdings[what], .limit = limit_of(owner, what)));
}

int tocsin__owner_admit(struct tocsin__owner *owner, enum tocsin_holding what)
{
    int err = tocsin__owner_take(owner, what, 1);

    if (err == -EDQUOT)
        tocsin__owner_tell(owner, what);
    return err;
}

/* The library's own signals say what is wrong, among others this. */
int tocsin__owner_ration(struct tocsin__owner *owner, const char *signal, const struct tocsin_payload *payload)
{
    enum tocsin_holding what = over(owner, TOCSIN_HOLDS_PENDED, 1) ? TOCSIN_HOLDS_PENDED : TOCSIN_HOLDS_PENDED_BYTES;

    if (what == TOCSIN_HOLDS_PENDED_BYTES && !over(owner, what, tocsin__payload_size(payload)))
        return 0;
    if (strncmp(signal, "tocsin.", 7) == 0)
        return 0;
    atomic_fetch_add(&owner->refused, 1);
    tocsin__owner_tell(owner, what);
    return -EDQUOT;
}

const char *tocsin_holding_name(enum tocsin_holding what)
{
    return (int)what < 0 || what >= TOCSIN_HOLDS ? NULL : holdings[what];
}

/* Plugins */

static void owner_begin(struct tocsin__owner *owner, const char *name, struct tocsin__ration *ration)
{
    strncpy(owner->name, name, sizeof owner->name - 1);
    atomic_store(&owner->ration, ration);
    atomic_store(&owner->refused, 0);
    atomic_store(&owner->told, 0);
    atomic_store(&owner->closed, false);
    atomic_store(&owner->watched, false);
    atomic_store(&owner->idle, false);
}

struct tocsin__owner *tocsin__owner_new(const char *name)
{
    struct tocsin__ration *ration = tocsin__ration_of(name);
    struct tocsin__owner *owner, *last = NULL;

    if (!ration)
        return NULL;
    pthread_mutex_lock(&lock);
    for (owner = first(); owner && !atomic_load(&owner->idle); owner = after(owner))
        last = owner;
    if (owner) {
        memset(owner->name, 0, sizeof owner->name);
        owner_begin(owner, name, ration);
    } else if ((owner = tocsin__alloc_lines(sizeof *owner))) {
        owner->number = ++numbers;
        owner_begin(owner, name, ration);
        atomic_store(last ? &last->next : &tocsin__plugins, owner);
    }
    pthread_mutex_unlock(&lock);
    return owner;
}

/* high last: until then it has nothing. */
void tocsin__owner_maps(struct tocsin__owner *owner, uintptr_t low, uintptr_t high)
{
    atomic_store(&owner->high, 0);
    atomic_store(&owner->low, low);
    atomic_store(&owner->high, high);
}

void tocsin__owner_end(struct tocsin__owner *owner)
{
    tocsin__owner_maps(owner, 0, 0);
    atomic_store(&owner->idle, true);
}

struct tocsin__owner *tocsin__owner_numbered(uint32_t number)
{
    struct tocsin__owner *owner = number ? first() : &tocsin__program;

    while (owner && owner->number != number)
        owner = after(owner);
    return owner;
}

/* For programs */

static struct tocsin__owner *live(struct tocsin__owner *owner)
{
    while (owner && (atomic_load(&owner->idle) || atomic_load(&owner->gone)))
        owner = after(owner);
    return owner;
}

static struct tocsin__owner *after_id(uint32_t id)
{
    struct tocsin__owner *owner = live(first());

    if (!id)
        return &tocsin__program;
    while (owner && owner->number < id)
        owner = live(after(owner));
    return owner;
}

int tocsin_owner_next(uint32_t id, struct tocsin_owner_facts *ret_facts)
{
    const struct tocsin__owner *owner = after_id(id);

    if (!ret_facts || !owner)
        return ret_facts ? -ENOENT : -EINVAL;
    *ret_facts = (struct tocsin_owner_facts){ .id = owner->number + 1, .name = owner->name, .refused = atomic_load(&owner->refused) };
    for (int what = 0; what < TOCSIN_HOLDS; what++) {
        ret_facts->held[what] = tocsin__owner_held(owner, (enum tocsin_holding)what);
        ret_facts->limit[what] = limit_of(owner, (enum tocsin_holding)what);
    }
    return 0;
}
