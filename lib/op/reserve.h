/* Places for the end of an operation, in each queue that the end will go to. */
#ifndef TOCSIN_OP_RESERVE_H
#define TOCSIN_OP_RESERVE_H

#include "op/op.h"

/* Reserves the places. -EAGAIN: a queue, the pending list of a blocked signal, or another loop has
 * no room; -ENOMEM. */
int tocsin__op_reserve_end(struct tocsin__op *op);
/* Gives the places back, when the operation will have no end. */
void tocsin__op_release_end(struct tocsin__op *op);
/* Gives one place back in each queue that is connected to signo: an end has reached these
 * queues. */
void tocsin__ops_unexpect(struct tocsin__ops *ops, int signo);

#endif
