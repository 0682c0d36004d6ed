/* Injectors (tocsin/inject.h) at the end of an operation. */
#ifndef TOCSIN_OP_INJECT_H
#define TOCSIN_OP_INJECT_H

#include "op/op.h"

/* Asks the injectors, once. true: they delay the end. */
bool tocsin__op_inject_delay(struct tocsin__op *op);
/* Ends the delay: the end is delivered now, with this status. */
void tocsin__op_delay_end(struct tocsin__op *op, int reason);
/* Frees the delay, if there is one. */
void tocsin__op_delay_free(struct tocsin__op *op);

#endif
