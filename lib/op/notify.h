/* The notify of an operation. */
#ifndef TOCSIN_OP_NOTIFY_H
#define TOCSIN_OP_NOTIFY_H

#include "op/op.h"

/* Checks a notify. Returns 0, or -EINVAL if it is malformed. */
int tocsin__notify_check(const struct tocsin_notify *notify);
/* Checks a notify against the type of the operation. Returns 0, or -EINVAL if operations of this
 * type would never call it. notify may be NULL. */
int tocsin__notify_check_type(const struct tocsin__op_type *kind, const struct tocsin_op_type *type,
                              const struct tocsin_notify *notify);
/* Calls the function of the notify in the same way as a handler. The caller has called all handlers
   before (O9). Returns 0; or why the function's fiber could not begin (TOCSIN_ON_FIBER), which was
   announced. */
int tocsin__op_call(struct tocsin__op *op, const struct tocsin_info *info);
/* Stores what the operation keeps of a notify. */
void tocsin__op_set_notify(struct tocsin__op *op, const struct tocsin_notify *notify);

#endif
