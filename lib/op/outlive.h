/* Operations that outlive their loop because their provider has not completed them (T6). */
#ifndef TOCSIN_OP_OUTLIVE_H
#define TOCSIN_OP_OUTLIVE_H

#include <stdint.h>

struct tocsin__op;

/* Keeps the memory of the operation until its provider completes it (and gets -ENOENT). */
void tocsin__op_outlives(struct tocsin__op *op);
/* The info of the end of such an operation was made: takes the reference that keeps the memory. */
void tocsin__op_outlives_announced(struct tocsin__op *op);
/* The provider has completed this id: frees that memory, if there is any. */
void tocsin__outlived(uint64_t id);

#endif
