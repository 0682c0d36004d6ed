/* What depends on an operation: a fiber that was called for a stream is cancelled if the stream
   fails. */
#ifndef TOCSIN_OP_DEPENDENT_H
#define TOCSIN_OP_DEPENDENT_H

#include "op/op.h"

struct tocsin__dependent {
    struct tocsin__op *op; /* NULL: it depends on nothing, or the operation has ended */
    bool serves;           /* the operation was handed to it, as an accepted stream is */
    struct tocsin__dependent *next, **link; /* in the list of the operation */
    /* the operation has failed; the dependent does not depend on it any more */
    void (*failed)(struct tocsin__dependent *dependent);
};

/* Makes it depend on the operation. -ENOMEM */
int tocsin__op_depend(struct tocsin__op *op, struct tocsin__dependent *dependent);
/* Ends the dependence. An operation that was handed over, and has no other dependents, is told the
   status (struct tocsin__own_type, unserved). */
void tocsin__op_undepend(struct tocsin__dependent *dependent, int status);
/* Ends the dependence without a word to the operation. */
void tocsin__op_undepend_quietly(struct tocsin__dependent *dependent);

/* The operation has ended: ends the dependences of all. status < 0: calls their `failed`. */
void tocsin__op_dependents_end(struct tocsin__op *op, int status);

static inline bool tocsin__op_has_dependents(const struct tocsin__op *op)
{
    return op->rare && op->rare->dependents;
}

#endif
