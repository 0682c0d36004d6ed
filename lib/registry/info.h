/* An info and its lifetime (E7). The info of a running delivery is borrowed: its memory is on the
 * stack. Such an info is copied once, when the first handler takes a reference. An info on the heap
 * or in an operation counts its references. */
#ifndef TOCSIN_REGISTRY_INFO_H
#define TOCSIN_REGISTRY_INFO_H

#include <stdatomic.h>

#include <tocsin/info.h>

struct tocsin__info {
    struct tocsin_info pub; /* the part that handlers see; it must be the first member */
    _Atomic uint32_t refs;  /* number of references; 0: borrowed; TOCSIN__COPIED: borrowed, and a
                               copy exists */
    uint32_t size;          /* bytes of the payload, if this info is a copy */
    void *data;             /* data word of the source; set only if the info is counted */
    /* For an info that several loops share (T7): the number of copies that have not been delivered
     * yet. The last delivery takes the default action if no loop handled the emission. */
    _Atomic uint32_t open;
    /* Whether a loop handled the emission. It is also set for an inline message that several loops
     * received. Such copies are not counted, so a loop cannot know whether another loop handled the
     * emission. */
    _Atomic uint32_t handled;
    union {
        void (*release)(struct tocsin__info *info); /* called when the last reference to a counted
                                                     * info is released */
        struct tocsin__info *copy; /* the copy of a borrowed info, shared by all references */
    };
};

enum { TOCSIN__COPIED = 1 << 30 };

/* Returns a copy on the heap, with one reference. `layout` is the registry's copy of the layout. If
   the info cannot be copied, returns NULL and sets *ret_err. */
struct tocsin__info *tocsin__info_copy(const struct tocsin_info *info, void *data,
                                       const struct tocsin_layout *layout, int *ret_err);

static inline void tocsin__info_put(struct tocsin__info *info)
{
    if (atomic_fetch_sub_explicit(&info->refs, 1, memory_order_acq_rel) == 1)
        info->release(info);
}

/* Ends a borrowed info: releases its reference to the copy. */
static inline void tocsin__info_end(struct tocsin__info *info)
{
    if (atomic_load_explicit(&info->refs, memory_order_relaxed) == TOCSIN__COPIED)
        tocsin__info_put(info->copy);
}

/* Resets a borrowed info, so that the next delivery may use it. Returns the copy of the info, or
 * NULL if no copy was made. The caller must release the reference to the copy. */
static inline struct tocsin__info *tocsin__info_take_copy(struct tocsin__info *info)
{
    bool copied = atomic_load_explicit(&info->refs, memory_order_relaxed) == TOCSIN__COPIED;

    atomic_store_explicit(&info->refs, 0, memory_order_relaxed);
    return copied ? info->copy : NULL;
}

#endif
