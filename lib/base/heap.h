/* A pairing heap. The caller's struct contains the heap node, so adding a node needs no memory and
   cannot fail. */
#ifndef TOCSIN_BASE_HEAP_H
#define TOCSIN_BASE_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct tocsin__heap_node {
    /* the key: nodes are ordered by `major`, then by `minor`, the smallest first */
    int64_t major;
    uint64_t minor;
    struct tocsin__heap_node *child, *sibling;
    struct tocsin__heap_node **link; /* the pointer that points to this node; NULL: this node is in
                                        no heap */
};

struct tocsin__heap {
    struct tocsin__heap_node *first; /* the node with the smallest key; NULL: the heap is empty */
};

/* Adds the node to the heap. The caller has set the node's key, and the node is in no heap. */
void tocsin__heap_put(struct tocsin__heap *heap, struct tocsin__heap_node *node);
/* Removes the node from the heap that contains it. */
void tocsin__heap_remove(struct tocsin__heap_node *node);

/* Returns true if the node is in a heap. */
static inline bool tocsin__heap_has(const struct tocsin__heap_node *node)
{
    return node->link != 0;
}

#endif
