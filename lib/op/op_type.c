/* The types of operations that a loop has, in a list, most recently used first. */
#include "registry/catalogue.h"
#include "registry/owner.h"
#include "op/op_type.h"
#include "op/ops.h"

static const struct tocsin_op_type by_hand; /* the key of the operations without a type */

static int type_declare(const struct tocsin_op_type *type, struct tocsin__op_type *kind)
{
    kind->done = tocsin_declare(type == &by_hand ? &tocsin__op_done_spec : type->done);
    if (kind->done < 0)
        return kind->done;
    for (int i = 0; i < 4 && type->progress[i]; i++) {
        kind->progress[i] = tocsin_declare(type->progress[i]);
        if (kind->progress[i] < 0)
            return kind->progress[i];
    }
    return 0;
}

static int type_check(const struct tocsin_op_type *type)
{
    int counted = tocsin__type_counted(type);

    if (counted &&
        (counted < TOCSIN__TIMERS || counted > TOCSIN__WORKS || !(type->flags & TOCSIN__OWN)))
        return -EINVAL;
    if (!type->done ||
        type->flags & ~(unsigned)(TOCSIN_PERSISTENT | TOCSIN__ASKS | TOCSIN__OWN | TOCSIN__GATHERS |
                                  31u << TOCSIN__COUNTED) ||
        type->state_size > SIZE_MAX / 4 || type->done->kind == TOCSIN_DIRECT)
        return -EINVAL;
    return type->spare[0] || type->spare[1] || type->spare[2] || type->spare[3] ? -EINVAL : 0;
}

static int type_add(struct tocsin__ops *ops, const struct tocsin_op_type *type,
                    struct tocsin__op_type **ret_kind)
{
    struct tocsin__op_type *kind;
    int err = type == &by_hand ? 0 : type_check(type);

    if (err < 0)
        return err;
    kind = tocsin__alloc(sizeof *kind);
    err = kind ? type_declare(type, kind) : -ENOMEM;
    if (err < 0) {
        tocsin__release(kind);
        return err;
    }
    kind->type = type;
    kind->next = ops->kinds;
    ops->kinds = kind;
    *ret_kind = kind;
    return 0;
}

int tocsin__op_type_find(struct tocsin__ops *ops, const struct tocsin_op_type *type,
                         struct tocsin__op_type **ret_kind)
{
    if (!type)
        type = &by_hand;
    for (struct tocsin__op_type **link = &ops->kinds; *link; link = &(*link)->next)
        if ((*link)->type == type) {
            struct tocsin__op_type *kind = *link;

            *link = kind->next; /* move to front: few types are in use */
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

        if (!tocsin__owner_has(owner, kind->type)) {
            link = &kind->next;
            continue;
        }
        *link = kind->next;
        tocsin__release(kind);
    }
}
