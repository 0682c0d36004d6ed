#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/slab.h"

#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* A free block. It links to the next free block of its slab. */
struct block {
    struct block *next;
};

/* The head of a slab; its blocks follow in memory. An orphan is a slab whose loop has ended. Only
 * the loop's thread uses the members, with two exceptions: any thread uses returned, and living of
 * an orphan. */
struct tocsin__slab {
    struct tocsin__slabs *slabs;
    struct tocsin__slab *next, **link; /* in the open or the full slabs of its size */
    struct tocsin__slab_list *list;    /* that list */
    struct block *freed;               /* blocks that the loop's thread has freed */
    char *fresh, *end;                 /* blocks that were never used */
    char *untouched; /* fresh memory from here on is not populated; NULL: none is, in the first slab
                      */
    uint32_t size;
    /* Number of blocks in use. In an orphan, any thread decrements it. */
    _Atomic uint32_t living;
    /* List of the blocks that other threads have freed. ORPHAN: the loop has ended. */
    _Atomic(struct block *) returned;
};

static struct block orphan;
#define ORPHAN (&orphan)
enum {
    HEAD = (sizeof(struct tocsin__slab) + 63) / 64 * 64,
    LOOKED_AT = 16,
    POPULATED = 1 << 16 /* bytes of a slab that are populated at once */
};

static bool is_plain(size_t size)
{
    return SANITIZED || size > (TOCSIN__SLAB_CLASSES - 1) * TOCSIN__SLAB_STEP ||
           RUNNING_ON_VALGRIND;
}

static unsigned class_of(size_t size)
{
    return (unsigned)((size + TOCSIN__SLAB_STEP - 1) / TOCSIN__SLAB_STEP);
}

static struct tocsin__slab *slab_of(const void *block)
{
    return (struct tocsin__slab *)((uintptr_t)block & ~(uintptr_t)(TOCSIN__SLAB_BYTES - 1));
}

static void slab_unlink(struct tocsin__slab *slab)
{
    tocsin__assert(*slab->link == slab);
    *slab->link = slab->next;
    if (slab->next)
        slab->next->link = slab->link;
    else
        slab->list->last = slab->list->first ? slab->link : NULL;
}

/* Appends the slab to the list. */
static void slab_link(struct tocsin__slab *slab, struct tocsin__slab_list *list)
{
    slab->list = list;
    slab->next = NULL;
    slab->link = list->last ? list->last : &list->first;
    *slab->link = slab;
    list->last = &slab->next;
}

static void slab_move(struct tocsin__slab *slab, struct tocsin__slab_list *list)
{
    slab_unlink(slab);
    slab_link(slab, list);
}

/* Maps a slab at an address that is a multiple of its size. It maps twice the size, and unmaps what
 * is not needed. */
static struct tocsin__slab *slab_map(void)
{
    char *pages = tocsin__pages(2 * TOCSIN__SLAB_BYTES);
    size_t before = pages ? -(uintptr_t)pages & (TOCSIN__SLAB_BYTES - 1) : 0;

    if (!pages)
        return NULL;
    if (before)
        tocsin__pages_release(pages, before);
    tocsin__pages_release(pages + before + TOCSIN__SLAB_BYTES, TOCSIN__SLAB_BYTES - before);
    return (struct tocsin__slab *)(pages + before);
}

static struct tocsin__slab *slab_new(struct tocsin__slabs *slabs, unsigned class)
{
    struct tocsin__slab *slab = slab_map();

    if (!slab)
        return NULL;
    slab->slabs = slabs;
    slab->size = class * TOCSIN__SLAB_STEP;
    slab->fresh = (char *)slab + HEAD;
    slab->end = (char *)slab + TOCSIN__SLAB_BYTES;
    slab->untouched = slabs->full[class].first ? (char *)slab : NULL;
    slab_link(slab, &slabs->open[class]);
    return slab;
}

static uint32_t living_of(const struct tocsin__slab *slab)
{
    return atomic_load_explicit(&slab->living, memory_order_relaxed);
}

static void living_add(struct tocsin__slab *slab, uint32_t by)
{
    tocsin__assert(by == 1 || living_of(slab) >= -by);
    atomic_store_explicit(&slab->living, living_of(slab) + by, memory_order_relaxed);
}

/* Moves the blocks that other threads have freed to the slab's own list of free blocks. */
static void slab_collect(struct tocsin__slab *slab)
{
    struct block *block = NULL, *next;

    if (atomic_load_explicit(&slab->returned, memory_order_relaxed))
        block = atomic_exchange_explicit(&slab->returned, NULL, memory_order_acquire);
    for (; block; block = next) {
        next = block->next;
        block->next = slab->freed;
        slab->freed = block;
        living_add(slab, -1u);
    }
}

/* A loop that has filled a slab of this size will probably fill this one, too. */
static void slab_populate(struct tocsin__slab *slab)
{
    char *from = slab->untouched;

    slab->untouched = from + POPULATED < slab->end ? from + POPULATED : NULL;
    tocsin__pages_populate(from, POPULATED);
}

/* Returns a free block of the slab; NULL: it has none. */
static void *block_take(struct tocsin__slab *slab)
{
    struct block *block = slab->freed;

    if (block) {
        slab->freed = block->next;
        memset(block, 0, slab->size);
    } else if ((size_t)(slab->end - slab->fresh) >= slab->size) {
        block = (struct block *)slab->fresh;
        slab->fresh += slab->size;
        if (slab->untouched && slab->fresh > slab->untouched)
            slab_populate(slab);
    } else {
        return NULL;
    }
    living_add(slab, 1);
    return block;
}

/* Finds a slab with a free block. It also checks a few of the full slabs, since other threads may
 * have freed blocks of them. A checked slab goes to the end of the list, so the next search checks
 * other slabs. */
static struct tocsin__slab *slab_find(struct tocsin__slabs *slabs, unsigned class)
{
    struct tocsin__slab_list *full = &slabs->full[class];

    for (int i = 0; full->first && i < LOOKED_AT; i++) {
        struct tocsin__slab *slab = full->first;

        slab_collect(slab);
        slab_move(slab, slab->freed ? &slabs->open[class] : full);
        if (slab->freed)
            return slab;
    }
    return slab_new(slabs, class);
}

void *tocsin__slab_alloc(struct tocsin__slabs *slabs, size_t size)
{
    unsigned class = class_of(size);
    struct tocsin__slab *slab;
    void *block = NULL;

    if (is_plain(size))
        return tocsin__alloc(size);
    if (tocsin__fault())
        return NULL;
    while ((slab = slabs->open[class].first) && !(block = block_take(slab))) {
        slab_collect(slab);
        if (!slab->freed)
            slab_move(slab, &slabs->full[class]);
    }
    if (!block && (slab = slab_find(slabs, class)))
        block = block_take(slab);
    return block;
}

static void slab_unmap(struct tocsin__slab *slab)
{
    tocsin__pages_release(slab, TOCSIN__SLAB_BYTES);
}

/* Frees a block of an orphan, or of a slab that belongs to another thread's loop. */
static void block_return(struct tocsin__slab *slab, struct block *block)
{
    block->next = atomic_load_explicit(&slab->returned, memory_order_relaxed);
    do
        if (block->next == ORPHAN) {
            if (atomic_fetch_sub_explicit(&slab->living, 1, memory_order_acq_rel) == 1)
                slab_unmap(slab);
            return;
        }
    while (!atomic_compare_exchange_weak_explicit(&slab->returned, &block->next, block,
                                                  memory_order_release, memory_order_acquire));
}

void tocsin__slab_free(void *memory, size_t size, struct tocsin__slabs *here)
{
    struct tocsin__slab *slab = slab_of(memory);
    struct block *block = memory;

    if (is_plain(size)) {
        tocsin__release(memory);
        return;
    }
    if (!here || slab->slabs != here) {
        block_return(slab, block);
        return;
    }
    block->next = slab->freed;
    slab->freed = block;
    living_add(slab, -1u);
    if (slab->list == &here->full[class_of(size)])
        slab_move(slab, &here->open[class_of(size)]);
    /* An unused slab is unmapped, unless it is the only slab for its size of block. The last slab
     * is kept for the next block. */
    if (living_of(slab) == 0 && (slab->next || slab->link != &slab->list->first)) {
        slab_unlink(slab);
        slab_unmap(slab);
    }
}

/* Makes an orphan of the slab: no loop owns the slab any more. Meanwhile other threads may free its
 * blocks. Each block that another thread has freed must be subtracted exactly once from the number
 * of blocks in use. This function subtracts the blocks that are in the list of returned blocks. A
 * thread that finds ORPHAN in place of this list subtracts its block itself. The thread that
 * subtracts the last block unmaps the slab, so this function must not use the slab afterwards. */
static void slab_end(struct tocsin__slab *slab)
{
    uint32_t living = living_of(slab), returned = 0;
    struct block *block = atomic_exchange_explicit(&slab->returned, ORPHAN, memory_order_acq_rel);

    for (; block; block = block->next)
        returned++;
    if (returned == living ||
        (returned &&
         atomic_fetch_sub_explicit(&slab->living, returned, memory_order_acq_rel) == returned))
        slab_unmap(slab);
}

void tocsin__slabs_end(struct tocsin__slabs *slabs)
{
    for (unsigned class = 0; class < TOCSIN__SLAB_CLASSES; class ++)
        for (int full = 0; full < 2; full++) {
            struct tocsin__slab_list *list = full ? &slabs->full[class] : &slabs->open[class];

            while (list->first) {
                struct tocsin__slab *slab = list->first;

                slab_unlink(slab);
                slab_end(slab);
            }
        }
}
