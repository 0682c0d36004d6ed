/* Finds the owner of the code that runs, and reports an owner that has reached its limit. */
#define _GNU_SOURCE /* makes the headers declare dladdr */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "base/refusal.h"
#include "delivery/emit.h"
#include "delivery/handler.h"
#include "delivery/loop.h"
#include "delivery/owner_here.h"
#include "registry/catalogue.h"
#include "registry/payload.h"

__thread struct tocsin__owner *tocsin__thread_owner;

struct tocsin__owner *tocsin__owner_running(void)
{
    const struct tocsin__loop *loop = tocsin__self;
    const void *code = atomic_load_explicit(&loop->runs.activity.code, memory_order_relaxed);

    if (loop->running)
        return loop->running->owner;
    if (code)
        return tocsin__owner_find(code);
    return loop->runs.sender      ? loop->runs.sender
           : tocsin__thread_owner ? tocsin__thread_owner
                                  : &tocsin__program;
}

/* Returns true if the place is in a file that is not a plugin. While the dynamic linker maps a
 * plugin, the plugin's address range is unknown. A library that is mapped together with a plugin is
 * not part of the plugin, and stays when the plugin is unloaded. */
static bool is_in_a_library(const void *place)
{
    Dl_info found;

    return place && dladdr(place, &found) &&
           strncmp(found.dli_fname, TOCSIN__MAPPED_FROM, sizeof TOCSIN__MAPPED_FROM - 1) != 0;
}

static bool is_being_mapped(const struct tocsin__owner *owner)
{
    return owner != &tocsin__program && atomic_load(&owner->low) == atomic_load(&owner->high);
}

struct tocsin__owner *tocsin__owner_of_call(const void *code, const void *place)
{
    struct tocsin__owner *owner = tocsin__owner_find(code);

    if (owner == &tocsin__program)
        owner = tocsin__owner_find(place);
    if (owner != &tocsin__program)
        return owner;
    owner = tocsin__owner_running();
    return is_being_mapped(owner) && is_in_a_library(place) ? &tocsin__program : owner;
}

/* Limits */

void tocsin__owner_emit_limited(struct tocsin__owner *owner, enum tocsin_resource what)
{
    int signo = tocsin__catalogue_signo(&tocsin__owner_limited_spec);
    uint32_t bit = (uint32_t)1 << what;

    if (atomic_load(&owner->limits_reported) & bit ||
        atomic_fetch_or(&owner->limits_reported, bit) & bit || signo <= 0)
        return;
    if (tocsin__self != &tocsin__no_loop && tocsin_has_listeners(signo) > 0)
        tocsin_emit(signo, TOCSIN_PAYLOAD(tocsin_owner_limited, .owner = owner->name,
                                          .holding = tocsin_resource_name(what),
                                          .limit = tocsin__owner_limit_of(owner, what)));
}

int tocsin__owner_charge_or_report(struct tocsin__owner *owner, enum tocsin_resource what)
{
    int err = tocsin__owner_charge(owner, what, 1);

    if (err == -EDQUOT)
        tocsin__owner_emit_limited(owner, what);
    return err;
}

static bool is_over(const struct tocsin__owner *owner, enum tocsin_resource what, uint64_t count)
{
    uint64_t limit = tocsin__owner_limit_of(owner, what);

    return tocsin__unlikely(limit != UINT64_MAX) &&
           tocsin__owner_count(owner, what) + count > limit;
}

/* Emissions of the library's own signals are never refused, because tocsin.owner.limited is one of
   them. */
int tocsin__owner_check_pending_quota(struct tocsin__owner *owner, const char *signal,
                                      const struct tocsin_payload *payload)
{
    enum tocsin_resource what = is_over(owner, TOCSIN_RESOURCE_PENDING, 1)
                                    ? TOCSIN_RESOURCE_PENDING
                                    : TOCSIN_RESOURCE_PENDING_BYTES;

    if (what == TOCSIN_RESOURCE_PENDING_BYTES &&
        !is_over(owner, what, tocsin__payload_size(payload)))
        return 0;
    if (strncmp(signal, "tocsin.", 7) == 0)
        return 0;
    atomic_fetch_add(&owner->refused, 1);
    tocsin__owner_emit_limited(owner, what);
    return tocsin__because(-EDQUOT, "%s has %llu of %llu %s", owner->name,
                           (unsigned long long)tocsin__owner_count(owner, what),
                           (unsigned long long)tocsin__owner_limit_of(owner, what),
                           tocsin_resource_name(what));
}
