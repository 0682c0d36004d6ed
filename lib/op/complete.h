/* Completing an operation exactly once, from any thread. A word called the claim decides which
   thread completes the operation.

   The claim is in the table of ids, beside the operation's id. The table is never unmapped, so any
   thread may read the claim at any time. It has these values:

       id (or own word)  open: no thread has completed the operation
             |  ^
             v  | the copy failed
          COPYING  ----asked to end----> ASKED
             |                             |
             v                             v
             0           completed: the end is on its way to the loop

   The thread that changes the claim from open to 0, or to COPYING, completes the operation. Before
   this change, it must not read or write the operation. If there is no payload to copy, the claim
   changes from open to 0 at once. */
#ifndef TOCSIN_OP_COMPLETE_H
#define TOCSIN_OP_COMPLETE_H

#include "op/op.h"

/* Takes the claim, so that the caller may complete the operation. Then only the caller may write
 * the state, until tocsin__op_finish. NULL: another thread has completed it, or the id is no longer
 * valid. */
struct tocsin__op *tocsin__op_claim(uint64_t id);
/* Completes an operation whose claim the caller has taken. lent: the payload, which must lie inside
 * the state. lent NULL: an empty payload. */
void tocsin__op_finish(struct tocsin__op *op, int status, const struct tocsin_payload *lent);
/* Puts the end on the ready list, on the thread of the loop. */
void tocsin__op_push_end(struct tocsin__op *op);
/* Puts a thin operation on the ready list, where run is called. Does nothing if it is there
   already, or was completed. run clears op->is_ready. */
void tocsin__op_push_thin(struct tocsin__op *op, void (*run)(struct tocsin__node *node));
/* Claims and finishes, on the thread of the loop. If the operation is completed already, does
   nothing. */
void tocsin__op_complete(struct tocsin__op *op, int status, const struct tocsin_payload *lent);

/* Answers to the loop's request that an operation ends. */
enum tocsin__claim {
    TOCSIN__CLAIM_OPEN,  /* no thread has completed the operation: the caller must cancel it */
    TOCSIN__CLAIM_ASKED, /* another thread copies the payload of the end. If the copy fails, the
                          * operation ends with the requested status */
    TOCSIN__CLAIM_TAKEN  /* the operation is completed: its end is on the way to the loop */
};

enum tocsin__claim tocsin__op_claim_request(struct tocsin__op *op, int reason);
/* Whether another thread is copying the payload of the end. If the copy fails, the operation runs
 * on. */
bool tocsin__op_copies(const struct tocsin__op *op);
/* The empty terminal payload of an operation. NULL: its terminal signal is declared without a
 * payload, or the operation is a promise, which has no type. */
struct tocsin_payload *tocsin__op_empty_payload(struct tocsin__op *op);
/* Frees the copy of the terminal payload. Does nothing if the payload was not copied. */
void tocsin__op_payload_free(struct tocsin__op *op);
/* Whether the operation is a fiber whose task has returned, and whose end is not announced yet. */
bool tocsin__op_finished(const struct tocsin__op *op);

/* The value of the claim while an operation of a type that is built into the library is open. For
 * any other open operation the value is the id. tocsin_op_complete expects the id, so a program
 * cannot complete an operation of the library. */
static inline uint64_t tocsin__own_word(uint64_t id)
{
    return id ^ (uint64_t)1 << 63;
}

/* Whether no thread has completed the operation yet. */
static inline bool tocsin__op_open(const struct tocsin__op *op)
{
    uint64_t id = op->source.id,
             word =
                 id ? atomic_load_explicit(
                          &tocsin__id_entry(&tocsin__op_engine(op)->loop->ids.sources, id)->claim,
                          memory_order_relaxed)
                    : 0;

    return id && (word == id || word == tocsin__own_word(id));
}

#endif
