/* Completing an operation, once, from any thread: the claim.

   The claim is a word in the table of ids, beside the operation's id. The table is never unmapped,
   so any thread may read the word at any time.

       id (or own word)  open: nobody has completed the operation
             |  ^
             v  | the copy failed
          COPYING  ----asked to end----> ASKED
             |                             |
             v                             v
             0           completed: the end is on its way to the loop

   The thread that changes the word from open to 0, or to COPYING, completes the operation. Before
   this change, a thread that completes must not touch the operation. If there is no payload to
   copy, the word changes from open to 0 at once. */
#ifndef TOCSIN_OP_COMPLETE_H
#define TOCSIN_OP_COMPLETE_H

#include "op/op.h"

/* Obtains the right to complete the operation. Until tocsin__op_finish only the caller may write
   the state. NULL: another thread has completed it, or the id is stale. */
struct tocsin__op *tocsin__op_claim(uint64_t id);
/* Completes an operation that the caller has claimed. lent: the payload, which must be inside the
   state; NULL: an empty payload. */
void tocsin__op_finish(struct tocsin__op *op, int status, const struct tocsin_payload *lent);
/* Puts the end on the ready list, on the thread of the loop. */
void tocsin__op_push_end(struct tocsin__op *op);
/* Puts a thin operation on the ready list, where run is called. Does nothing if it is there
   already, or was completed. run clears op->is_ready. */
void tocsin__op_push_thin(struct tocsin__op *op, void (*run)(struct tocsin__node *node));
/* Claims and finishes, on the thread of the loop. If the operation is completed already, does
   nothing. */
void tocsin__op_complete(struct tocsin__op *op, int status, const struct tocsin_payload *lent);

/* Results of a request to end an operation. */
enum tocsin__claim {
    TOCSIN__CLAIM_OPEN,  /* nobody has completed the operation: cancel it */
    TOCSIN__CLAIM_ASKED, /* another thread copies the payload of the end. If that fails, the
                            operation ends with the reason of this request */
    TOCSIN__CLAIM_TAKEN  /* the operation is completed, and its end is on the way */
};

enum tocsin__claim tocsin__op_claim_request(struct tocsin__op *op, int reason);
/* Whether another thread is copying the payload of the end. If the copy fails, the operation is
   open again. */
bool tocsin__op_copies(const struct tocsin__op *op);
/* Returns an empty terminal payload for an operation that has not ended. NULL: its terminal signal
   is declared without a payload, or the operation is a promise. */
struct tocsin_payload *tocsin__op_empty_payload(struct tocsin__op *op);
/* Frees the copy of the terminal payload, if there is one. */
void tocsin__op_payload_free(struct tocsin__op *op);
/* Whether the operation is a fiber that has returned. Only its end must still be announced. */
bool tocsin__op_finished(const struct tocsin__op *op);

/* The claim has this value while an operation of one of the library's own types is open. The claim
   of any other open operation is its id. So tocsin_op_complete, which compares the claim with the
   id, cannot complete an operation of the library. */
static inline uint64_t tocsin__own_word(uint64_t id)
{
    return id ^ (uint64_t)1 << 63;
}

/* Whether nobody has completed the operation yet. */
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
