#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/tree.h"

static struct tocsin__tree root, **buckets;
static size_t buckets_count, nodes;

/* A hash table, which finds a node by its parent and its text */

static uint32_t hash_of(const struct tocsin__tree *parent, const char *text, size_t size)
{
    /* the start value of the FNV-1a hash */
    uint64_t hash = 14695981039346656037u ^ (uint64_t)(uintptr_t)parent >> 4;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    return (uint32_t)(hash ^ hash >> 32);
}

static struct tocsin__tree **bucket_of(uint32_t hash)
{
    return &buckets[hash & (buckets_count - 1)];
}

static struct tocsin__tree *child_find(const struct tocsin__tree *parent, const char *text,
                                       size_t size)
{
    uint32_t hash = hash_of(parent, text, size);
    struct tocsin__tree *node = buckets_count ? *bucket_of(hash) : NULL;

    while (node && (node->hash != hash || node->parent != parent || node->size != size ||
                    memcmp(node->text, text, size) != 0))
        node = node->bucket_next;
    return node;
}

static void bucket_add(struct tocsin__tree *node)
{
    struct tocsin__tree **bucket = bucket_of(node->hash);

    node->bucket_next = *bucket;
    *bucket = node;
}

static void bucket_remove(struct tocsin__tree *node)
{
    struct tocsin__tree **link = bucket_of(node->hash);

    while (*link != node)
        link = &(*link)->bucket_next;
    *link = node->bucket_next;
}

static int buckets_grow(void)
{
    size_t was = buckets_count;
    struct tocsin__tree **old = buckets, **fresh;

    if (nodes < was)
        return 0;
    fresh = tocsin__alloc((was ? was * 2 : 256) * sizeof *fresh);
    if (!fresh)
        /* The old table works even if there is no memory for a larger one, but it is slower. */
        return was ? 0 : -ENOMEM;
    buckets = fresh;
    buckets_count = was ? was * 2 : 256;
    for (size_t i = 0; i < was; i++)
        for (struct tocsin__tree *node = old[i], *next; node; node = next) {
            next = node->bucket_next;
            bucket_add(node);
        }
    tocsin__release(old);
    return 0;
}

/* Paths */

static size_t segment_length(const char *text, const char *end)
{
    const char *dot = memchr(text, '.', (size_t)(end - text));

    return (size_t)((dot ? dot : end) - text);
}

static struct tocsin__tree *node_new(struct tocsin__tree *parent, const char *text, size_t size)
{
    struct tocsin__tree *node;

    if (buckets_grow() < 0)
        return NULL;
    node = tocsin__alloc(sizeof *node + size + 1);
    if (!node)
        return NULL;
    memcpy(node->text, text, size);
    node->size = (uint32_t)size;
    node->hash = hash_of(parent, text, size);
    node->parent = parent;
    node->sibling = parent->child;
    node->link = &parent->child;
    if (node->sibling)
        node->sibling->link = &node->sibling;
    parent->child = node;
    bucket_add(node);
    nodes++;
    return node;
}

struct tocsin__tree *tocsin__tree_find(const char *name, size_t size)
{
    const char *end = name + size;
    struct tocsin__tree *node = &root;

    for (const char *at = name; node && at < end;) {
        size_t length = segment_length(at, end);

        node = child_find(node, at, length);
        at += length + 1;
    }
    return node;
}

struct tocsin__tree *tocsin__tree_make(const char *name, size_t size)
{
    const char *end = name + size;
    struct tocsin__tree *node = &root;

    for (const char *at = name; at < end;) {
        size_t length = segment_length(at, end);
        struct tocsin__tree *next = child_find(node, at, length);

        if (!next)
            next = node_new(node, at, length);
        if (!next) {
            tocsin__tree_prune(node);
            return NULL;
        }
        node = next;
        at += length + 1;
    }
    return node;
}

void tocsin__tree_prune(struct tocsin__tree *node)
{
    while (node != &root && !node->child && !node->signal && !node->leaves) {
        struct tocsin__tree *parent = node->parent;

        tocsin__assert(*node->link == node && nodes > 0);
        bucket_remove(node);
        *node->link = node->sibling;
        if (node->sibling)
            node->sibling->link = node->link;
        tocsin__release(node);
        nodes--;
        node = parent;
    }
}

/* Patterns */

int tocsin__leaf_add(struct tocsin__leaf *leaf, const char *part, size_t size)
{
    struct tocsin__tree *node = tocsin__tree_make(part, size);

    if (!node)
        return -ENOMEM;
    leaf->node = node;
    leaf->next = node->leaves;
    leaf->link = &node->leaves;
    if (leaf->next)
        leaf->next->link = &leaf->next;
    node->leaves = leaf;
    return 0;
}

void tocsin__leaf_remove(struct tocsin__leaf *leaf)
{
    tocsin__assert(*leaf->link == leaf);
    *leaf->link = leaf->next;
    if (leaf->next)
        leaf->next->link = leaf->link;
    tocsin__tree_prune(leaf->node);
}

static void leaves_found(const struct tocsin__tree *node, tocsin__tree_found found, void *arg)
{
    for (struct tocsin__leaf *leaf = node ? node->leaves : NULL; leaf; leaf = leaf->next)
        found(leaf->pattern, arg);
}

static void patterns_below(const struct tocsin__tree *node, const char *name, const char *end,
                           tocsin__tree_found found, void *arg)
{
    const struct tocsin__tree *plain, *star;
    size_t length = segment_length(name, end);
    bool last = name + length == end;

    leaves_found(child_find(node, "**", 2), found, arg);
    plain = child_find(node, name, length);
    star = child_find(node, "*", 1);
    if (last) {
        leaves_found(plain, found, arg);
        leaves_found(star, found, arg);
        return;
    }
    if (plain)
        patterns_below(plain, name + length + 1, end, found, arg);
    if (star)
        patterns_below(star, name + length + 1, end, found, arg);
}

void tocsin__tree_patterns(const char *name, tocsin__tree_found found, void *arg)
{
    patterns_below(&root, name, name + strlen(name), found, arg);
}

static void all_below(const struct tocsin__tree *node, tocsin__tree_found found, void *arg)
{
    for (const struct tocsin__tree *child = node->child; child; child = child->sibling) {
        if (child->signal)
            found(child->signal, arg);
        all_below(child, found, arg);
    }
}

static void signals_below(const struct tocsin__tree *node, const char *part, const char *end,
                          tocsin__tree_found found, void *arg)
{
    size_t length;

    if (part > end) { /* the item has no more segments, so it ends at this node */
        if (node->signal)
            found(node->signal, arg);
        return;
    }
    length = segment_length(part, end);
    if (length == 2 && memcmp(part, "**", 2) == 0) {
        all_below(node, found, arg);
    } else if (length == 1 && *part == '*') {
        for (const struct tocsin__tree *child = node->child; child; child = child->sibling)
            signals_below(child, part + 2, end, found, arg);
    } else {
        node = child_find(node, part, length);
        if (node)
            signals_below(node, part + length + 1, end, found, arg);
    }
}

void tocsin__tree_signals(const char *part, size_t size, tocsin__tree_found found, void *arg)
{
    signals_below(&root, part, part + size, found, arg);
}
