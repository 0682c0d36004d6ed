/* The delivery of an operation's end. */
#ifndef TOCSIN_OP_END_H
#define TOCSIN_OP_END_H

#include "op/op.h"

/* Runs from the ready list or the inbox: the operation has been completed. */
void tocsin__op_deliver_end(struct tocsin__node *node);
/* Runs from the ready list: calls the functions of tocsin_then, and goes on with the ends that a
   jump has left. */
void tocsin__ops_run_late(struct tocsin__node *node);

#endif
