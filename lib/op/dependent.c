/* The list of the dependents of an operation. */
#include "op/dependent.h"

int tocsin__op_depend(struct tocsin__op *op, struct tocsin__dependent *dependent)
{
    struct tocsin__dependent **first;

    if (!tocsin__op_rare(op))
        return -ENOMEM;
    first = &op->rare->dependents;
    dependent->op = op;
    dependent->next = *first;
    dependent->link = first;
    if (*first)
        (*first)->link = &dependent->next;
    *first = dependent;
    return 0;
}

void tocsin__op_undepend_quietly(struct tocsin__dependent *dependent)
{
    if (!dependent->op)
        return;
    *dependent->link = dependent->next;
    if (dependent->next)
        dependent->next->link = dependent->link;
    dependent->op = NULL;
}

void tocsin__op_undepend(struct tocsin__dependent *dependent, int status)
{
    struct tocsin__op *op = dependent->op;
    const struct tocsin_op_type *type = op ? tocsin__op_type(op) : NULL;

    tocsin__op_undepend_quietly(dependent);
    if (!type || !dependent->serves || tocsin__op_has_dependents(op) ||
        !(type->flags & TOCSIN__DISARMS) || op->phase != TOCSIN__OP_RUNNING)
        return;
    if (((const struct tocsin__own_type *)type)->unserved)
        ((const struct tocsin__own_type *)type)->unserved(tocsin__op_state(op), status);
}

void tocsin__op_dependents_end(struct tocsin__op *op, int status)
{
    while (tocsin__op_has_dependents(op)) {
        struct tocsin__dependent *dependent = op->rare->dependents;

        tocsin__op_undepend_quietly(dependent);
        if (status < 0)
            dependent->failed(dependent);
    }
}
