/* The owners that are charged for an operation. */
#ifndef TOCSIN_OP_OP_OWNER_H
#define TOCSIN_OP_OP_OWNER_H

#include "op/op.h"

/* The owner of an operation that starts with this type and notify. */
struct tocsin__owner *tocsin__op_owner_of(const struct tocsin_op_type *type,
                                          const struct tocsin_notify *notify);
/* Charges an operation to its owner, and its type to the type's. -ESHUTDOWN: one of them is being
   unloaded; -EDQUOT: a limit of the owner. */
int tocsin__op_charge(struct tocsin__owner *owner, const struct tocsin_op_type *type);
/* Undoes tocsin__op_charge, in two steps: the operation has ended; its memory is gone. */
void tocsin__op_uncharge(struct tocsin__owner *owner, const struct tocsin_op_type *type);
void tocsin__op_type_uncharge(const struct tocsin_op_type *type);

/* Charges the operation to the plugin whose code this is. Code of the program changes nothing. */
void tocsin__op_set_owner(struct tocsin__op *op, const void *code);
void tocsin__op_set_program_owner(struct tocsin__op *op);

#endif
