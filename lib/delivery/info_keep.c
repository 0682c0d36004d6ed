/* Keeps a borrowed info after its delivery has ended. The first reference copies the info to the
   heap. */
#include <tocsin/source.h>

#include "registry/layout.h"
#include "delivery/loop.h"

/* Copies a borrowed info, once. The info has a reference to the copy, which is released when the
 * delivery ends. */
static struct tocsin__info *copy_shared(struct tocsin__info *self)
{
    struct tocsin__loop_signal *loop_signal = tocsin__loop_signal(tocsin__self, self->pub.signo);
    int err;
    struct tocsin__info *copy = tocsin__info_copy(
        &self->pub, tocsin_info_data(&self->pub),
        tocsin__signal_layout(self->pub.signo, self->pub.payload), &err);

    if (!copy)
        return NULL;
    self->copy = copy;
    atomic_store_explicit(&self->refs, TOCSIN__COPIED, memory_order_relaxed);
    if (loop_signal)
        loop_signal->state |= TOCSIN__KEPT;
    return copy;
}

struct tocsin_info *tocsin_info_ref(const struct tocsin_info *info)
{
    struct tocsin__info *self = (struct tocsin__info *)info;
    uint32_t refs;

    if (!self)
        return NULL;
    refs = atomic_load_explicit(&self->refs, memory_order_relaxed);
    if (refs == 0 || refs == TOCSIN__COPIED)
        self = refs ? self->copy : copy_shared(self);
    if (!self)
        return NULL;
    atomic_fetch_add_explicit(&self->refs, 1, memory_order_relaxed);
    return &self->pub;
}

void *tocsin_info_data(const struct tocsin_info *info)
{
    const struct tocsin__info *self = (const struct tocsin__info *)info;
    uint32_t refs = self ? atomic_load_explicit(&self->refs, memory_order_relaxed) : 0;

    if (refs && refs != TOCSIN__COPIED)
        return self->data;
    return self ? tocsin_source_get(info->source) : NULL;
}
