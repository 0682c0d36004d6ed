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
    TOCSIN__PROGRESS_READY,      /* accepted; the node is on the ready list */
    TOCSIN__PROGRESS_DELIVERING, /* the handlers of the progress signal are being called */
    TOCSIN__PROGRESS_HELD        /* accepted, but cannot be delivered now, because a listener has no
                                  * room */
};

/* The progress of an operation whose type has progress signals. The state of the progress is in the
   head of the operation (op->progress). */
struct tocsin__progress {
    struct tocsin__op *op;
    struct tocsin__node node; /* node on the ready list, in the state READY */
    uint8_t which;            /* index of the progress signal in the type */
    int call_error;           /* the error with which the fiber of the notify could not begin, at
                                 the last progress; 0: it began */
    unsigned overrun;         /* number of progress reports that were merged into this one; becomes
                                 the overrun */
    const struct tocsin_payload *payload;
    struct tocsin_payload *copy; /* the payload, if it was copied; else NULL */
    struct tocsin__info
        *info; /* a copy for the queue of the notify, in which a place is reserved; else NULL */
    struct tocsin__paused paused; /* place in a list of paused operations; a thin operation uses the
                                     place in its head instead */
};

/* Whether accepted progress has not been delivered yet. Its payload may lie in the state. */
static inline bool tocsin__op_has_progress(const struct tocsin__op *op)
{
    return op->progress != TOCSIN__PROGRESS_IDLE;
}

/* Accepts progress if a listener wants it and has room; otherwise pauses the operation. The payload
 * is lent. Returns what tocsin_op_progress returns. */
int tocsin__op_try_progress(struct tocsin__op *op, int which, const struct tocsin_payload *payload,
                            unsigned overrun);

/* Delivers progress at once. Only for an operation of the library that runs from the ready list and
 * whose progress was admitted. The payload is lent until the return. Returns 1 if the progress was
 * delivered. After -EAGAIN and -ENOMEM it was not delivered, and the operation is paused. */
int tocsin__op_progress_now(struct tocsin__op *op, int which, const struct tocsin_payload *payload);

/* Delivers the progress that was accepted. The loop calls this for a node of the ready list. */
void tocsin__op_deliver_progress(struct tocsin__node *node);
/* Drops progress in the state HELD. */
void tocsin__op_progress_drop(struct tocsin__op *op);
/* The child of a fork (T8) drops all progress. */
void tocsin__op_progress_forget(struct tocsin__op *op);
/* The thread has ended (T6): drops all progress. The node of the progress is on no list. */
void tocsin__op_progress_lost(struct tocsin__op *op);
/* Called after a jump (longjmp) has left the delivery of progress: the operation continues as if
 * the progress were delivered. */
void tocsin__op_progress_left(struct tocsin__op *op);

#endif
