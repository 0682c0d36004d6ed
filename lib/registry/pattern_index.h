/* The patterns of all loops. A new name counts the patterns that match it; each loop resolves its
   own patterns later, on its own thread. */
#ifndef TOCSIN_REGISTRY_PATTERN_INDEX_H
#define TOCSIN_REGISTRY_PATTERN_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/tree.h"

struct tocsin__signal;
struct tocsin__subscription;

struct tocsin__pattern {
    uint32_t number; /* of the loop */
    struct tocsin__subscription *subscription;
    bool starred; /* has a star; a list of plain names matches no new name */
    bool outs;    /* has parts that begin with "!": a matching part alone does not decide */
    bool handles; /* the pattern belongs to a handler or a queue; false: to an observer, a block or
                     an ignore */
    bool added;
    uint32_t from;                 /* the last signo when the pattern was added */
    uint64_t stamp;                /* number of the last search that found the pattern */
    struct tocsin__pattern *found; /* the next one that the loop's search found */
    uint32_t leaves_count;
    char *text;
    struct tocsin__leaf leaves[]; /* one leaf for each item without "!" */
};

struct tocsin__signos {
    int *items;
    uint32_t count, capacity;
};

/* -ENOMEM */
int tocsin__pattern_new(const char *text, uint32_t number,
                        struct tocsin__subscription *subscription,
                        struct tocsin__pattern **ret_pattern);
/* Adds the pattern to the index. ret_signos: every declared or early name that matches, each once.
   -ENOMEM. */
int tocsin__pattern_add(struct tocsin__pattern *pattern, struct tocsin__signos *ret_signos);
/* seen: the last signo for which the loop has resolved its patterns. Returns whether the pattern
   was in the index; a list of plain names never is. */
bool tocsin__pattern_remove(struct tocsin__pattern *pattern, uint32_t seen);
/* Counts the patterns that match a name that is being created; -ENOMEM. The registry's lock is
   held. */
int tocsin__patterns_await(struct tocsin__signal *signal);
/* Returns the patterns of loop number that are older than the name and match it, linked by found.
 */
struct tocsin__pattern *tocsin__patterns_of(uint32_t number, int signo);
/* T8: the thread of loop number does not exist in this child, so its patterns are never resolved.
 */
void tocsin__patterns_abandon(uint32_t number);

#endif
