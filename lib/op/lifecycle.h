/* The phases of an operation, from its creation to its release. */
#ifndef TOCSIN_OP_LIFECYCLE_H
#define TOCSIN_OP_LIFECYCLE_H

#include "op/op.h"

/* Finds an operation of the calling thread's loop by its id. Returns 0; -ENOENT: it does not exist;
 * -EXDEV: another loop has it; or the error that the id carries. */
int tocsin__op_find(struct tocsin_op id, struct tocsin__op **ret_op);
/* Changes the phase, and the loop's counters of operations. */
void tocsin__op_set_phase(struct tocsin__op *op, enum tocsin__op_phase phase);
/* Marks the operation as one that a pool thread of the library will complete. */
void tocsin__op_set_threaded(struct tocsin__op *op);
/* Disarms the deadline. Does nothing if there is none. */
void tocsin__op_deadline_end(struct tocsin__op *op);
/* Disarms the timers and descriptors of the operation. */
void tocsin__op_disarm(struct tocsin__op *op);
/* Fills in the info that announces the end. From then on op->info is valid, and op->run is not:
 * they share memory. */
void tocsin__op_make_info(struct tocsin__op *op);
/* Ends the operation: its id becomes invalid. Its memory is freed with the last reference to its
 * info. */
void tocsin__op_release(struct tocsin__op *op);
/* A hook of the loop, called when the last pending emission of the operation has been delivered or
 * dropped. */
void tocsin__op_unpended(struct tocsin__source *source);

#endif
