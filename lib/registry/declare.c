/* Declares signals: checks a spec, copies it, and gives the signal an owner. */
#include <errno.h>
#include <string.h>

#include "base/inbox.h"
#include "base/refusal.h"
#include "registry/declare.h"
#include "registry/layout.h"
#include "registry/names.h"
#include "registry/owner.h"
#include "registry/registry.h"

static bool has_spare(const uintptr_t *spare, size_t count)
{
    while (count--)
        if (spare[count])
            return true;
    return false;
}

/* Returns true if a message can contain a payload of this layout: the payload is small enough, and
   has no text, bytes, descriptor, object or pointer. */
static bool is_flat(const struct tocsin_layout *layout, int types, size_t most)
{
    const int deep = 1 << TOCSIN_STRING | 1 << TOCSIN_BYTES | 1 << TOCSIN_FD | 1 << TOCSIN_OBJECT |
                     1 << TOCSIN_LOCAL;

    return !layout || (!(types & deep) && layout->size <= most);
}

static int async_check(const struct tocsin_signal_spec *spec, int types)
{
    size_t most = spec->flags & TOCSIN__LARGE ? TOCSIN__MESSAGE_BYTES : TOCSIN_ASYNC_MAX;

    if (spec->flags & ~(unsigned)(TOCSIN_ASYNC | TOCSIN__LARGE))
        return tocsin__because(-EINVAL, "the flags of '%s' are %#x: the only flag is TOCSIN_ASYNC",
                               spec->name, spec->flags);
    if (!(spec->flags & TOCSIN_ASYNC))
        return 0;
    if (spec->kind == TOCSIN_DIRECT)
        return tocsin__because(
            -EINVAL,
            "'%s' is a question, which can only be asked, not posted: it cannot be TOCSIN_ASYNC",
            spec->name);
    if (!is_flat(spec->layout, types, most))
        return tocsin__because(-EINVAL,
                               "'%s' is TOCSIN_ASYNC: its layout \"%s\" is too large, or has text, "
                               "bytes, a descriptor, an object or a pointer",
                               spec->name, spec->layout->fields);
    return 0;
}

static int spec_check(const struct tocsin_signal_spec *spec)
{
    int types = 0;

    if (!spec || !spec->name)
        return tocsin__because(-EINVAL, spec ? "the signal has no name" : "spec is NULL");
    if (tocsin__name_check(spec->name, strlen(spec->name)) < 0)
        return tocsin__because(-EINVAL,
                               "'%s' is malformed: a name has segments of A-Z a-z 0-9 _ - and "
                               "single dots between them, %d bytes at most",
                               spec->name, TOCSIN_NAME_MAX);
    if (has_spare(spec->spare, 4))
        return tocsin__because(
            -EINVAL, "the spare words of '%s' are not zero: initialize its whole spec", spec->name);
    if (spec->kind < TOCSIN_QUEUED || spec->kind > TOCSIN_DIRECT ||
        spec->unhandled < TOCSIN_IGNORE || spec->unhandled > TOCSIN_ABORT)
        return tocsin__because(-EINVAL,
                               "the kind or the default action of '%s' is not a value of its enum",
                               spec->name);
    if (spec->layout)
        types = tocsin__layout_check(spec->layout);
    if (types < 0)
        return tocsin__because(-EINVAL,
                               "the layout of '%s' is malformed, or its size is not that of its "
                               "fields: make it with TOCSIN_LAYOUT",
                               spec->name);
    if (types & 1 << TOCSIN_LOCAL && spec->kind != TOCSIN_DIRECT)
        return tocsin__because(
            -EINVAL,
            "the layout of '%s' has a bare pointer, which only a question (TOCSIN_DIRECT) may have",
            spec->name);
    return async_check(spec, types);
}

static bool spec_same(const struct tocsin__signal *signal, const struct tocsin_signal_spec *other)
{
    const struct tocsin_signal_spec *one = &signal->spec;

    return tocsin__layout_same(one->layout, other->layout) && one->kind == other->kind &&
           one->unhandled == other->unhandled &&
           (one->unhandled_fn == other->unhandled_fn || signal->orphan) &&
           one->rank == other->rank && one->flags == other->flags && one->limit == other->limit &&
           one->limit_bytes == other->limit_bytes;
}

static int spec_refuse(const struct tocsin__signal *signal, const struct tocsin_signal_spec *spec)
{
    const struct tocsin_layout *one = signal->spec.layout, *other = spec->layout;

    if (!tocsin__layout_same(one, other))
        return tocsin__because(
            -EEXIST, "'%s' is declared with the layout \"%s\" already, not with \"%s\"",
            signal->name, one ? one->fields : "none", other ? other->fields : "none");
    return tocsin__because(
        -EEXIST, "'%s' is declared already, with another kind, default action, rank, limit or flag",
        signal->name);
}

/* Declares an orphan again. An orphan is a signal whose plugin was unloaded. */
static int orphan_adopt(struct tocsin__signal *signal, const struct tocsin_signal_spec *spec,
                        struct tocsin__owner *owner)
{
    int err = tocsin__owner_charge(owner, TOCSIN_RESOURCE_SIGNALS, 1);

    if (err < 0)
        return err;
    tocsin__owner_uncharge(signal->owner, TOCSIN_RESOURCE_SIGNALS, 1);
    __atomic_store_n(&signal->spec.unhandled_fn, spec->unhandled_fn, __ATOMIC_RELAXED);
    signal->owner = owner;
    signal->orphan = false;
    tocsin__interest_set(signal);
    return signal->signo;
}

static int spec_keep(struct tocsin__signal *signal, const struct tocsin_signal_spec *spec)
{
    char *doc = spec->doc && *spec->doc ? tocsin__copy_text(spec->doc) : NULL;
    bool enough = doc || !spec->doc || !*spec->doc;
    char *name = enough && spec->layout
                     ? tocsin__copy_text(spec->layout->name ? spec->layout->name : "")
                     : NULL;
    char *fields = name ? tocsin__copy_text(spec->layout->fields) : NULL;

    if (!enough || (spec->layout && !fields)) {
        tocsin__release(doc);
        tocsin__release(name);
        return -ENOMEM;
    }
    signal->spec = *spec;
    signal->flat = is_flat(spec->layout, spec->layout ? tocsin__layout_check(spec->layout) : 0,
                           TOCSIN__MESSAGE_BYTES);
    signal->spec.name = signal->name;
    signal->spec.doc = doc ? doc : "";
    if (spec->layout) {
        signal->layout = (struct tocsin_layout){ name, fields, spec->layout->size };
        signal->spec.layout = &signal->layout;
    }
    signal->declared = true;
    return 0;
}

/* Returns true if every loop needs a latest cell, because a real signal handler may post the signal
   to any loop. os.* signals are posted only to loops that listen, so they do not need this. */
static bool needs_latest_everywhere(const struct tocsin_signal_spec *spec)
{
    return spec->kind == TOCSIN_COALESCE && spec->flags & TOCSIN_ASYNC &&
           !(spec->flags & TOCSIN__LARGE);
}

static int declare_locked(const struct tocsin_signal_spec *spec, struct tocsin__owner *owner)
{
    size_t size = strlen(spec->name);
    struct tocsin__signal *signal = tocsin__name_find(spec->name, size);
    int err = 0;

    if (signal && signal->declared)
        return !spec_same(signal, spec) ? spec_refuse(signal, spec)
               : signal->orphan         ? orphan_adopt(signal, spec, owner)
                                        : signal->signo;
    if (!signal)
        err = tocsin__name_make(spec->name, size, &signal);
    if (err == 0 && needs_latest_everywhere(spec))
        err = tocsin__listeners_make_all(signal);
    if (err == 0 && spec->kind == TOCSIN_COALESCE)
        err = tocsin__listeners_make_latest(signal);
    if (err == 0)
        err = tocsin__owner_charge(owner, TOCSIN_RESOURCE_SIGNALS, 1);
    if (err == 0 && (err = spec_keep(signal, spec)) < 0)
        tocsin__owner_uncharge(owner, TOCSIN_RESOURCE_SIGNALS, 1);
    if (err == 0) {
        signal->owner = owner;
        tocsin__interest_set(signal);
        if (needs_latest_everywhere(spec))
            tocsin__listeners_async(signal);
    }
    return err < 0 ? err : signal->signo;
}

/* Gives the signals of a plugin to the program, because the plugin is unloaded. Other loops may
   still listen, so the names and their layouts stay. */
void tocsin__signals_orphan(struct tocsin__owner *owner)
{
    uint32_t last;

    pthread_mutex_lock(&tocsin__registry_lock);
    last = atomic_load(&tocsin__signals);
    for (uint32_t signo = 1; signo <= last; signo++) {
        struct tocsin__signal *signal = tocsin__signal((int)signo);

        if (tocsin__owner_has(owner, atomic_load(&signal->fitted)))
            atomic_store(&signal->fitted, NULL);
        if (signal->owner != owner)
            continue;
        signal->owner = &tocsin__program;
        signal->orphan = true;
        /* A thread that takes the default action first charges the owner, and then reads this
         * pointer again. So it does not call the function after the unload has begun. */
        __atomic_store_n(&signal->spec.unhandled_fn, NULL, __ATOMIC_SEQ_CST);
        tocsin__interest_set(signal);
        tocsin__owner_uncharge(owner, TOCSIN_RESOURCE_SIGNALS, 1);
        tocsin__owner_charge_force(&tocsin__program, TOCSIN_RESOURCE_SIGNALS, 1);
    }
    pthread_mutex_unlock(&tocsin__registry_lock);
}

bool tocsin__signals_default(const struct tocsin__owner *owner)
{
    uint32_t last = atomic_load(&tocsin__signals);

    for (uint32_t signo = 1; signo <= last; signo++)
        if (tocsin__owner_has(
                owner, (const void *)__atomic_load_n(&tocsin__signal((int)signo)->spec.unhandled_fn,
                                                     __ATOMIC_RELAXED)))
            return true;
    return false;
}

int tocsin__declare(const struct tocsin_signal_spec *spec, struct tocsin__owner *owner)
{
    int signo = spec_check(spec);

    if (signo < 0)
        return signo;
    pthread_mutex_lock(&tocsin__registry_lock);
    signo = declare_locked(spec, owner);
    pthread_mutex_unlock(&tocsin__registry_lock);
    return signo;
}
