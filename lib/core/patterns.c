/* The patterns of all loops, in the registry: which of them a name finds, and which names one of them finds. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "core/pattern.h"
#include "core/registry.h"

/* loop: the patterns of this one are wanted; NULL: the name is new, and all loops are to hear of it. */
struct search { const char *name; struct tocsin__loop *loop; struct tocsin__signal *signal; uint32_t before; struct tocsin__pattern *found; int err; };

static uint64_t stamp;

static void pattern_found(void *found, void *arg)
{
    struct tocsin__pattern *pattern = found;
    struct search *search = arg;

    if (pattern->stamp == stamp || pattern->from >= search->before || (search->loop && pattern->loop != search->loop))
        return;
    if (pattern->loop->inherited == TOCSIN__ABANDONED)
        return;                                        /* nobody will have it join */
    pattern->stamp = stamp;
    if (pattern->outs && !tocsin__pattern_list_match(pattern->text, search->name))
        return;                                        /* it is taken out again */
    if (!search->loop) {
        search->err = search->err < 0 ? search->err : tocsin__listener_awaits(search->signal, pattern->loop->number, pattern->handles);
        return;
    }
    pattern->found = search->found;
    search->found = pattern;
}

static void patterns_search(struct search *search)
{
    stamp++;
    tocsin__tree_patterns(search->name, pattern_found, search);
}

int tocsin__patterns_await(struct tocsin__signal *signal)
{
    struct search search = { .name = signal->name, .signal = signal, .before = (uint32_t)signal->signo };

    patterns_search(&search);
    if (search.err < 0)
        tocsin__listeners_free(signal);
    return search.err;
}

struct tocsin__pattern *tocsin__patterns_of(struct tocsin__loop *loop, int signo)
{
    struct search search = { .name = tocsin__signal(signo)->name, .loop = loop, .before = (uint32_t)signo };

    pthread_mutex_lock(&tocsin__registry_lock);
    patterns_search(&search);
    pthread_mutex_unlock(&tocsin__registry_lock);
    return search.found;
}

int tocsin__pattern_new(const char *text, struct tocsin__loop *loop, struct tocsin__match *match, struct tocsin__pattern **ret_pattern)
{
    struct tocsin__pattern *pattern;
    struct tocsin__part part;
    const char *cursor = text;
    uint32_t leaves = 0;
    int shape;

    while (tocsin__pattern_part(&cursor, &part) > 0)
        leaves += !part.out;
    pattern = tocsin__alloc(sizeof *pattern + leaves * sizeof pattern->leaves[0] + strlen(text) + 1);
    if (!pattern)
        return -ENOMEM;
    pattern->loop = loop;
    pattern->match = match;
    pattern->text = strcpy((char *)&pattern->leaves[leaves], text);
    shape = tocsin__pattern_check(text);
    pattern->starred = shape & TOCSIN__STARRED;
    pattern->outs = shape & TOCSIN__OUT;
    *ret_pattern = pattern;
    return 0;
}

struct collect { struct tocsin__signos *into; const struct tocsin__pattern *pattern; bool failed; };

static void signal_found(void *found, void *arg)
{
    const struct tocsin__signal *signal = found;
    struct collect *collect = arg;
    struct tocsin__signos *into = collect->into;

    if (collect->failed || (collect->pattern->outs && !tocsin__pattern_list_match(collect->pattern->text, signal->name)))
        return;
    if (into->count == into->capacity) {
        uint32_t capacity = into->capacity * 2 + 8;
        int *items = tocsin__resize(into->items, capacity * sizeof *items);

        collect->failed = !items;
        if (!items)
            return;
        into->items = items;
        into->capacity = capacity;
    }
    into->items[into->count++] = signal->signo;
}

static int by_number(const void *one, const void *other)
{
    return *(const int *)one - *(const int *)other;
}

/* Each once: several parts may match a name. */
static void signos_unique(struct tocsin__signos *signos)
{
    uint32_t kept = 0;

    if (signos->count)
        qsort(signos->items, signos->count, sizeof signos->items[0], by_number);
    for (uint32_t i = 0; i < signos->count; i++)
        if (!i || signos->items[i] != signos->items[i - 1])
            signos->items[kept++] = signos->items[i];
    signos->count = kept;
}

static int signos_collect(const struct tocsin__pattern *pattern, struct tocsin__signos *into)
{
    struct collect collect = { .into = into, .pattern = pattern };
    const char *cursor = pattern->text;
    struct tocsin__part part;

    while (tocsin__pattern_part(&cursor, &part) > 0)
        if (!part.out)
            tocsin__tree_signals(part.text, part.size, signal_found, &collect);
    signos_unique(into);
    return collect.failed ? -ENOMEM : 0;
}

static void leaves_remove(struct tocsin__pattern *pattern)
{
    while (pattern->leaves_count)
        tocsin__leaf_remove(&pattern->leaves[--pattern->leaves_count]);
}

static int leaves_add(struct tocsin__pattern *pattern)
{
    const char *cursor = pattern->text;
    struct tocsin__part part;

    while (tocsin__pattern_part(&cursor, &part) > 0) {
        struct tocsin__leaf *leaf = &pattern->leaves[pattern->leaves_count];

        if (part.out)
            continue;
        leaf->pattern = pattern;
        if (tocsin__leaf_add(leaf, part.text, part.size) < 0) {
            leaves_remove(pattern);
            return -ENOMEM;
        }
        pattern->leaves_count++;
    }
    return 0;
}

int tocsin__pattern_add(struct tocsin__pattern *pattern, struct tocsin__signos *ret_signos)
{
    int err;

    pthread_mutex_lock(&tocsin__registry_lock);
    err = signos_collect(pattern, ret_signos);
    if (err == 0 && pattern->starred)
        err = leaves_add(pattern);
    pattern->from = tocsin__signals;
    pattern->added = err == 0;
    pthread_mutex_unlock(&tocsin__registry_lock);
    return err;
}

bool tocsin__pattern_remove(struct tocsin__pattern *pattern, uint32_t seen)
{
    bool there = pattern->added && pattern->starred;

    pattern->added = false;
    if (!there)
        return false;
    pthread_mutex_lock(&tocsin__registry_lock);
    leaves_remove(pattern);
    for (uint32_t signo = (seen > pattern->from ? seen : pattern->from) + 1; signo <= tocsin__signals; signo++)
        if (tocsin__pattern_list_match(pattern->text, tocsin__signal((int)signo)->name))
            tocsin__listener_resolved(tocsin__signal((int)signo), pattern->loop->number, 1);
    pthread_mutex_unlock(&tocsin__registry_lock);
    return true;
}
