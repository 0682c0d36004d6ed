/* The private struct of an operation. It is one block of memory, which has room for all that the
 * end of the operation needs. */
#ifndef TOCSIN_OP_OP_H
#define TOCSIN_OP_OP_H

#include <tocsin/provider.h>

#include "delivery/handler.h"
#include "loop/engine.h"
#include "registry/owner.h"
#include "op/op_type.h"
#include "op/ops.h"
#include "op/sink.h"

/* The phase of an operation: a state machine. (The word "state" is used for the data of its type.)
   Only tocsin__op_set_phase (lifecycle.c) changes the phase, on the loop's thread.

       OVER ---- tocsin_op_new ----> MADE ---- its end arrives ----> EARLY
                                      |                               |
            UNDONE <-- start failed --+-------------------------------+
               |                      | started
               |                      v            cancel
               |                   RUNNING ---------------------> CANCELED
               |                    |   |  <---------------------    |
               |  an injector is    |   |       type refuses         |
               |  asked, or the     v   |                            |
               |  result is known  COMPLETED <--> DELAYED            |
               |                    |   |                            |
               |    its end arrives v   v                            |
               |                   ENDING <--------------------------'
               |                      | handlers called
               |                      v
               |                  NOTIFYING ---- TOCSIN_FUTURE ----> KEPT
               | its end arrives      | notify called                 | result taken
               v                      v                               v
             OVER                   OVER                            OVER

   A phase before ENDING goes to OVER if the loop ends without announcements (T6, T8).
   The claim (complete.h) is a second state machine: it says whether any thread has completed the
   operation. The phase changes later, when the end arrives on the loop. */
enum tocsin__op_phase {
    TOCSIN__OP_OVER,      /* not an operation: its id is unknown. Its source may live on until its
                           * pending emissions have been delivered */
    TOCSIN__OP_MADE,      /* tocsin_op_new has made it, and tocsin_op_start has not been called */
    TOCSIN__OP_EARLY,     /* was completed before tocsin_op_start was called, and its end has
                           * arrived */
    TOCSIN__OP_UNDONE,    /* the start failed, but its end or progress is already on the way to the
                           * loop */
    TOCSIN__OP_RUNNING,   /* started; another thread may have completed it already */
    TOCSIN__OP_CANCELED,  /* running; the program has requested its end, or its deadline was
                           * reached */
    TOCSIN__OP_DELAYED,   /* completed; an injector delays the end */
    TOCSIN__OP_COMPLETED, /* completed; the end is on the way to the loop, or has arrived, and is
                           * not delayed any more */
    TOCSIN__OP_ENDING,    /* the handlers of the end are being called */
    TOCSIN__OP_NOTIFYING, /* the handlers have been called; the notify is being called */
    TOCSIN__OP_KEPT       /* the end is delivered; the result is kept for the waiter */
};

struct tocsin__progress;
struct tocsin__delay;
struct tocsin__dependent;

/* Code that waits for the result of an operation with TOCSIN_FUTURE. wake is called when the result
 * is kept. While there is a waiter, no other code can take the result. */
struct tocsin__waiter {
    void (*wake)(struct tocsin__waiter *waiter, struct tocsin__op *op);
};

/* Data that most operations do not need. It is allocated when it is first needed. */
struct tocsin__op_rare {
    struct tocsin__timer deadline; /* timer of the deadline; armed while the operation has a
                                    * deadline */
    struct tocsin__op *op;
    struct tocsin__delay *delay;          /* in the phase DELAYED; else NULL */
    struct tocsin__dependent *dependents; /* what ends if the operation fails; dependent.h */
    const void *started; /* with TOCSIN_DEBUG=1, the code that started it; NULL: unknown */
    struct tocsin__pending end_pending; /* where the end waits while its signal is held back */
};

/* The place of a paused operation in a list of struct tocsin__ops. link NULL: in none. */
struct tocsin__paused {
    struct tocsin__op *next, **link;
};

/* The data that an operation needs only until its end is announced. */
struct tocsin__op_run {
    const struct tocsin_payload *payload; /* the terminal payload, set by the completion */
    uint64_t parent; /* sequence number of the emission whose handler started the operation (E15) */
    int reason; /* the requested status, for an end that was requested while the payload was copied;
                 * used if the copy fails */
    bool payload_is_copied; /* the member payload points to a copy; written by the thread that has
                             * the claim */
    union {
        /* The node that announces the end. After the completion, the node is in the inbox of the
           loop or on the ready list. */
        struct tocsin__node end_node;
        /* The node of a thin operation is never in an inbox. So the second half of this memory is
           used for the list of paused operations. */
        struct {
            struct tocsin__node *next;
            void (*run)(struct tocsin__node *node);
            struct tocsin__paused paused;
        } thin;
    };
    /* The timer of the operation; only types that are built into the library use it. The state of
       a thin operation begins here. */
    struct tocsin__timer timer;
};

/* The head of an operation. The union at its end is used twice: as run while the operation runs,
   then as info, which announces the end. So the end needs no new memory (O2). The state follows in
   the same block, then the progress (if the type has progress signals), then an empty terminal
   payload.

   Objects that are numerous and mostly idle, such as streams, are thin operations (TOCSIN__THIN):

       head | payload, parent, node | state ...             while it runs
       head | info, late_next ------------------> | state ...   when its end is announced
                                    '--- lost ----'

   The state of a thin operation begins in the memory that the info will use. So the first
   TOCSIN__THIN_LOST bytes of the state are lost when the end is announced. The state contains the
   terminal payload from the beginning, so no empty terminal payload follows. Progress of a thin
   operation is delivered at once, from the ready list. So all thin operations of a loop share one
   struct tocsin__progress (ops->now). */
struct tocsin__op {
    struct tocsin__source source; /* must be the first member */
    union {
        struct tocsin__op_type *kind; /* the type of the operation, an entry of ops->kinds */
        /* After the release, only references to info are left, and the entry of the type may be
         * freed. Then this member is used instead of kind. */
        const struct tocsin_op_type *type_of_over;
    };
    union {
        struct tocsin__owner *owner;
        size_t bytes_of_over; /* size of the block, used instead of owner after the release */
    };
    union {
        tocsin_fn notify;              /* function to call, if the mode has TOCSIN_AT_END or
                                        * TOCSIN_AT_EACH */
        uint64_t queue;                /* id of the queue, if the mode has TOCSIN_INTO_QUEUE */
        struct tocsin__waiter *waiter; /* the waiter, if the mode has TOCSIN_KEEP. NULL: nobody
                                        * waits */
    };
    void *notify_arg;
    struct tocsin__op_rare *rare; /* NULL: the operation needs none of that */
    int status;                   /* written by whoever has the claim */
    uint8_t phase;                /* enum tocsin__op_phase */
    uint8_t mode;                 /* of the notify */
    /* properties: they do not change once the operation was started */
    bool background : 1; /* TOCSIN_BACKGROUND: it serves other operations */
    bool no_inject : 1;  /* TOCSIN_NO_INJECT: injectors do not see its end */
    bool threaded : 1;   /* a thread of the library completes the operation
                            (tocsin__op_set_threaded) */

    bool fiber_returned : 1; /* the operation is a fiber that has returned, and only its end must
                                be announced */
    bool announced : 1;      /* true: the member info is valid; false: the member run is */
    bool is_late : 1;        /* the operation is in the list ops->late */
    bool outlives : 1;       /* the provider may use the state after the end (outlive.c) */
    bool info_is_copied : 1; /* the terminal payload of the announced end is a copy */

    uint8_t progress : 2; /* the state of the progress, an enum tocsin__progress_state */
    bool refused : 1;     /* progress was refused: the provider's resume will be called */
    bool end_waits : 1;   /* the end has arrived, and is announced after the progress */
    bool is_ready : 1;    /* the node of the thin operation is on the ready list */
    bool is_finished : 1; /* the operation is completed: end_node only announces the end from now
                             on */
    union {
        struct tocsin__op_run run;
        struct {
            struct tocsin__info info; /* info of the terminal signal; part of the operation (E7) */
            struct tocsin__op *late_next; /* the next one in ops->late */
        };
    };

    /* The rest of the block: first the state of the type, then the progress, then a terminal
       payload without fields. */
    _Alignas(16) unsigned char state[];
};

static inline struct tocsin__engine *tocsin__op_engine(const struct tocsin__op *op)
{
    return op->kind->engine;
}

/* The type of the operation. NULL: a promise, which the program completes itself. */
static inline const struct tocsin_op_type *tocsin__op_type(const struct tocsin__op *op)
{
    return op->kind->type;
}

enum {
    TOCSIN__THIN_STATE = offsetof(struct tocsin__op, run.timer), /* where the state begins */
    TOCSIN__THIN_LOST = offsetof(struct tocsin__op, late_next) + sizeof(void *) - TOCSIN__THIN_STATE
};

static inline bool tocsin__op_is_thin(const struct tocsin__op *op)
{
    return op->kind->is_thin;
}

/* Returns the state that the type of the operation uses. */
static inline void *tocsin__op_state(const struct tocsin__op *op)
{
    return (char *)(uintptr_t)op +
           (op->kind->is_thin ? (size_t)TOCSIN__THIN_STATE : offsetof(struct tocsin__op, state));
}

/* NULL: the type has no progress signals. Of a thin operation: valid while progress is delivered.
 */
static inline struct tocsin__progress *tocsin__op_progress(const struct tocsin__op *op)
{
    return !op->kind->progress[0] ? NULL
           : op->kind->is_thin
               ? tocsin__ops(op->kind->engine)->now
               : (struct tocsin__progress *)(uintptr_t)(op->state + op->kind->state_bytes);
}

/* The terminal payload of a completed operation. */
static inline const struct tocsin_payload *tocsin__op_payload(const struct tocsin__op *op)
{
    return op->announced ? op->info.pub.payload : op->run.payload;
}

/* The code that waits for the result. NULL: nobody waits. */
static inline struct tocsin__waiter *tocsin__op_waiter(const struct tocsin__op *op)
{
    return op->mode & TOCSIN_KEEP ? op->waiter : NULL;
}

static inline void tocsin__op_forget_waiter(struct tocsin__op *op)
{
    if (op->mode & TOCSIN_KEEP)
        op->waiter = NULL;
}

/* The delay that an injector has set. NULL: the end is not delayed. */
static inline struct tocsin__delay *tocsin__op_delay(const struct tocsin__op *op)
{
    return op->rare ? op->rare->delay : NULL;
}

/* Returns op->rare, which is allocated if necessary. NULL: no memory. */
static inline struct tocsin__op_rare *tocsin__op_rare(struct tocsin__op *op)
{
    if (!op->rare)
        op->rare = tocsin__alloc(sizeof *op->rare);
    if (op->rare)
        op->rare->op = op;
    return op->rare;
}

static inline bool tocsin__op_is_persistent(const struct tocsin__op *op)
{
    return tocsin__type_is_persistent(tocsin__op_type(op));
}

/* Whether the operation was made but not started. A failed start counts as not started. */
static inline bool tocsin__op_is_unstarted(const struct tocsin__op *op)
{
    return op->phase == TOCSIN__OP_MADE || op->phase == TOCSIN__OP_EARLY ||
           op->phase == TOCSIN__OP_UNDONE;
}

/* Whether the operation exists and the delivery of its end has not begun. */
static inline bool tocsin__op_is_listed(const struct tocsin__op *op)
{
    return op->phase >= TOCSIN__OP_MADE && op->phase <= TOCSIN__OP_COMPLETED;
}

/* Whether the operation was started and the delivery of its end has not begun. */
static inline bool tocsin__op_is_running(const struct tocsin__op *op)
{
    return op->phase >= TOCSIN__OP_RUNNING && op->phase <= TOCSIN__OP_COMPLETED;
}

/* Whether the end of the operation is being delivered. */
static inline bool tocsin__op_is_ending(const struct tocsin__op *op)
{
    return op->phase == TOCSIN__OP_ENDING || op->phase == TOCSIN__OP_NOTIFYING;
}

/* Whether the end of the operation is pending, or is being delivered after it was pending. */
static inline bool tocsin__op_end_is_pending(const struct tocsin__op *op)
{
    return op->rare && op->rare->end_pending.info;
}

/* The queue that the operation notifies. NULL: there is none, or the queue was closed. */
static inline struct tocsin__sink *tocsin__op_sink(const struct tocsin__op *op)
{
    return op->mode & TOCSIN_INTO_QUEUE ? (struct tocsin__sink *)tocsin__id_object(
                                              &tocsin__op_engine(op)->loop->ids.queues, op->queue)
                                        : NULL;
}

/* Whether the payload lies inside the state of the operation. Such a payload is lent, not
 * copied. */
static inline bool tocsin__op_lent(const struct tocsin__op *op,
                                   const struct tocsin_payload *payload)
{
    const unsigned char *at = (const unsigned char *)payload;

    return tocsin__op_type(op) && at >= op->state &&
           at < op->state + tocsin__op_type(op)->state_size;
}

/* The thin operation of this state. */
static inline struct tocsin__op *tocsin__op_of_thin(const void *state)
{
    return (struct tocsin__op *)((char *)(uintptr_t)state - TOCSIN__THIN_STATE);
}

/* The operation of this state; not of a thin one. */
static inline struct tocsin__op *tocsin__op_of_state(const void *state)
{
    return tocsin__container(state, struct tocsin__op, state);
}

static inline bool tocsin__op_own(const struct tocsin__op *op)
{
    return tocsin__op_type(op) && tocsin__op_type(op)->flags & TOCSIN__OWN;
}

/* The next operation in the table of ids after the id *ret_id, in any phase. *ret_id 0: the first
 * operation. Sets *ret_id to the id that was found. The operation with the old id need not exist
 * any more. NULL: there are no more operations. */
static inline struct tocsin__op *tocsin__ops_after(const struct tocsin__ops *ops, uint64_t *ret_id)
{
    struct tocsin__source *source;

    while ((source = tocsin__id_after(&ops->engine->loop->ids.sources, *ret_id))) {
        *ret_id = source->id;
        if (source->is_op)
            return (struct tocsin__op *)source;
    }
    return NULL;
}

/* As tocsin__ops_after, but only operations for which tocsin__op_is_listed is true. */
static inline struct tocsin__op *tocsin__ops_listed_after(const struct tocsin__ops *ops,
                                                          uint64_t *ret_id)
{
    struct tocsin__op *op;

    while ((op = tocsin__ops_after(ops, ret_id)) && !tocsin__op_is_listed(op))
        continue;
    return op;
}

/* As tocsin__ops_after, but only operations that have ended and keep their result. */
static inline struct tocsin__op *tocsin__ops_kept_after(const struct tocsin__ops *ops,
                                                        uint64_t *ret_id)
{
    struct tocsin__op *op;

    while ((op = tocsin__ops_after(ops, ret_id)) && op->phase != TOCSIN__OP_KEPT)
        continue;
    return op;
}

/* Makes an operation without starting it. notify may be NULL. */
int tocsin__op_new(const struct tocsin_op_type *type, const struct tocsin_notify *notify,
                   struct tocsin__op **ret_op);
/* Finishes the start of an operation. err < 0: its work could not begin, so the operation is
 * undone. Returns err. ret_op may be NULL. */
int tocsin__op_started(struct tocsin__op *op, int err, struct tocsin_op *ret_op);
/* Returns err. If ret_op is not NULL, also stores err there, in place of an id. */
int tocsin__op_failed(int err, struct tocsin_op *ret_op);
/* As tocsin_op_free, but also for an operation that has a waiter. */
int tocsin__op_free(struct tocsin__op *op);

#endif
