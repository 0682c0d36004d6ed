/* Delivers the end of an operation. */
#ifndef TOCSIN_OP_END_H
#define TOCSIN_OP_END_H

#include "op/op.h"

/* Delivers the end of a completed operation. The loop calls this for a node of the ready list or of
 * the inbox. */
void tocsin__op_deliver_end(struct tocsin__node *node);
/* Handles all operations of ops->late: calls the functions of tocsin_then, and continues ends whose
 * delivery was left by a jump (longjmp). The loop calls this for a node of the ready list. */
void tocsin__ops_run_late(struct tocsin__node *node);

#endif
