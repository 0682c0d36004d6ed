/* Infos on the heap: how they are copied, and how their references are counted. */
#include <errno.h>

#include "base/mem.h"
#include "registry/info.h"
#include "registry/payload.h"

const struct tocsin_payload *tocsin_info_payload(const struct tocsin_info *info,
                                                 const struct tocsin_layout *layout)
{
    if (!info || !layout || !info->payload)
        return NULL;
    return tocsin__layout_same(info->payload->layout, layout) ? info->payload : NULL;
}

static void copy_release(struct tocsin__info *info)
{
    if (info->pub.payload)
        tocsin__payload_clear((struct tocsin_payload *)info->pub.payload);
    tocsin__release(info);
}

struct tocsin__info *tocsin__info_copy(const struct tocsin_info *info, void *data,
                                       const struct tocsin_layout *layout, int *ret_err)
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
    copy->pub = *info;
    copy->pub.payload = info->payload ? (struct tocsin_payload *)(copy + 1) : NULL;
    copy->size = (uint32_t)size;
    copy->data = data;
    copy->release = copy_release;
    atomic_init(&copy->refs, 1);
    return copy;
}

void tocsin_info_unref(struct tocsin_info *info)
{
    if (info)
        tocsin__info_put((struct tocsin__info *)info);
}
