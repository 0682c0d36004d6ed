#include "base/assert.h"
#include "base/heap.h"

static bool is_before(const struct tocsin__heap_node *one, const struct tocsin__heap_node *other)
{
    return one->major != other->major ? one->major < other->major : one->minor < other->minor;
}

static void link_set(struct tocsin__heap_node **link, struct tocsin__heap_node *node)
{
    *link = node;
    if (node)
        node->link = link;
}

/* Joins two heaps and returns the top node of the result. The top node of neither heap may have
 * siblings. */
static struct tocsin__heap_node *meld(struct tocsin__heap_node *one,
                                      struct tocsin__heap_node *other)
{
    struct tocsin__heap_node *top = is_before(other, one) ? other : one,
                             *below = top == one ? other : one;

    link_set(&below->sibling, top->child);
    link_set(&top->child, below);
    top->sibling = 0;
    return top;
}

/* Joins a list of siblings into one heap. Pairs are joined first, from the left; then the results
   are joined, from the right. */
static struct tocsin__heap_node *meld_all(struct tocsin__heap_node *list)
{
    struct tocsin__heap_node *pairs = 0, *one, *other, *next;

    while (list) {
        one = list;
        other = one->sibling;
        next = other ? other->sibling : 0;
        one->sibling = 0;
        if (other) {
            other->sibling = 0;
            one = meld(one, other);
        }
        one->sibling = pairs;
        pairs = one;
        list = next;
    }
    for (one = 0; pairs; pairs = next) {
        next = pairs->sibling;
        pairs->sibling = 0;
        one = one ? meld(one, pairs) : pairs;
    }
    return one;
}

enum { CHECKED_MOST = 64 };

/* Returns true if the first node comes before each of its children, and the links between these
   nodes are correct. */
static bool top_is_sound(const struct tocsin__heap_node *top)
{
    const struct tocsin__heap_node *child = top ? top->child : 0;

    for (int i = 0; child && i < CHECKED_MOST; i++, child = child->sibling)
        if (is_before(child, top) || *child->link != child)
            return false;
    return !top || (*top->link == top && !top->sibling);
}

void tocsin__heap_remove(struct tocsin__heap_node *node)
{
    struct tocsin__heap_node *rest;

    tocsin__assert(node->link && *node->link == node);
    rest = meld_all(node->child);
    if (rest)
        link_set(&rest->sibling, node->sibling);
    else
        rest = node->sibling;
    link_set(node->link, rest);
    node->link = 0;
    node->child = node->sibling = 0;
}

void tocsin__heap_put(struct tocsin__heap *heap, struct tocsin__heap_node *node)
{
    tocsin__assert(!node->link && top_is_sound(heap->first));
    node->child = node->sibling = 0;
    link_set(&heap->first, heap->first ? meld(heap->first, node) : node);
    tocsin__assert(top_is_sound(heap->first));
}
