/* Memory for small objects that a loop makes and frees in large numbers. A slab is a piece of
 * memory that is divided into blocks of equal size. A block has no header. Blocks that are
 * allocated one after the other are neighbours in memory.
 *
 * The thread of the loop allocates; any thread may free. A slab is mapped at a multiple of its
 * size, so the address of a block gives its slab. When the loop ends, a slab with blocks in use
 * becomes an orphan: when its last block is freed, the slab is unmapped. Under the address
 * sanitizer and valgrind, blocks come from malloc, so that errors in their use are found. */
#ifndef TOCSIN_BASE_SLAB_H
#define TOCSIN_BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

enum {
    TOCSIN__SLAB_BYTES = 1 << 18,
    TOCSIN__SLAB_STEP = 16,   /* all sizes of blocks are multiples of this size */
    TOCSIN__SLAB_CLASSES = 33 /* number of sizes: the largest block has 512 bytes; larger objects
                               * come from malloc */
};

struct tocsin__slab;

struct tocsin__slab_list {
    struct tocsin__slab *first, **last; /* A list of slabs. last is NULL if the list is empty. */
};

struct tocsin__slabs {
    /* For each size of block: the slabs that may have a free block, and the slabs that have
     * none. */
    struct tocsin__slab_list open[TOCSIN__SLAB_CLASSES], full[TOCSIN__SLAB_CLASSES];
};

/* Returns a zeroed block, or NULL if there is no memory. Only the thread of the loop calls this. */
void *tocsin__slab_alloc(struct tocsin__slabs *slabs, size_t size);
/* Frees a block. size: the size that was allocated. here: the slabs of the calling thread's loop,
 * or NULL if the thread has no loop. */
void tocsin__slab_free(void *block, size_t size, struct tocsin__slabs *here);
/* Called when the loop ends: unmaps the slabs that have no blocks in use. All other slabs become
 * orphans. */
void tocsin__slabs_end(struct tocsin__slabs *slabs);

#endif
