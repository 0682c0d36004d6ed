/* One tree that contains the names of all signals and all patterns with stars. A node is one
   segment of a name or of a pattern. A walk down the tree finds the patterns that match a name, or
   the names that match a pattern, and does not visit the others. The registry's lock protects the
   tree. */
#ifndef TOCSIN_BASE_TREE_H
#define TOCSIN_BASE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tocsin__signal;
struct tocsin__pattern;

/* One item of a pattern list. This leaf is attached to the tree node of the item's last segment. */
struct tocsin__leaf {
    struct tocsin__leaf *next, **link;
    struct tocsin__tree *node;
    struct tocsin__pattern *pattern;
};

struct tocsin__tree {
    struct tocsin__tree *bucket_next; /* next node in the same bucket of the hash table */
    struct tocsin__tree *parent;      /* node of the segment before this segment */
    struct tocsin__signal *signal;    /* the signal whose name ends here; NULL: none */
    uint32_t hash, size;              /* hash and size of the text */
    struct tocsin__tree *child, *sibling, **link;
    struct tocsin__leaf *leaves; /* the pattern items that end here */
    char text[];
};

typedef void (*tocsin__tree_found)(void *found, void *arg);

/* Returns the node of the last segment of this path, or NULL if the tree has no such path. */
struct tocsin__tree *tocsin__tree_find(const char *name, size_t size);
/* Works as tocsin__tree_find, but makes missing nodes. Returns NULL if there is no memory. */
struct tocsin__tree *tocsin__tree_make(const char *name, size_t size);
/* Removes the node if no name, pattern or child uses it. Then checks its parent in the same way,
 * and so on. */
void tocsin__tree_prune(struct tocsin__tree *node);

/* Attaches the leaf to the node of the item `part`. The caller has set leaf->pattern. Returns 0, or
   -ENOMEM if there is no memory. */
int tocsin__leaf_add(struct tocsin__leaf *leaf, const char *part, size_t size);
void tocsin__leaf_remove(struct tocsin__leaf *leaf);

/* Calls `found` once for each item that matches the name. The argument is the pattern that contains
   the item. */
void tocsin__tree_patterns(const char *name, tocsin__tree_found found, void *arg);
/* Calls `found` for each signal whose name matches the item `part`. */
void tocsin__tree_signals(const char *part, size_t size, tocsin__tree_found found, void *arg);

#endif
