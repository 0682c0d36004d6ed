/* The functions by which injectors (tocsin/inject.h) delay the end of an operation, or change its
 * status. */
#ifndef TOCSIN_OP_INJECT_H
#define TOCSIN_OP_INJECT_H

#include "op/op.h"

/* Calls the injectors for the end of the operation, once. Returns true if an injector delays the
 * end. */
bool tocsin__op_inject_delay(struct tocsin__op *op);
/* Ends the delay. The end of the operation is then delivered, with reason as its status. */
void tocsin__op_delay_end(struct tocsin__op *op, int reason);
/* Frees the memory of the delay. Does nothing if the operation is not delayed. */
void tocsin__op_delay_free(struct tocsin__op *op);

#endif
