/* A list of ended operations that need one more step in the next turn: the call of a function of
 * tocsin_then, or the rest of a delivery that was left by a jump (longjmp). They have a list of
 * their own, since the memory of their node is now used for the info of the end. */
#ifndef TOCSIN_OP_LATE_H
#define TOCSIN_OP_LATE_H

#include "op/op.h"

void tocsin__op_late(struct tocsin__op *op);
/* Removes the operation from the list. Does nothing if it is not in the list. */
void tocsin__op_late_forget(struct tocsin__op *op);
/* Puts late_node on the ready list, if ops->late is not empty. */
void tocsin__ops_late_ready(struct tocsin__ops *ops);

#endif
