/* E7: an info with what keeps it alive. On the stack of a delivery it is borrowed, and copied once when somebody wants to
   keep it; on the heap, or in an operation, it is counted. */
#ifndef TOCSIN_CORE_INFO_H
#define TOCSIN_CORE_INFO_H

#include <stdatomic.h>

#include <tocsin/info.h>

struct tocsin__info {
    struct tocsin_info seen;                           /* the first member: what a handler sees */
    _Atomic uint32_t refs;                             /* 0: borrowed; TOCSIN__COPIED: borrowed, and there is a copy */
    uint32_t size;                                     /* of a copy: bytes of its payload */
    void *data;                                        /* of a counted one: its source's word of data */
    _Atomic uint32_t open, handled;                    /* T7: of one that several loops got: how many have not delivered it; whether anybody handled it; of one that is borrowed from a letter: it is one of several */
    union {
        void (*release)(struct tocsin__info *info);    /* of a counted one: its last reference is gone */
        struct tocsin__info *copy;                     /* of a borrowed one: what all share who keep it */
    };
};

enum { TOCSIN__COPIED = 1 << 30 };

/* A copy on the heap, with a reference, and with this layout (the registry's own). NULL: no memory, or it cannot be copied; then *ret_err. */
struct tocsin__info *tocsin__info_copy(const struct tocsin_info *info, const struct tocsin_layout *layout, int *ret_err);

static inline void tocsin__info_put(struct tocsin__info *info)
{
    if (atomic_fetch_sub_explicit(&info->refs, 1, memory_order_acq_rel) == 1)
        info->release(info);
}

/* A borrowed one is going: so does its reference to the copy. */
static inline void tocsin__info_end(struct tocsin__info *info)
{
    if (atomic_load_explicit(&info->refs, memory_order_relaxed) == TOCSIN__COPIED)
        tocsin__info_put(info->copy);
}

#endif
