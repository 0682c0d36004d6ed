/* The owners of an operation and of its type: the quotas of both are charged. */
#include "registry/owner.h"
#include "op/op_owner.h"
#include "delivery/owner_here.h"

static void op_charge_counted(struct tocsin__owner *owner, const struct tocsin_op_type *type)
{
    int as = tocsin__type_counted(type);

    if (as)
        tocsin__owner_charge_force(owner, as, 1);
}

void tocsin__op_uncharge(struct tocsin__owner *owner, const struct tocsin_op_type *type)
{
    int as = tocsin__type_counted(type);

    if (as)
        tocsin__owner_uncharge(owner, as, 1);
    if (tocsin__type_is_persistent(type))
        tocsin__owner_uncharge(owner, TOCSIN__PERSISTENT, 1);
    tocsin__owner_uncharge(owner, TOCSIN_RESOURCE_OPERATIONS, 1);
}

void tocsin__op_type_uncharge(const struct tocsin_op_type *type)
{
    if (tocsin__type_is_persistent(type))
        tocsin__owner_uncharge(tocsin__owner_of(type), TOCSIN__PERSISTENT_TYPES, 1);
    tocsin__owner_uncharge(tocsin__owner_of(type), TOCSIN_RESOURCE_TYPES, 1);
}

int tocsin__op_charge(struct tocsin__owner *owner, const struct tocsin_op_type *type)
{
    int err = tocsin__owner_charge(tocsin__owner_of(type), TOCSIN_RESOURCE_TYPES, 1);

    if (err < 0)
        return err;
    /* Persistent types are counted first, so another thread never reads more of them than
     * operations. */
    if (tocsin__type_is_persistent(type)) {
        tocsin__owner_charge_force(tocsin__owner_of(type), TOCSIN__PERSISTENT_TYPES, 1);
        tocsin__owner_charge_force(owner, TOCSIN__PERSISTENT, 1);
    }
    err = tocsin__owner_charge_or_report(owner, TOCSIN_RESOURCE_OPERATIONS);
    if (err == 0 && tocsin__type_counted(type) == TOCSIN_RESOURCE_STREAMS) {
        err = tocsin__owner_charge_or_report(owner, TOCSIN_RESOURCE_STREAMS);
        if (err < 0)
            tocsin__owner_uncharge(owner, TOCSIN_RESOURCE_OPERATIONS, 1);
    } else if (err == 0) {
        op_charge_counted(owner, type);
    }
    if (err < 0) {
        if (tocsin__type_is_persistent(type))
            tocsin__owner_uncharge(owner, TOCSIN__PERSISTENT, 1);
        tocsin__op_type_uncharge(type);
    }
    return err;
}

static void op_change_owner(struct tocsin__op *op, struct tocsin__owner *owner)
{
    if (owner == op->owner)
        return;
    if (tocsin__op_is_persistent(op))
        tocsin__owner_charge_force(owner, TOCSIN__PERSISTENT, 1);
    tocsin__owner_charge_force(owner, TOCSIN_RESOURCE_OPERATIONS, 1);
    op_charge_counted(owner, tocsin__op_type(op));
    tocsin__op_uncharge(op->owner, tocsin__op_type(op));
    op->owner = owner;
}

void tocsin__op_set_owner(struct tocsin__op *op, const void *code)
{
    struct tocsin__owner *owner = tocsin__owner_of(code);

    if (owner != &tocsin__program)
        op_change_owner(op, owner);
}

void tocsin__op_set_program_owner(struct tocsin__op *op)
{
    op_change_owner(op, &tocsin__program);
}

/* Finds the owner to charge. A background operation, such as the socket of a connection pool,
 * serves all fetches. So it is charged to the owner of its type, not to the plugin whose fetch has
 * made it. */
struct tocsin__owner *tocsin__op_owner_of(const struct tocsin_op_type *type,
                                          const struct tocsin_notify *notify)
{
    const void *code = notify && notify->fn ? (const void *)notify->fn : NULL;

    if (notify && notify->mode & TOCSIN_BACKGROUND &&
        (code || (type && !(type->flags & TOCSIN__OWN))))
        return tocsin__owner_of(code ? code : type);
    return tocsin__owner_whose(code, NULL);
}
