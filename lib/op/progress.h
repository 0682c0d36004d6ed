/* The progress of an operation. */
#ifndef TOCSIN_OP_PROGRESS_H
#define TOCSIN_OP_PROGRESS_H

#include "op/op.h"

/* The progress of an operation: at most one at a time. A thin operation is IDLE or DELIVERING.

       IDLE --accepted--> READY --> DELIVERING --> IDLE
                          |  ^            |
                          v  |            | another loop has no room
                          HELD <----------'
                           '--> IDLE: dropped, since the operation has failed or was cancelled */
enum tocsin__progress_state {
    TOCSIN__PROGRESS_IDLE,
    TOCSIN__PROGRESS_READY,      /* accepted; its node is on the ready list */
    TOCSIN__PROGRESS_DELIVERING, /* the handlers of the progress signal are being called */
    TOCSIN__PROGRESS_HELD        /* accepted, but nobody can take it now */
};

/* The part of an operation whose type has progress signals. The state, op->progress, is in the
   head. */
struct tocsin__progress {
    struct tocsin__op *op;
    struct tocsin__node node; /* node on the ready list, in the state READY */
    uint8_t which;            /* index of the progress signal in the type */
    unsigned overrun;         /* the number of merged progresses, which becomes the overrun */
    const struct tocsin_payload *payload;
    struct tocsin_payload *copy; /* payload, if it was copied; else NULL */
    struct tocsin__info
        *info; /* the copy for the notify's queue, where a place is reserved; else NULL */
    struct tocsin__paused paused; /* not of a thin operation */
};

/* Whether progress was accepted and not delivered yet. Its payload may lie in the state. */
static inline bool tocsin__op_has_progress(const struct tocsin__op *op)
{
    return op->progress != TOCSIN__PROGRESS_IDLE;
}

/* Accepts progress if it is wanted, and pauses the operation if it is not. The payload is lent.
   Returns what tocsin_op_progress returns. */
int tocsin__op_try_progress(struct tocsin__op *op, int which, const struct tocsin_payload *payload,
                            unsigned overrun);

/* Delivers progress at once, for an operation of the library that runs on the ready list, and for
   which progress was admitted. The payload is lent until this returns. 1: delivered; -EAGAIN,
   -ENOMEM: nothing was delivered, and the operation is paused. */
int tocsin__op_progress_now(struct tocsin__op *op, int which, const struct tocsin_payload *payload);

/* Runs from the ready list: delivers the progress that was accepted. */
void tocsin__op_deliver_progress(struct tocsin__node *node);
/* Drops progress that is held, since nobody can take it any more. */
void tocsin__op_progress_drop(struct tocsin__op *op);
/* T8: drops all progress. */
void tocsin__op_progress_forget(struct tocsin__op *op);
/* T6: drops all progress; its node is on no list. */
void tocsin__op_progress_lost(struct tocsin__op *op);
/* A jump has left the delivery of progress: the operation goes on behind it. */
void tocsin__op_progress_left(struct tocsin__op *op);

#endif
