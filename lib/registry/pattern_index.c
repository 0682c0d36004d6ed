/* The index of the patterns of all loops. It finds the patterns that match a name, and the names
   that match a pattern. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "registry/pattern.h"
#include "registry/pattern_index.h"
#include "registry/registry.h"

/* The state of a search for the patterns that match a name. */
struct search {
    const char *name;
    /* number of the loop whose patterns are searched; 0: all loops, for a new name */
    uint32_t number;
    struct tocsin__signal *signal;
    uint32_t before; /* the search finds only patterns that are older than this signo */
    struct tocsin__pattern *found;
    int err;
};

static uint64_t stamp;

/* A set with one bit for each loop. In the child of a fork (T8), it contains the loops whose thread
 * does not exist there. */
static uint64_t abandoned[(TOCSIN__LOOP_BITS + 1) / 64];

void tocsin__patterns_abandon(uint32_t number)
{
    abandoned[number / 64] |= (uint64_t)1 << number % 64;
}

static bool is_abandoned(uint32_t number)
{
    return abandoned[number / 64] >> number % 64 & 1;
}

static void pattern_found(void *found, void *arg)
{
    struct tocsin__pattern *pattern = found;
    struct search *search = arg;

    if (pattern->stamp == stamp || pattern->from >= search->before ||
        (search->number && pattern->number != search->number) || is_abandoned(pattern->number))
        return;
    pattern->stamp = stamp;
    if (pattern->outs && !tocsin__pattern_list_match(pattern->text, search->name))
        return;
    if (!search->number) {
        search->err = search->err < 0 ? search->err
                                      : tocsin__listener_add_unresolved(
                                            search->signal, pattern->number, pattern->handles);
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
    struct search search = { .name = signal->name,
                             .signal = signal,
                             .before = (uint32_t)signal->signo };

    patterns_search(&search);
    if (search.err < 0)
        tocsin__listeners_free(signal);
    return search.err;
}

struct tocsin__pattern *tocsin__patterns_of(uint32_t number, int signo)
{
    struct search search = { .name = tocsin__signal(signo)->name,
                             .number = number,
                             .before = (uint32_t)signo };

    pthread_mutex_lock(&tocsin__registry_lock);
    patterns_search(&search);
    pthread_mutex_unlock(&tocsin__registry_lock);
    return search.found;
}

int tocsin__pattern_new(const char *text, uint32_t number,
                        struct tocsin__subscription *subscription,
                        struct tocsin__pattern **ret_pattern)
{
    struct tocsin__pattern *pattern;
    struct tocsin__pattern_item part;
    const char *cursor = text;
    uint32_t leaves = 0;
    int shape;

    while (tocsin__pattern_part(&cursor, &part) > 0)
        leaves += !part.out;
    pattern = tocsin__alloc(sizeof *pattern + leaves * sizeof pattern->leaves[0] + strlen(text) +
                            1);
    if (!pattern)
        return -ENOMEM;
    pattern->number = number;
    pattern->subscription = subscription;
    pattern->text = strcpy((char *)&pattern->leaves[leaves], text);
    shape = tocsin__pattern_check(text);
    pattern->starred = shape & TOCSIN__STARRED;
    pattern->outs = shape & TOCSIN__OUT;
    *ret_pattern = pattern;
    return 0;
}

struct collect {
    struct tocsin__signos *into;
    const struct tocsin__pattern *pattern;
    bool failed;
};

static void signal_found(void *found, void *arg)
{
    const struct tocsin__signal *signal = found;
    struct collect *collect = arg;
    struct tocsin__signos *into = collect->into;

    if (collect->failed || (collect->pattern->outs &&
                            !tocsin__pattern_list_match(collect->pattern->text, signal->name)))
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

/* Sorts the signos and removes duplicates, because several items may match one name. */
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
    struct tocsin__pattern_item part;

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
    struct tocsin__pattern_item part;

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
    for (uint32_t signo = (seen > pattern->from ? seen : pattern->from) + 1;
         signo <= tocsin__signals; signo++)
        if (tocsin__pattern_list_match(pattern->text, tocsin__signal((int)signo)->name))
            tocsin__listener_resolved(tocsin__signal((int)signo), pattern->number, 1);
    pthread_mutex_unlock(&tocsin__registry_lock);
    return true;
}
