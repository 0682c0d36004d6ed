/* The owners whose quotas are charged for an operation. */
#ifndef TOCSIN_OP_OP_OWNER_H
#define TOCSIN_OP_OP_OWNER_H

#include "op/op.h"

/* Returns the owner to charge for an operation with this type and this notify. */
struct tocsin__owner *tocsin__op_owner_of(const struct tocsin_op_type *type,
                                          const struct tocsin_notify *notify);
/* Charges the operation to its owner, and the use of its type to the owner of the type. -ESHUTDOWN:
 * one of the two owners is being unloaded; -EDQUOT: the owner has reached a limit. */
int tocsin__op_charge(struct tocsin__owner *owner, const struct tocsin_op_type *type);
/* These functions undo tocsin__op_charge. tocsin__op_uncharge is called when the operation has
 * ended. tocsin__op_type_uncharge is called when its memory was freed, since the operation no
 * longer uses its type then. */
void tocsin__op_uncharge(struct tocsin__owner *owner, const struct tocsin_op_type *type);
void tocsin__op_type_uncharge(const struct tocsin_op_type *type);

/* Changes the owner of the operation to the plugin that contains the code. Code of the program
 * itself does not change the owner. */
void tocsin__op_set_owner(struct tocsin__op *op, const void *code);
void tocsin__op_set_program_owner(struct tocsin__op *op);

#endif
