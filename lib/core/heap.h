/* A pairing heap: what is in it brings the links along, so putting in cannot fail for memory. */
#ifndef TOCSIN_CORE_HEAP_H
#define TOCSIN_CORE_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct tocsin__heap_node {
    int64_t major;                                     /* the smaller comes first; then the smaller minor */
    uint64_t minor;
    struct tocsin__heap_node *child, *sibling, **link; /* link: what points to it; NULL: it is in no heap */
};

struct tocsin__heap { struct tocsin__heap_node *first; };        /* NULL: empty */

void tocsin__heap_put(struct tocsin__heap *heap, struct tocsin__heap_node *node);       /* its key is set; it is in no heap */
void tocsin__heap_remove(struct tocsin__heap_node *node);                               /* from the heap that it is in */

static inline bool tocsin__heap_has(const struct tocsin__heap_node *node)
{
    return node->link != 0;
}

#endif
