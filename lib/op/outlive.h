/* Operations that outlive their loop, because their provider has not completed them (T6). */
#ifndef TOCSIN_OP_OUTLIVE_H
#define TOCSIN_OP_OUTLIVE_H

#include <stdint.h>

struct tocsin__op;

/* Keeps the memory of the operation until its provider completes it. The provider's call then
 * returns -ENOENT. */
void tocsin__op_outlives(struct tocsin__op *op);
/* Takes the reference that keeps the memory of such an operation. Called when the info of its end
 * was made. */
void tocsin__op_outlives_announced(struct tocsin__op *op);
/* The provider has completed the operation with this id. Frees its memory if tocsin__op_outlives
 * has kept it. */
void tocsin__outlived(uint64_t id);

#endif
