/* The types of operations that a loop knows, each with the signals that it declared. */
#ifndef TOCSIN_OP_OP_TYPE_H
#define TOCSIN_OP_OP_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include <tocsin/provider.h>

struct tocsin__ops;
struct tocsin__owner;

/* One type on one loop. */
struct tocsin__op_type {
    struct tocsin__op_type *next;
    const struct tocsin_op_type *type;
    int done, progress[4]; /* the signos of its signals; 0: no more progress */
    uint32_t running;      /* number of running operations of this type */
};

/* Flags of the library's own types, beside the public ones. From bit TOCSIN__COUNTED on, the flags
   hold the resource (registry/owner.h) that the operations are charged as. */
enum {
    TOCSIN__ASKS = 1 << 15,    /* resume is called whenever something was connected: the type
                                  itself finds out whether it is wanted */
    TOCSIN__OWN = 1 << 16,     /* only the library may complete the operation and use its state */
    TOCSIN__GATHERS = 1 << 17, /* progress may be merged while its signal is blocked (timers) */
    TOCSIN__COUNTED = 18
};

static inline int tocsin__type_counted(const struct tocsin_op_type *type)
{
    return type ? (int)(type->flags >> TOCSIN__COUNTED) : 0;
}

static inline bool tocsin__type_is_persistent(const struct tocsin_op_type *type)
{
    return type && type->flags & TOCSIN_PERSISTENT;
}

/* Finds a type of this loop, or adds it and declares its signals. type NULL: completed by hand. */
int tocsin__op_type_find(struct tocsin__ops *ops, const struct tocsin_op_type *type,
                         struct tocsin__op_type **ret_kind);
/* Frees the entries of the types that are an owner's. No operation of them may be left. */
void tocsin__op_types_forget(struct tocsin__ops *ops, const struct tocsin__owner *owner);

#endif
