/* Ended operations for which something is to be done in the next turn: a call of tocsin_then with a
   kept result, or the rest of an end that a jump has left. Their node has become an info, so they
   have a list of their own. */
#ifndef TOCSIN_OP_LATE_H
#define TOCSIN_OP_LATE_H

#include "op/op.h"

void tocsin__op_late(struct tocsin__op *op);
/* Takes the operation out of the list, if it is there. */
void tocsin__op_late_forget(struct tocsin__op *op);
/* Puts the node of the list on the ready list, unless the list is empty. */
void tocsin__ops_late_ready(struct tocsin__ops *ops);

#endif
