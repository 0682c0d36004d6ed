/* Places for the end of an operation in every queue that it will go to. */
#ifndef TOCSIN_OP_RESERVE_H
#define TOCSIN_OP_RESERVE_H

#include "op/op.h"

/* -EAGAIN: a queue, a blocked terminal signal or another loop has no room; -ENOMEM */
int tocsin__op_reserve_end(struct tocsin__op *op);
/* Gives the places back: there will be no end. */
void tocsin__op_release_end(struct tocsin__op *op);
/* The end of an operation has passed the queues that listen to signo. */
void tocsin__ops_unexpect(struct tocsin__ops *ops, int signo);

#endif
