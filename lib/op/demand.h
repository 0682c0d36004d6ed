/* The demand for an operation's progress. */
#ifndef TOCSIN_OP_DEMAND_H
#define TOCSIN_OP_DEMAND_H

#include "op/op.h"

/* 1: this progress is wanted and can be accepted now; 0: nobody wants it; -EAGAIN: those who want
   it cannot take it yet. */
int tocsin__op_progress_admission(const struct tocsin__op *op, int which);
/* As above, but handlers of all operations are no demand: only the notify, and the handlers and
   queues that are connected to this operation. */
int tocsin__op_progress_own_admission(const struct tocsin__op *op, int which);
/* Whether accepted progress can be delivered now. It has its place in a queue already. */
bool tocsin__op_progress_is_deliverable(const struct tocsin__op *op);
/* Whether handlers or queues of all sources want the signal. Any operation. */
bool tocsin__op_demand_for_all(const struct tocsin__op *op, int signo);
/* 1: some progress of the operation is wanted and can be accepted now; 0: nobody wants any;
   -EAGAIN: those who want some cannot take it yet. */
int tocsin__op_demand(const struct tocsin__op *op);

#endif
