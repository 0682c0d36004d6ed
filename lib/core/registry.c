#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/layout.h"
#include "core/handler.h"
#include "core/mem.h"
#include "core/owner.h"
#include "core/pattern.h"
#include "core/registry.h"

_Atomic uint32_t tocsin__interest[TOCSIN_SIGNALS_MAX];
_Atomic uint32_t tocsin__signals;

static struct tocsin__signal *_Atomic by_signo[TOCSIN_SIGNALS_MAX];
static struct tocsin__signal **buckets;
static size_t buckets_count;
static struct tocsin__pattern *patterns;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

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

static void interest_set(struct tocsin__signal *signal)
{
    bool slow = !signal->declared || signal->unresolved || signal->loops > 1 || signal->spec.kind == TOCSIN_DIRECT ||
                signal->spec.unhandled != TOCSIN_IGNORE || signal->spec.unhandled_fn;
    uint32_t word = slow ? (uint32_t)TOCSIN__SLOW : signal->loops ? signal->numbers : TOCSIN__NOBODY;

    atomic_store_explicit(&tocsin__interest[signal->signo], word, memory_order_release);
}

static void interest_change(struct tocsin__signal *signal, uint32_t loops, uint32_t number)
{
    pthread_mutex_lock(&lock);
    signal->loops += loops;
    signal->numbers += number;
    interest_set(signal);
    pthread_mutex_unlock(&lock);
}

void tocsin__interest_add(struct tocsin__signal *signal, uint32_t number)
{
    interest_change(signal, 1, number);
}

void tocsin__interest_remove(struct tocsin__signal *signal, uint32_t number)
{
    interest_change(signal, -1u, -number);
}

/* Patterns */

static uint32_t patterns_match(const char *name)
{
    uint32_t count = 0;

    for (struct tocsin__pattern *pattern = patterns; pattern; pattern = pattern->next)
        count += tocsin__pattern_list_match(pattern->text, name);
    return count;
}

static void resolved(struct tocsin__signal *signal, uint32_t count)
{
    signal->unresolved -= count;
    interest_set(signal);
}

void tocsin__interest_resolved(struct tocsin__signal *signal, uint32_t count)
{
    pthread_mutex_lock(&lock);
    resolved(signal, count);
    pthread_mutex_unlock(&lock);
}

void tocsin__pattern_add(struct tocsin__pattern *pattern)
{
    pthread_mutex_lock(&lock);
    pattern->from = tocsin__signals;
    pattern->next = patterns;
    if (pattern->next)
        pattern->next->link = &pattern->next;
    pattern->link = &patterns;
    patterns = pattern;
    pthread_mutex_unlock(&lock);
}

void tocsin__pattern_remove(struct tocsin__pattern *pattern, uint32_t seen)
{
    pthread_mutex_lock(&lock);
    *pattern->link = pattern->next;
    if (pattern->next)
        pattern->next->link = pattern->link;
    for (uint32_t signo = (seen > pattern->from ? seen : pattern->from) + 1; signo <= tocsin__signals; signo++)
        if (tocsin__pattern_list_match(pattern->text, by_signo[signo]->name))
            resolved(by_signo[signo], 1);
    pthread_mutex_unlock(&lock);
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

static size_t bucket_of(const char *name, size_t size)
{
    uint64_t hash = 14695981039346656037u;             /* FNV-1a */

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)name[i]) * 1099511628211u;
    return (size_t)(hash ^ hash >> 32) & (buckets_count - 1);
}

static struct tocsin__signal *named(const char *name, size_t size)
{
    struct tocsin__signal *signal = buckets_count ? buckets[bucket_of(name, size)] : NULL;

    while (signal && (strncmp(signal->name, name, size) != 0 || signal->name[size]))
        signal = signal->next;
    return signal;
}

static int buckets_grow(void)
{
    size_t was = buckets_count, count = was ? was * 2 : 256;
    struct tocsin__signal **old = buckets, **fresh;

    if (tocsin__signals < was)
        return 0;
    fresh = tocsin__alloc(count * sizeof *fresh);
    if (!fresh)
        return was ? 0 : -ENOMEM;                      /* chains get longer, no more */
    buckets = fresh, buckets_count = count;
    for (size_t i = 0; i < was; i++)
        for (struct tocsin__signal *signal = old[i], *next; signal; signal = next) {
            struct tocsin__signal **bucket = &buckets[bucket_of(signal->name, strlen(signal->name))];

            next = signal->next;
            signal->next = *bucket;
            *bucket = signal;
        }
    tocsin__release(old);
    return 0;
}

static int name_new(const char *name, size_t size, struct tocsin__signal **ret_signal)
{
    struct tocsin__signal *signal, **bucket;
    uint32_t signo = tocsin__signals + 1;
    char *text;

    if (signo >= TOCSIN_SIGNALS_MAX)
        return -ENOSPC;
    signal = tocsin__alloc(sizeof *signal + size + 1);
    if (!signal || buckets_grow() < 0) {
        tocsin__release(signal);
        return -ENOMEM;
    }
    text = memcpy(signal + 1, name, size);
    text[size] = '\0';
    signal->name = text;
    signal->signo = (int)signo;
    signal->unresolved = patterns_match(text);
    bucket = &buckets[bucket_of(name, size)];
    signal->next = *bucket;
    *bucket = signal;
    interest_set(signal);
    atomic_store_explicit(&by_signo[signo], signal, memory_order_release);
    atomic_store_explicit(&tocsin__signals, signo, memory_order_release);
    *ret_signal = signal;
    return 0;
}

int tocsin__signal_named(const char *name, size_t size, bool make)
{
    struct tocsin__signal *signal;
    int err;

    pthread_mutex_lock(&lock);
    signal = named(name, size);
    err = signal ? 0 : make ? name_new(name, size, &signal) : -ENOENT;
    pthread_mutex_unlock(&lock);
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
    return 0;
}

static bool spec_same(const struct tocsin_spec *one, const struct tocsin_spec *other)
{
    return tocsin__layout_same(one->layout, other->layout) && one->kind == other->kind && one->unhandled == other->unhandled &&
           one->unhandled_fn == other->unhandled_fn && one->limit == other->limit && one->limit_bytes == other->limit_bytes;
}

static int spec_keep(struct tocsin__signal *signal, const struct tocsin_spec *spec)
{
    char *doc = tocsin__copy_text(spec->doc ? spec->doc : "");
    char *name = doc && spec->layout ? tocsin__copy_text(spec->layout->name ? spec->layout->name : "") : NULL;
    char *fields = name ? tocsin__copy_text(spec->layout->fields) : NULL;

    if (!doc || (spec->layout && !fields)) {
        tocsin__release(doc);
        tocsin__release(name);
        return -ENOMEM;
    }
    signal->spec = *spec;
    signal->spec.name = signal->name;
    signal->spec.doc = doc;
    if (spec->layout) {
        signal->layout = (struct tocsin_layout){ name, fields, spec->layout->size };
        signal->spec.layout = &signal->layout;
    }
    signal->owner = tocsin__owner_of(spec);
    signal->declared = true;
    return 0;
}

static int declare(const struct tocsin_spec *spec)
{
    size_t size = strlen(spec->name);
    struct tocsin__signal *signal = named(spec->name, size);
    int err = 0;

    if (signal && signal->declared)
        return spec_same(&signal->spec, spec) ? signal->signo : -EEXIST;
    if (!signal)
        err = name_new(spec->name, size, &signal);
    if (err == 0)
        err = spec_keep(signal, spec);
    if (err == 0)
        interest_set(signal);
    return err < 0 ? err : signal->signo;
}

int tocsin_declare(const struct tocsin_spec *spec)
{
    int signo = spec_check(spec);

    if (signo < 0)
        return signo;
    pthread_mutex_lock(&lock);
    signo = declare(spec);
    pthread_mutex_unlock(&lock);
    if (signo > 0)
        tocsin__patterns_resolve(tocsin__self);        /* what fails for memory is tried again when it is needed */
    return signo;
}

int tocsin_find(const char *name)
{
    int signo;

    if (!name || tocsin__name_check(name, strlen(name)) < 0)
        return -EINVAL;
    signo = tocsin__signal_named(name, strlen(name), false);
    return signo < 0 || tocsin__signal(signo)->declared ? signo : -ENOENT;
}

int tocsin_heard(int signo)
{
    struct tocsin__signal *signal = tocsin__signal(signo);

    if (!signal || !signal->declared)
        return -EINVAL;
    return signal->unresolved || signal->loops || signal->spec.unhandled != TOCSIN_IGNORE || signal->spec.unhandled_fn;
}
