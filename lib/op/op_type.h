/* The types of operations that a loop has used, each with the numbers of its signals. */
#ifndef TOCSIN_OP_OP_TYPE_H
#define TOCSIN_OP_OP_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include <tocsin/provider.h>

struct tocsin__engine;
struct tocsin__ops;
struct tocsin__owner;

/* The entry of a type on one loop. */
struct tocsin__op_type {
    struct tocsin__op_type *next;
    const struct tocsin_op_type *type; /* the public type; NULL: promises, which the program
                                        * completes itself */
    struct tocsin__engine *engine;
    void (*disarm)(void *state); /* disarms timers and descriptors; NULL except in a struct
                                  * tocsin__own_type */
    size_t state_bytes;          /* size of the state, rounded up so that what follows it is
                                  * aligned */
    size_t op_bytes;             /* size of the block of one operation */
    int done, progress[4];       /* numbers of the terminal signal and of the progress signals; 0
                                  * ends the array */
    uint32_t running;            /* number of running operations of this type */
};

/* Flags of the types that are built into the library, in addition to the public flags. The bits
 * from TOCSIN__COUNTED on contain the resource (registry/owner.h) whose quota is charged. */
enum {
    TOCSIN__ASKS = 1 << 15,    /* resume is called after each connect; the type itself finds out
                                * whether it is wanted */
    TOCSIN__OWN = 1 << 16,     /* only the library may complete operations of this type and obtain
                                * their state */
    TOCSIN__GATHERS = 1 << 17, /* new progress may be merged into pending progress while its signal
                                * is blocked (timers) */
    TOCSIN__DISARMS = 1 << 18, /* the type is a struct tocsin__own_type */
    TOCSIN__COUNTED = 19
};

/* A type that is built into the library and has timers or descriptors (TOCSIN__DISARMS). */
struct tocsin__own_type {
    struct tocsin_op_type type; /* must be the first member */
    /* Disarms the timers and descriptors of an operation, whichever way the operation ends. */
    void (*disarm)(void *state);
    /* The last fiber that the running operation was handed to has ended with this status. NULL:
       nothing happens. */
    void (*unserved)(void *state, int status);
};

static inline int tocsin__type_counted(const struct tocsin_op_type *type)
{
    return type ? (int)(type->flags >> TOCSIN__COUNTED) : 0;
}

static inline bool tocsin__type_is_persistent(const struct tocsin_op_type *type)
{
    return type && type->flags & TOCSIN_PERSISTENT;
}

/* Finds the entry of a type on this loop. If there is none, adds it and declares its signals. type
 * NULL: promises. */
int tocsin__op_type_find(struct tocsin__ops *ops, const struct tocsin_op_type *type,
                         struct tocsin__op_type **ret_kind);
/* Frees the loop's entries of all types that the owner has. No operation of these types may
 * exist. */
void tocsin__op_types_forget(struct tocsin__ops *ops, const struct tocsin__owner *owner);

#endif
