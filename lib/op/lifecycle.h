/* The phases of an operation, from its making to its release. */
#ifndef TOCSIN_OP_LIFECYCLE_H
#define TOCSIN_OP_LIFECYCLE_H

#include "op/op.h"

/* The operation of this id on the thread's loop. -ENOENT, -EXDEV, or the error that id carries. */
int tocsin__op_find(struct tocsin_op id, struct tocsin__op **ret_op);
/* Changes the phase, and with it the counters of the loop. */
void tocsin__op_set_phase(struct tocsin__op *op, enum tocsin__op_phase phase);
/* A thread of the library will complete the operation. */
void tocsin__op_set_threaded(struct tocsin__op *op);
/* Disarms the deadline, if there is one. */
void tocsin__op_deadline_end(struct tocsin__op *op);
/* Disarms the timers and descriptors of the operation. */
void tocsin__op_disarm(struct tocsin__op *op);
/* Makes the info that announces the end. From here on op->info is valid, and op->run is not. */
void tocsin__op_make_info(struct tocsin__op *op);
/* Ends the operation: its id becomes stale. The memory lives until the last reference to its
   info. */
void tocsin__op_release(struct tocsin__op *op);
/* No emission of the operation is pending any more: a hook of the loop. */
void tocsin__op_unpended(struct tocsin__source *source);

#endif
