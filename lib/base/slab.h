/* Memory for objects that are many, and of which a loop makes and frees many: slabs of equal
   blocks. A block has no header, and blocks that were made together lie together.

   The thread of the loop allocates; any thread may free. A slab is mapped at a multiple of its
   size, so the address of a block gives its slab. When the loop ends, slabs with living blocks
   become orphans: the last block that is freed unmaps its slab. Under the address sanitizer and
   valgrind, blocks come from malloc, so that errors in their use are found. */
#ifndef TOCSIN_BASE_SLAB_H
#define TOCSIN_BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

enum {
    TOCSIN__SLAB_BYTES = 1 << 18,
    TOCSIN__SLAB_STEP = 16,   /* the sizes of blocks are multiples of this */
    TOCSIN__SLAB_CLASSES = 33 /* blocks of at most 512 bytes; larger ones come from malloc */
};

struct tocsin__slab;

struct tocsin__slab_list {
    struct tocsin__slab *first, **last; /* last is NULL if the list is empty */
};

struct tocsin__slabs {
    /* for each size: the slabs that may have a free block, and those that have none */
    struct tocsin__slab_list open[TOCSIN__SLAB_CLASSES], full[TOCSIN__SLAB_CLASSES];
};

/* A zeroed block; NULL: no memory. Only the thread of the loop calls this. */
void *tocsin__slab_alloc(struct tocsin__slabs *slabs, size_t size);
/* size: as it was allocated. here: the slabs of the calling thread's loop; NULL: it has none. */
void tocsin__slab_free(void *block, size_t size, struct tocsin__slabs *here);
/* The loop ends: unmaps the slabs without living blocks; the other ones become orphans. */
void tocsin__slabs_end(struct tocsin__slabs *slabs);

#endif
