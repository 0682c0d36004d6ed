/* The owners that are charged for an operation. */
#ifndef TOCSIN_OP_OP_OWNER_H
#define TOCSIN_OP_OP_OWNER_H

#include "op/op.h"

/* The owner of an operation that starts with this type and notify. */
struct tocsin__owner *tocsin__op_owner_of(const struct tocsin_op_type *type,
                                          const struct tocsin_notify *notify);
/* Charges an operation to its owner, and the use of its type to the owner of the type. -ESHUTDOWN:
   one of these owners is being unloaded; -EDQUOT: the owner has reached a limit. */
int tocsin__op_charge(struct tocsin__owner *owner, const struct tocsin_op_type *type);
/* Undo tocsin__op_charge. op_uncharge: the operation has ended. op_type_uncharge: its memory was
   freed, so it does not use the type any more. */
void tocsin__op_uncharge(struct tocsin__owner *owner, const struct tocsin_op_type *type);
void tocsin__op_type_uncharge(const struct tocsin_op_type *type);

/* Charges the operation to the plugin that contains the code. If the program contains the code, the
   operation keeps its owner. */
void tocsin__op_set_owner(struct tocsin__op *op, const void *code);
void tocsin__op_set_program_owner(struct tocsin__op *op);

#endif
