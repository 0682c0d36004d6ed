/* Requests to end an operation early: by tocsin_cancel, by its deadline, or because its start
 * failed. */
#ifndef TOCSIN_OP_CANCEL_H
#define TOCSIN_OP_CANCEL_H

#include "op/op.h"

/* Asks the operation to end with the status reason: -ECANCELED or -ETIMEDOUT. Returns what
 * tocsin_cancel returns. */
int tocsin__op_end(struct tocsin__op *op, int reason);
/* Allocates the memory of the deadline, so that tocsin_op_deadline cannot fail later. Returns 0 or
 * -ENOMEM. */
int tocsin__op_deadline_make(struct tocsin__op *op);
/* Removes an operation whose start failed. The operation emits no signal. */
void tocsin__op_undo(struct tocsin__op *op);

#endif
