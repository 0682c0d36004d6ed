/* What owners of a name may hold, and how long their handlers are borne with. */
#include <errno.h>
#include <string.h>

#include "core/owner.h"

struct tocsin__ration tocsin__ration_program = { .name = "program", .limit = { [0 ... TOCSIN_HOLDS - 1] = UINT64_MAX } };

static struct tocsin__ration *_Atomic rations = &tocsin__ration_program;

static struct tocsin__ration *find(struct tocsin__ration *ration, const char *name)
{
    while (ration && strcmp(ration->name, name) != 0)
        ration = ration->next;
    return ration;
}

static struct tocsin__ration *ration_new(const char *name)
{
    struct tocsin__ration *ration = tocsin__alloc(sizeof *ration);

    if (!ration)
        return NULL;
    strncpy(ration->name, name, sizeof ration->name - 1);
    for (int what = 0; what < TOCSIN_HOLDS; what++)
        atomic_init(&ration->limit[what], UINT64_MAX);
    atomic_init(&ration->faults, TOCSIN_FAULTS);
    atomic_init(&ration->stalls, TOCSIN_STALLS);
    return ration;
}

struct tocsin__ration *tocsin__ration_of(const char *name)
{
    struct tocsin__ration *first = atomic_load(&rations), *ration = find(first, name), *made = ration ? NULL : ration_new(name);

    if (!made)
        return ration;
    do {                                               /* another thread may put in one of this name meanwhile */
        ration = find(first, name);
        made->next = first;
    } while (!ration && !atomic_compare_exchange_weak(&rations, &first, made));
    if (!ration)
        return made;
    tocsin__release(made);
    return ration;
}

static int ration_for(const char *name, struct tocsin__ration **ret_ration)
{
    if (!name || !*name || strlen(name) >= TOCSIN__OWNER_NAME)
        return -EINVAL;
    *ret_ration = tocsin__ration_of(name);
    return *ret_ration ? 0 : -ENOMEM;
}

int tocsin_owner_limit(const char *name, enum tocsin_holding what, uint64_t most)
{
    struct tocsin__ration *ration;
    int err = (int)what < 0 || what >= TOCSIN_HOLDS_TYPES ? -EINVAL : ration_for(name, &ration);

    if (err < 0)
        return err;
    atomic_store(&ration->limit[what], most);
    atomic_store(&ration->pends, ration->limit[TOCSIN_HOLDS_PENDED] != UINT64_MAX || ration->limit[TOCSIN_HOLDS_PENDED_BYTES] != UINT64_MAX);
    return 0;
}

int tocsin_owner_patience(const char *name, uint32_t faults, uint32_t stalls)
{
    struct tocsin__ration *ration;
    int err = ration_for(name, &ration);

    if (err < 0)
        return err;
    atomic_store(&ration->faults, faults);
    atomic_store(&ration->stalls, stalls);
    return 0;
}
