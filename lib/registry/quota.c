/* The list of quotas, by name. It only grows, so readers need no lock. */
#include <string.h>

#include "registry/quota.h"

struct tocsin__quota tocsin__quota_program = {
    .name = "program", .limit = { [0 ... TOCSIN_RESOURCE_COUNT - 1] = UINT64_MAX }
};

static struct tocsin__quota *_Atomic quotas = &tocsin__quota_program;

static struct tocsin__quota *quota_find(struct tocsin__quota *quota, const char *name)
{
    while (quota && strcmp(quota->name, name) != 0)
        quota = quota->next;
    return quota;
}

static struct tocsin__quota *quota_new(const char *name)
{
    struct tocsin__quota *quota = tocsin__alloc(sizeof *quota);

    if (!quota)
        return NULL;
    strncpy(quota->name, name, sizeof quota->name - 1);
    for (int what = 0; what < TOCSIN_RESOURCE_COUNT; what++)
        atomic_init(&quota->limit[what], UINT64_MAX);
    atomic_init(&quota->faults, TOCSIN_FAULTS);
    atomic_init(&quota->stalls, TOCSIN_STALLS);
    return quota;
}

struct tocsin__quota *tocsin__quota_of(const char *name)
{
    struct tocsin__quota *first = atomic_load(&quotas), *quota = quota_find(first, name),
                         *made = quota ? NULL : quota_new(name);

    if (!made)
        return quota;
    do { /* another thread may have added a quota with this name meanwhile */
        quota = quota_find(first, name);
        made->next = first;
    } while (!quota && !atomic_compare_exchange_weak(&quotas, &first, made));
    if (!quota)
        return made;
    tocsin__release(made);
    return quota;
}
