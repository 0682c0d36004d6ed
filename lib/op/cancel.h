/* Ending an operation before it ends by itself. */
#ifndef TOCSIN_OP_CANCEL_H
#define TOCSIN_OP_CANCEL_H

#include "op/op.h"

/* Requests the end, with reason as its status: -ECANCELED or -ETIMEDOUT. Returns what tocsin_cancel
   returns. */
int tocsin__op_end(struct tocsin__op *op, int reason);
/* Allocates the deadline, so that tocsin_op_deadline cannot fail afterwards. -ENOMEM */
int tocsin__op_deadline_make(struct tocsin__op *op);
/* Undoes an operation that was made and whose start failed. It emits nothing. */
void tocsin__op_undo(struct tocsin__op *op);

#endif
