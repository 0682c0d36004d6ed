/* The patterns of all loops. When a name is created, the patterns that match it are counted. Later,
 * each loop resolves its own patterns on its own thread: it joins them with the names that they
 * match. */
#ifndef TOCSIN_REGISTRY_PATTERN_INDEX_H
#define TOCSIN_REGISTRY_PATTERN_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/tree.h"

struct tocsin__signal;
struct tocsin__subscription;

struct tocsin__pattern {
    uint32_t number; /* number of the loop that has the pattern */
    struct tocsin__subscription *subscription;
    bool starred; /* the pattern has a star; without a star, it matches no new name */
    bool outs;    /* the pattern has items that begin with "!", so one matching item does not decide
                     alone */
    bool handles; /* true if the pattern belongs to a handler or a queue; false for an observer, a
                     block or an ignore */
    bool added;
    uint32_t from;                 /* the highest signo at the time when the pattern was added */
    uint64_t stamp;                /* number of the last search that found the pattern */
    struct tocsin__pattern *found; /* the next pattern that the loop's search found */
    uint32_t leaves_count;
    char *text;
    struct tocsin__leaf leaves[]; /* one leaf for each item without "!" */
};

struct tocsin__signos {
    int *items;
    uint32_t count, capacity;
};

/* Makes a pattern, which is not in the index yet. Returns 0, or -ENOMEM if there is no memory. */
int tocsin__pattern_new(const char *text, uint32_t number,
                        struct tocsin__subscription *subscription,
                        struct tocsin__pattern **ret_pattern);
/* Adds the pattern to the index. ret_signos is set to all names that match, each once; they need
 * not be declared. Returns 0, or -ENOMEM if there is no memory. */
int tocsin__pattern_add(struct tocsin__pattern *pattern, struct tocsin__signos *ret_signos);
/* Removes the pattern from the index. `seen` is the last signo for which the loop has resolved its
 * patterns. Returns true if the pattern was in the index. A list of names without stars is never in
 * the index. */
bool tocsin__pattern_remove(struct tocsin__pattern *pattern, uint32_t seen);
/* Counts the patterns that match a name that is being created. Returns 0, or -ENOMEM if there is no
   memory. The caller holds the registry's lock. */
int tocsin__patterns_await(struct tocsin__signal *signal);
/* Returns the patterns of the loop with this number that match the name and are older than the
   name. The patterns are linked by `found`. */
struct tocsin__pattern *tocsin__patterns_of(uint32_t number, int signo);
/* In the child of a fork (T8): the thread of the loop with this number does not exist, so its
 * patterns are never resolved. */
void tocsin__patterns_abandon(uint32_t number);

#endif
