#include <string.h>

#include "core/catalogue.h"
#include "core/inbox.h"
#include "core/layout.h"
#include "core/loop.h"
#include "core/match.h"
#include "core/os.h"
#include "core/owner.h"
#include "core/pattern.h"
#include "core/registry.h"

_Atomic uint32_t tocsin__interest[TOCSIN_SIGNALS_MAX];
_Atomic uint32_t tocsin__signals;

static struct tocsin__signal *_Atomic by_signo[TOCSIN_SIGNALS_MAX];
static uint32_t names_limit = TOCSIN_SIGNALS_MAX - 1;
pthread_mutex_t tocsin__registry_lock = PTHREAD_MUTEX_INITIALIZER;

struct tocsin__signal *tocsin__signal(int signo)
{
    uint32_t last = atomic_load_explicit(&tocsin__signals, memory_order_acquire);

    return (uint32_t)signo - 1 < last ? atomic_load_explicit(&by_signo[signo], memory_order_acquire) : NULL;
}

const struct tocsin_layout *tocsin__signal_layout(int signo, const struct tocsin_payload *payload)
{
    struct tocsin__signal *signal = tocsin__signal(signo);

    if (!payload)
        return NULL;
    return signal && signal->spec.layout && tocsin__layout_same(signal->spec.layout, payload->layout) ? signal->spec.layout : payload->layout;
}

/* Interest */

void tocsin__interest_set(struct tocsin__signal *signal)
{
    bool slow = !signal->declared || signal->unresolved || signal->loops > 1 || signal->spec.kind == TOCSIN_DIRECT ||
                tocsin__has_default(signal);
    uint32_t word = slow ? (uint32_t)TOCSIN__SLOW : signal->loops ? signal->numbers : TOCSIN__NOBODY;

    atomic_store_explicit(&tocsin__interest[signal->signo], word, memory_order_release);
}

/* Names */

int tocsin__name_check(const char *name, size_t size)
{
    bool dot = true;                                   /* a segment is to begin */

    if (size > TOCSIN_NAME_MAX)
        return -EINVAL;
    for (size_t i = 0; i < size; i++) {
        char c = name[i];

        if (c == '.' ? dot : !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return -EINVAL;
        dot = c == '.';
    }
    return dot ? -EINVAL : 0;
}

static struct tocsin__signal *named(const char *name, size_t size)
{
    struct tocsin__tree *node = tocsin__tree_find(name, size);

    return node ? node->signal : NULL;
}

static int name_new(const char *name, size_t size, struct tocsin__signal **ret_signal)
{
    uint32_t signo = tocsin__signals + 1;
    struct tocsin__signal *signal;
    struct tocsin__tree *node;
    char *text;

    if (signo > names_limit)
        return -ENOSPC;
    signal = tocsin__alloc(sizeof *signal + size + 1);
    node = signal ? tocsin__tree_make(name, size) : NULL;
    if (!node) {
        tocsin__release(signal);
        return -ENOMEM;
    }
    text = memcpy(signal + 1, name, size);
    text[size] = '\0';
    signal->name = text;
    signal->signo = (int)signo;
    if (tocsin__patterns_await(signal) < 0) {
        tocsin__release(signal);
        return -ENOMEM;
    }
    node->signal = signal;
    tocsin__interest_set(signal);
    atomic_store_explicit(&by_signo[signo], signal, memory_order_release);
    atomic_store_explicit(&tocsin__signals, signo, memory_order_release);
    *ret_signal = signal;
    return 0;
}

int tocsin__signal_named(const char *name, size_t size, bool make)
{
    struct tocsin__signal *signal;
    int err = tocsin__os_named(name, size);

    if (err < 0)
        return err;
    pthread_mutex_lock(&tocsin__registry_lock);
    signal = named(name, size);
    err = signal ? 0 : make ? name_new(name, size, &signal) : -ENOENT;
    pthread_mutex_unlock(&tocsin__registry_lock);
    return err < 0 ? err : signal->signo;
}

/* Declaring */

static bool spare_set(const uintptr_t *spare, size_t count)
{
    while (count--)
        if (spare[count])
            return true;
    return false;
}

/* A letter can hold it: there is nothing to be copied, counted or duplicated. */
static bool flat(const struct tocsin_layout *layout, int types, size_t most)
{
    const int deep = 1 << TOCSIN_STRING | 1 << TOCSIN_BYTES | 1 << TOCSIN_FD | 1 << TOCSIN_OBJECT | 1 << TOCSIN_LOCAL;

    return !layout || (!(types & deep) && layout->size <= most);
}

static int async_check(const struct tocsin_spec *spec, int types)
{
    size_t most = spec->flags & TOCSIN__LARGE ? TOCSIN__LETTER_BYTES : TOCSIN_ASYNC_MAX;

    if (spec->flags & ~(unsigned)(TOCSIN_ASYNC | TOCSIN__LARGE))
        return -EINVAL;
    return spec->flags & TOCSIN_ASYNC && (spec->kind == TOCSIN_DIRECT || !flat(spec->layout, types, most)) ? -EINVAL : 0;
}

static int spec_check(const struct tocsin_spec *spec)
{
    int types = 0;

    if (!spec || !spec->name || tocsin__name_check(spec->name, strlen(spec->name)) < 0 || spare_set(spec->spare, 4) ||
        spec->kind < TOCSIN_QUEUED || spec->kind > TOCSIN_DIRECT || spec->unhandled < TOCSIN_IGNORE || spec->unhandled > TOCSIN_ABORT)
        return -EINVAL;
    if (spec->layout)
        types = tocsin__layout_check(spec->layout);
    if (types < 0 || (types & 1 << TOCSIN_LOCAL && spec->kind != TOCSIN_DIRECT))
        return -EINVAL;
    return async_check(spec, types);
}

static bool spec_same(const struct tocsin__signal *signal, const struct tocsin_spec *other)
{
    const struct tocsin_spec *one = &signal->spec;

    return tocsin__layout_same(one->layout, other->layout) && one->kind == other->kind && one->unhandled == other->unhandled &&
           (one->unhandled_fn == other->unhandled_fn || signal->orphan) && one->rank == other->rank && one->flags == other->flags &&
           one->limit == other->limit && one->limit_bytes == other->limit_bytes;
}

/* The plugin that had declared it is gone, and its default action with it. */
static int adopt(struct tocsin__signal *signal, const struct tocsin_spec *spec, struct tocsin__owner *owner)
{
    int err = tocsin__owner_take(owner, TOCSIN_HOLDS_SIGNALS, 1);

    if (err < 0)
        return err;
    tocsin__owner_give(signal->owner, TOCSIN_HOLDS_SIGNALS, 1);
    __atomic_store_n(&signal->spec.unhandled_fn, spec->unhandled_fn, __ATOMIC_RELAXED);
    signal->owner = owner;
    signal->orphan = false;
    tocsin__interest_set(signal);
    return signal->signo;
}

static int spec_keep(struct tocsin__signal *signal, const struct tocsin_spec *spec)
{
    char *doc = spec->doc && *spec->doc ? tocsin__copy_text(spec->doc) : NULL;
    bool enough = doc || !spec->doc || !*spec->doc;
    char *name = enough && spec->layout ? tocsin__copy_text(spec->layout->name ? spec->layout->name : "") : NULL;
    char *fields = name ? tocsin__copy_text(spec->layout->fields) : NULL;

    if (!enough || (spec->layout && !fields)) {
        tocsin__release(doc);
        tocsin__release(name);
        return -ENOMEM;
    }
    signal->spec = *spec;
    signal->flat = flat(spec->layout, spec->layout ? tocsin__layout_check(spec->layout) : 0, TOCSIN__LETTER_BYTES);
    signal->spec.name = signal->name;
    signal->spec.doc = doc ? doc : "";
    if (spec->layout) {
        signal->layout = (struct tocsin_layout){ name, fields, spec->layout->size };
        signal->spec.layout = &signal->layout;
    }
    signal->declared = true;
    return 0;
}

static int declare(const struct tocsin_spec *spec, struct tocsin__owner *owner)
{
    size_t size = strlen(spec->name);
    struct tocsin__signal *signal = named(spec->name, size);
    int err = 0;

    if (signal && signal->declared)
        return !spec_same(signal, spec) ? -EEXIST : signal->orphan ? adopt(signal, spec, owner) : signal->signo;
    if (!signal)
        err = name_new(spec->name, size, &signal);
    if (err == 0 && spec->kind == TOCSIN_COALESCE)
        err = tocsin__listeners_boxes(signal);
    if (err == 0)
        err = tocsin__owner_take(owner, TOCSIN_HOLDS_SIGNALS, 1);
    if (err == 0 && (err = spec_keep(signal, spec)) < 0)
        tocsin__owner_give(owner, TOCSIN_HOLDS_SIGNALS, 1);
    if (err == 0) {
        signal->owner = owner;
        tocsin__interest_set(signal);
    }
    return err < 0 ? err : signal->signo;
}

/* Others may listen still: the names stay, and what they carry. */
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
        __atomic_store_n(&signal->spec.unhandled_fn, NULL, __ATOMIC_SEQ_CST);      /* whoever begins it looks once more */
        tocsin__interest_set(signal);
        tocsin__owner_give(owner, TOCSIN_HOLDS_SIGNALS, 1);
        tocsin__owner_hold(&tocsin__program, TOCSIN_HOLDS_SIGNALS, 1);
    }
    pthread_mutex_unlock(&tocsin__registry_lock);
}

bool tocsin__signals_default(const struct tocsin__owner *owner)
{
    uint32_t last = atomic_load(&tocsin__signals);

    for (uint32_t signo = 1; signo <= last; signo++)
        if (tocsin__owner_has(owner, (const void *)__atomic_load_n(&tocsin__signal((int)signo)->spec.unhandled_fn, __ATOMIC_RELAXED)))
            return true;
    return false;
}

int tocsin_declare(const struct tocsin_spec *spec)
{
    return spec && spec->flags & TOCSIN__LARGE ? -EINVAL : tocsin__declare(spec);
}

int tocsin__declare(const struct tocsin_spec *spec)
{
    struct tocsin__owner *owner;
    int signo = spec_check(spec);

    if (signo == 0 && !(spec->flags & TOCSIN__LARGE))
        signo = tocsin__os_named(spec->name, strlen(spec->name));      /* they are taken */
    if (signo < 0)
        return signo;
    owner = tocsin__owner_whose((const void *)spec->unhandled_fn, spec->name);
    pthread_mutex_lock(&tocsin__registry_lock);
    signo = declare(spec, owner);
    pthread_mutex_unlock(&tocsin__registry_lock);
    if (signo == -EDQUOT)
        tocsin__owner_tell(owner, TOCSIN_HOLDS_SIGNALS);
    if (signo > 0)
        tocsin__patterns_resolve(tocsin__self);        /* what fails for memory is tried again when it is needed */
    return signo;
}

int tocsin_find(const char *name)
{
    int signo;

    if (!name || tocsin__name_check(name, strlen(name)) < 0)
        return -EINVAL;
    tocsin__catalogue();                               /* the library's own are found before the first loop, too */
    signo = tocsin__signal_named(name, strlen(name), false);
    return signo < 0 || tocsin__signal(signo)->declared ? signo : -ENOENT;
}

int tocsin_heard(int signo)
{
    const struct tocsin__slot *slot = tocsin__slot(tocsin__self, signo);
    struct tocsin__signal *signal = tocsin__signal(signo);
    bool ignored;

    if (!signal || !signal->declared)
        return -EINVAL;
    ignored = slot && slot->state & TOCSIN__IGNORED;   /* its default action is not taken */
    return (slot && tocsin__slot_heard(slot)) || (!ignored && tocsin__has_default(signal)) || tocsin__heard_elsewhere(tocsin__self, signal) || signal->unresolved;
}

int tocsin_match(const char *pattern, const char *name)
{
    if (!pattern || !name || tocsin__name_check(name, strlen(name)) < 0 || tocsin__set_check(pattern) < 0)
        return -EINVAL;
    return tocsin__pattern_list_match(pattern, name);
}

int tocsin_names_limit(int most)
{
    int was;

    if (most < 1 || most >= TOCSIN_SIGNALS_MAX)
        return -EINVAL;
    pthread_mutex_lock(&tocsin__registry_lock);
    was = (int)names_limit;
    names_limit = (uint32_t)most;
    pthread_mutex_unlock(&tocsin__registry_lock);
    return was;
}
