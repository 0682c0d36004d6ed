/* Dependents of an operation. A dependent is told when its operation fails: a fiber that was called
   for a stream is then cancelled. */
#ifndef TOCSIN_OP_DEPENDENT_H
#define TOCSIN_OP_DEPENDENT_H

#include "op/op.h"

struct tocsin__dependent {
    struct tocsin__op *op; /* NULL: not linked to an operation, or the operation has ended */
    /* the operation was handed to this dependent, such as an accepted stream to a fiber */
    bool serves;
    struct tocsin__dependent *next, **link; /* links in the list of the operation */
    /* Called when the operation has failed. The dependent has been taken out of the list before */
    void (*failed)(struct tocsin__dependent *dependent);
};

/* Adds a dependent to the operation's list. -ENOMEM */
int tocsin__op_depend(struct tocsin__op *op, struct tocsin__dependent *dependent);
/* Removes a dependent from the list. If the operation was handed to it, and has no other
   dependents, calls `unserved` of the operation's type with the status (struct
   tocsin__own_type). */
void tocsin__op_undepend(struct tocsin__dependent *dependent, int status);
/* Removes a dependent from the list, without calling `unserved`. */
void tocsin__op_undepend_quietly(struct tocsin__dependent *dependent);

/* Called when the operation has ended: removes all dependents. If status < 0, calls the function
   `failed` of each. */
void tocsin__op_dependents_end(struct tocsin__op *op, int status);

static inline bool tocsin__op_has_dependents(const struct tocsin__op *op)
{
    return op->rare && op->rare->dependents;
}

#endif
