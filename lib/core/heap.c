#include "core/heap.h"

static bool before(const struct tocsin__heap_node *one, const struct tocsin__heap_node *other)
{
    return one->major != other->major ? one->major < other->major : one->minor < other->minor;
}

static void set(struct tocsin__heap_node **link, struct tocsin__heap_node *node)
{
    *link = node;
    if (node)
        node->link = link;
}

/* One heap of two; neither has siblings. */
static struct tocsin__heap_node *meld(struct tocsin__heap_node *one, struct tocsin__heap_node *other)
{
    struct tocsin__heap_node *top = before(other, one) ? other : one, *below = top == one ? other : one;

    set(&below->sibling, top->child);
    set(&top->child, below);
    top->sibling = 0;
    return top;
}

/* One heap of a list of siblings: pairs from the left, then all from the right. */
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

void tocsin__heap_remove(struct tocsin__heap_node *node)
{
    struct tocsin__heap_node *rest = meld_all(node->child);

    if (rest)
        set(&rest->sibling, node->sibling);
    else
        rest = node->sibling;
    set(node->link, rest);
    node->link = 0;
    node->child = node->sibling = 0;
}

void tocsin__heap_put(struct tocsin__heap *heap, struct tocsin__heap_node *node)
{
    node->child = node->sibling = 0;
    set(&heap->first, heap->first ? meld(heap->first, node) : node);
}
