/* The delivery of an operation's end. */
#ifndef TOCSIN_OP_END_H
#define TOCSIN_OP_END_H

#include "op/op.h"

/* Runs from the ready list or the inbox: the operation has been completed. */
void tocsin__op_deliver_end(struct tocsin__node *node);
/* A jump has left the delivery of the end: the rest of it is done in the next turn. */
void tocsin__op_left(struct tocsin__op *op);

#endif
