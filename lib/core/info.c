#include <tocsin/source.h>

#include "core/info.h"
#include "core/layout.h"
#include "core/loop.h"

const struct tocsin_payload *tocsin_info_payload(const struct tocsin_info *info, const struct tocsin_layout *layout)
{
    if (!info || !layout || !info->payload)
        return NULL;
    return tocsin__layout_same(info->payload->layout, layout) ? info->payload : NULL;
}

static void copy_release(struct tocsin__info *info)
{
    if (info->seen.payload)
        tocsin__payload_clear((struct tocsin_payload *)info->seen.payload);
    tocsin__release(info);
}

struct tocsin__info *tocsin__info_copy(const struct tocsin_info *info, const struct tocsin_layout *layout, int *ret_err)
{
    size_t size = tocsin__payload_size(info->payload);
    struct tocsin__info *copy = tocsin__alloc(sizeof *copy + size);
    int err = copy ? 0 : -ENOMEM;

    if (copy && info->payload)
        err = tocsin__payload_copy(info->payload, copy + 1, layout);
    if (err < 0) {
        tocsin__release(copy);
        *ret_err = err;
        return NULL;
    }
    copy->seen = *info;
    copy->seen.payload = info->payload ? (struct tocsin_payload *)(copy + 1) : NULL;
    copy->size = (uint32_t)size;
    copy->data = tocsin_info_data(info);
    copy->release = copy_release;
    atomic_init(&copy->refs, 1);
    return copy;
}

/* Copies a borrowed info, once; the copy is let go when the delivery ends. */
static struct tocsin__info *copy_shared(struct tocsin__info *self)
{
    struct tocsin__slot *slot = tocsin__slot(tocsin__self, self->seen.signo);
    int err;
    struct tocsin__info *copy = tocsin__info_copy(&self->seen, tocsin__signal_layout(self->seen.signo, self->seen.payload), &err);

    if (!copy)
        return NULL;
    self->copy = copy;
    atomic_store_explicit(&self->refs, TOCSIN__COPIED, memory_order_relaxed);
    if (slot)
        slot->state |= TOCSIN__KEPT;
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
    return &self->seen;
}

void *tocsin_info_data(const struct tocsin_info *info)
{
    const struct tocsin__info *self = (const struct tocsin__info *)info;
    uint32_t refs = self ? atomic_load_explicit(&self->refs, memory_order_relaxed) : 0;

    if (refs && refs != TOCSIN__COPIED)
        return self->data;
    return self ? tocsin_source_get(info->source) : NULL;
}

void tocsin_info_unref(struct tocsin_info *info)
{
    if (info)
        tocsin__info_put((struct tocsin__info *)info);
}
