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
    void (*disarm)(void *state); /* of a type of the library's own; see struct tocsin__own_type */
    size_t state_bytes;          /* bytes of the state, so that what follows is aligned */
    size_t op_bytes;             /* size of the whole block of an operation */
    size_t payload_at;           /* thin: see struct tocsin__own_type */
    bool is_thin;
    int done, progress[4]; /* the signos of its signals; 0: no more progress */
    uint32_t running;      /* number of running operations of this type */
};

/* Flags of the types that are built into the library, in addition to the public flags. The bits
 * from TOCSIN__COUNTED on contain the resource (registry/owner.h) whose quota is charged. */
enum {
    TOCSIN__THIN = 1 << 14,    /* its operations are thin (op.h); only with TOCSIN__DISARMS */
    TOCSIN__ASKS = 1 << 15,    /* resume is called whenever something was connected: the type
                                  itself finds out whether it is wanted */
    TOCSIN__OWN = 1 << 16,     /* only the library may complete the operation and use its state */
    TOCSIN__GATHERS = 1 << 17, /* progress may be merged while its signal is blocked (timers) */
    TOCSIN__DISARMS = 1 << 18, /* the type is a struct tocsin__own_type */
    TOCSIN__COUNTED = 19
};

/* A type of the library's own whose operations have timers or descriptors (TOCSIN__DISARMS), or are
   thin. */
struct tocsin__own_type {
    struct tocsin_op_type type; /* must be the first member */
    /* Disarms the timers and descriptors of an operation, whichever way the operation ends. */
    void (*disarm)(void *state);
    /* The last fiber that the running operation was handed to has ended with this status. NULL:
       nothing happens. */
    void (*unserved)(void *state, int status);
    size_t payload_at; /* thin: offset of the terminal payload in the state */
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
