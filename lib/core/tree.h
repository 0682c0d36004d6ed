/* The names of all signals, and the patterns that stand for many, as one tree of segments: a name finds its patterns, and a pattern
   its names, by walking down, however many there are of either. All of it under the registry's lock. */
#ifndef TOCSIN_CORE_TREE_H
#define TOCSIN_CORE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tocsin__signal;
struct tocsin__pattern;

/* A part of a pattern, where its last segment stands in the tree. */
struct tocsin__leaf {
    struct tocsin__leaf *next, **link;
    struct tocsin__tree *node;
    struct tocsin__pattern *pattern;
};

struct tocsin__tree {                                  /* a segment, below those in front of it */
    struct tocsin__tree *bucket_next;                  /* in the table of all; what a look-up reads stands together */
    struct tocsin__tree *parent;
    struct tocsin__signal *signal;                     /* whose name ends here */
    uint32_t hash, size;
    struct tocsin__tree *child, *sibling, **link;
    struct tocsin__leaf *leaves;                       /* of the patterns that end here */
    char text[];
};

typedef void (*tocsin__tree_found)(void *found, void *arg);

struct tocsin__tree *tocsin__tree_find(const char *name, size_t size);       /* NULL: it has no such path */
struct tocsin__tree *tocsin__tree_make(const char *name, size_t size);       /* NULL: no memory */
void tocsin__tree_prune(struct tocsin__tree *node);    /* if nothing ends at it or below it, it goes, and what it leaves bare above */

int  tocsin__leaf_add(struct tocsin__leaf *leaf, const char *part, size_t size);        /* leaf->pattern is set; -ENOMEM */
void tocsin__leaf_remove(struct tocsin__leaf *leaf);

/* Each pattern of which a part matches the name; one with several such parts comes several times. */
void tocsin__tree_patterns(const char *name, tocsin__tree_found found, void *arg);
/* Each signal whose name matches the part. */
void tocsin__tree_signals(const char *part, size_t size, tocsin__tree_found found, void *arg);

#endif
