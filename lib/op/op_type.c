/* The types of operations that a loop has used, in a list with the most recently used type
 * first. */
#include "registry/catalogue.h"
#include "registry/owner.h"
#include "op/op.h"
#include "op/op_type.h"
#include "op/progress.h"
#include "op/ops.h"

static int type_declare(const struct tocsin_op_type *type, struct tocsin__op_type *kind)
{
    kind->done = tocsin_declare(type ? type->done : &tocsin__op_done_spec);
    if (kind->done < 0)
        return kind->done;
    for (int i = 0; type && i < 4 && type->progress[i]; i++) {
        kind->progress[i] = tocsin_declare(type->progress[i]);
        if (kind->progress[i] < 0)
            return kind->progress[i];
    }
    return 0;
}

static int type_check(const struct tocsin_op_type *type)
{
    int counted = tocsin__type_counted(type);

    if (counted && counted != TOCSIN_RESOURCE_STREAMS &&
        (counted < TOCSIN__TIMERS || counted > TOCSIN__WORKS || !(type->flags & TOCSIN__OWN)))
        return -EINVAL;
    if (!type->done ||
        type->flags & ~(unsigned)(TOCSIN_PERSISTENT | TOCSIN__THIN | TOCSIN__ASKS | TOCSIN__OWN |
                                  TOCSIN__GATHERS | TOCSIN__DISARMS | 31u << TOCSIN__COUNTED) ||
        type->state_size > SIZE_MAX / 4 || type->done->kind == TOCSIN_DIRECT)
        return -EINVAL;
    return type->spare[0] || type->spare[1] || type->spare[2] || type->spare[3] ? -EINVAL : 0;
}

/* The state follows the head; then the progress, and an empty terminal payload. A thin operation
   has the state alone. */
static size_t op_bytes(const struct tocsin__op_type *kind)
{
    const struct tocsin_layout *layout = kind->type ? tocsin__signal(kind->done)->spec.layout
                                                    : NULL;

    if (kind->is_thin)
        return TOCSIN__THIN_STATE + kind->type->state_size;
    return sizeof(struct tocsin__op) + kind->state_bytes +
           (kind->progress[0] ? sizeof(struct tocsin__progress) : 0) + (layout ? layout->size : 0);
}

static int type_add(struct tocsin__ops *ops, const struct tocsin_op_type *type,
                    struct tocsin__op_type **ret_kind)
{
    struct tocsin__op_type *kind;
    int err = type ? type_check(type) : 0;

    if (err < 0)
        return err;
    kind = tocsin__alloc(sizeof *kind);
    err = kind ? type_declare(type, kind) : -ENOMEM;
    if (err < 0) {
        tocsin__release(kind);
        return err;
    }
    kind->type = type;
    kind->engine = ops->engine;
    kind->state_bytes = ((type ? type->state_size : 0) + 15) & ~(size_t)15;
    if (type && type->flags & TOCSIN__DISARMS) {
        const struct tocsin__own_type *own = (const struct tocsin__own_type *)type;

        kind->disarm = own->disarm;
        kind->payload_at = own->payload_at;
        kind->is_thin = type->flags & TOCSIN__THIN;
    }
    kind->op_bytes = op_bytes(kind);
    kind->next = ops->kinds;
    ops->kinds = kind;
    *ret_kind = kind;
    return 0;
}

int tocsin__op_type_find(struct tocsin__ops *ops, const struct tocsin_op_type *type,
                         struct tocsin__op_type **ret_kind)
{
    for (struct tocsin__op_type **link = &ops->kinds; *link; link = &(*link)->next)
        if ((*link)->type == type) {
            struct tocsin__op_type *kind = *link;

            /* moves the entry to the front of the list, because few types are in use */
            *link = kind->next;
            kind->next = ops->kinds;
            ops->kinds = kind;
            *ret_kind = kind;
            return 0;
        }
    return type_add(ops, type, ret_kind);
}

void tocsin__op_types_forget(struct tocsin__ops *ops, const struct tocsin__owner *owner)
{
    for (struct tocsin__op_type **link = &ops->kinds; *link;) {
        struct tocsin__op_type *kind = *link;

        if (!kind->type || !tocsin__owner_has(owner, kind->type)) {
            link = &kind->next;
            continue;
        }
        *link = kind->next;
        tocsin__release(kind);
    }
}
