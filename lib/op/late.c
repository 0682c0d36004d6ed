#include "loop/ready.h"
#include "op/late.h"

void tocsin__ops_late_ready(struct tocsin__ops *ops)
{
    if (!ops->late || ops->late_is_ready)
        return;
    ops->late_is_ready = true;
    tocsin__ready_push(ops->engine, &ops->late_node);
}

void tocsin__op_late(struct tocsin__op *op)
{
    struct tocsin__ops *ops = tocsin__ops(tocsin__op_engine(op));

    if (op->is_late)
        return;
    op->is_late = true;
    op->late_next = NULL;
    *ops->late_last = op;
    ops->late_last = &op->late_next;
    ops->late_count++;
    tocsin__ops_late_ready(ops);
}

void tocsin__op_late_forget(struct tocsin__op *op)
{
    struct tocsin__ops *ops = tocsin__ops(tocsin__op_engine(op));
    struct tocsin__op **link = &ops->late;

    if (!op->is_late)
        return;
    op->is_late = false;
    while (*link != op)
        link = &(*link)->late_next;
    *link = op->late_next;
    if (!*link)
        ops->late_last = link;
    ops->late_count--;
}
