/* The accessors by which lib/io reads an operation's head. No other file of lib/io reads the
   members of the head. */
#ifndef TOCSIN_IO_OP_ACCESS_H
#define TOCSIN_IO_OP_ACCESS_H

#include "op/op.h"
#include "op/progress.h"

static inline void *tocsin__op_state_of(struct tocsin__op *op)
{
    return tocsin__op_state(op);
}

/* The node of a thin operation is not on the ready list any more. */
static inline void tocsin__op_unready(struct tocsin__op *op)
{
    op->is_ready = false;
}

static inline uint64_t tocsin__op_id(const struct tocsin__op *op)
{
    return op->source.id;
}

static inline bool tocsin__op_has_type(const struct tocsin__op *op,
                                       const struct tocsin_op_type *type)
{
    return tocsin__op_type(op) == type;
}

static inline bool tocsin__op_has_notify(const struct tocsin__op *op)
{
    return op->mode &
           (TOCSIN_AT_END | TOCSIN_AT_EACH | TOCSIN_INTO_QUEUE | TOCSIN_KEEP | TOCSIN_BACKGROUND);
}

static inline struct tocsin__owner *tocsin__op_owner(const struct tocsin__op *op)
{
    return op->owner;
}

/* Whether the notify wants progress. */
static inline bool tocsin__op_notifies_progress(const struct tocsin__op *op)
{
    return op->mode & (TOCSIN_AT_EACH | TOCSIN_INTO_QUEUE);
}

/* The error by which the notify's fiber could not be started at the last progress; 0: the fiber was
   started, or the notify has none. */
static inline int tocsin__op_call_error(const struct tocsin__op *op)
{
    return tocsin__op_progress(op)->call_error;
}

/* Whether there are handlers that were connected for this operation only. */
static inline bool tocsin__op_has_own_handlers(const struct tocsin__op *op)
{
    return op->source.listeners;
}

#endif
