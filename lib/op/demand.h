/* Demand (O2): whether a listener wants the progress of an operation. */
#ifndef TOCSIN_OP_DEMAND_H
#define TOCSIN_OP_DEMAND_H

#include "op/op.h"

/* Whether progress is admitted. 1: a listener wants it, and all listeners have room for it. 0: no
 * listener wants it. -EAGAIN: a listener wants it, but there is no room now. */
int tocsin__op_progress_admission(const struct tocsin__op *op, int which);
/* As tocsin__op_progress_admission, but handlers of all operations do not count. Only the notify,
 * and handlers and queues that are connected to this operation, count as listeners. */
int tocsin__op_progress_own_admission(const struct tocsin__op *op, int which);
/* Whether progress that was accepted earlier can be delivered now. A place for it is reserved in
 * the queue of the notify. */
bool tocsin__op_progress_is_deliverable(const struct tocsin__op *op);
/* Whether a handler or a queue that is not limited to one source is connected to the signal. op may
 * be any operation of the loop. */
bool tocsin__op_demand_for_all(const struct tocsin__op *op, int signo);
/* 1: some progress of the operation is wanted and can be accepted now; 0: nobody wants any;
   -EAGAIN: those who want some cannot take it yet. */
int tocsin__op_demand(const struct tocsin__op *op);

#endif
