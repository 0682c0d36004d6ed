/* An operation from inside: one block of memory with everything that its end needs. */
#ifndef TOCSIN_OP_OP_H
#define TOCSIN_OP_OP_H

#include <tocsin/provider.h>

#include "delivery/handler.h"
#include "loop/engine.h"
#include "registry/owner.h"
#include "op/op_type.h"
#include "op/ops.h"
#include "op/sink.h"

/* The phase of an operation, a state machine ("state" is the memory of its type).
   tocsin__op_set_phase (lifecycle.c) alone changes it, on the thread of the loop.

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
   A second machine is the claim, a word in the table of ids (complete.h): it says whether somebody
   has completed the operation, on whichever thread. The phase follows later, when the end
   arrives on the loop. */
enum tocsin__op_phase {
    TOCSIN__OP_OVER,     /* not an operation yet, or not any longer: its id is unknown. Its source
                            may live on until emissions of it that are pending are delivered */
    TOCSIN__OP_MADE,     /* tocsin_op_new has returned, tocsin_op_start was not called */
    TOCSIN__OP_EARLY,    /* completed before tocsin_op_start, and its end has arrived */
    TOCSIN__OP_UNDONE,   /* the start failed, but the end or progress of the operation is on the way
                          */
    TOCSIN__OP_RUNNING,  /* started; somebody may have completed it */
    TOCSIN__OP_CANCELED, /* running, and a request to end was accepted */
    TOCSIN__OP_DELAYED,  /* completed; an injector holds its end back */
    TOCSIN__OP_COMPLETED, /* the end is on the way or has arrived, and no injector changes it any
                             more */
    TOCSIN__OP_ENDING,    /* the handlers of its end are being called */
    TOCSIN__OP_NOTIFYING, /* the handlers were called; the notify is being called */
    TOCSIN__OP_KEPT       /* the operation has ended, and its result is kept for the waiter */
};

struct tocsin__progress;
struct tocsin__delay;

/* Waits for the result of an operation started with TOCSIN_FUTURE. wake is called when the result
   is kept. Until the waiter takes the result, or the waiter is removed, nobody else can take it. */
struct tocsin__waiter {
    void (*wake)(struct tocsin__waiter *waiter, struct tocsin__op *op);
};

/* What few operations need. It is allocated when it is first wanted. */
struct tocsin__op_rare {
    struct tocsin__timer deadline; /* armed while the operation has a deadline */
    struct tocsin__op *op;
    struct tocsin__delay *delay; /* in the phase DELAYED; else NULL */
    const void *started;         /* with TOCSIN_DEBUG=1, the code that started it; NULL: unknown */
    struct tocsin__pending end_pending; /* where the end waits while its signal is held back */
};

/* The place of a paused operation in a list of struct tocsin__ops. link NULL: in none. */
struct tocsin__paused {
    struct tocsin__op *next, **link;
};

/* What an operation needs until its end is announced, and no longer. */
struct tocsin__op_run {
    const struct tocsin_payload *payload; /* terminal payload, after the completion */
    uint64_t parent; /* sequence number of the emission in whose handler it started (E15) */
    int reason; /* the status if copying the terminal payload fails, and an end was requested */
    bool payload_is_copied; /* written, like payload, by whoever has the claim */
    union {
        /* in the inbox or on the ready list, after the completion */
        struct tocsin__node end_node;
        /* A thin operation is never in an inbox. So it uses the second half of its node otherwise.
         */
        struct {
            struct tocsin__node *next;
            void (*run)(struct tocsin__node *node);
            struct tocsin__paused paused;
        } thin;
    };
    /* memory for the timer of a type of the library's own; a thin operation has the beginning of
       its state here */
    struct tocsin__timer timer;
};

/* The head: what every operation has. Its memory is used twice: for what a running operation needs,
   and for the info that announces its end. So the end needs no memory (O2). Behind the state, in
   the same block, lie the progress (if the type has progress signals) and an empty terminal
   payload.

   A thin operation (TOCSIN__THIN) is for objects that are many and mostly idle, such as streams:

       head | payload, parent, node | state ...             while it runs
       head | info, late_next ------------------> | state ...   when its end is announced
                                    '--- lost ----'

   Its state begins in the memory that the info will use, so the first TOCSIN__THIN_LOST bytes of
   the state are lost when the end is announced. It has no empty terminal payload: the state has a
   terminal payload from the beginning. Its progress is delivered at once, from the ready list, so
   the loop has one struct tocsin__progress for all of them (ops->now). */
struct tocsin__op {
    struct tocsin__source source; /* the first member */
    union {
        struct tocsin__op_type *kind; /* the entry of the type in ops->kinds */
        /* when only references to the info are left, since the entry may be gone */
        const struct tocsin_op_type *type_of_over;
    };
    union {
        struct tocsin__owner *owner;
        size_t bytes_of_over; /* size of the block, when only references to the info are left */
    };
    union {
        tocsin_fn notify;              /* the mode has TOCSIN_AT_END or TOCSIN_AT_EACH */
        uint64_t queue;                /* the mode has TOCSIN_INTO_QUEUE */
        struct tocsin__waiter *waiter; /* the mode has TOCSIN_KEEP. NULL: nobody waits */
    };
    void *notify_arg;
    struct tocsin__op_rare *rare; /* NULL: the operation needs none of that */
    int status;                   /* written by whoever has the claim */
    uint8_t phase;                /* enum tocsin__op_phase */
    uint8_t mode;                 /* of the notify */
    /* properties: they do not change once the operation was started */
    bool background : 1; /* TOCSIN_BACKGROUND: it serves other operations */
    bool no_inject : 1;  /* TOCSIN_NO_INJECT: injectors do not see its end */
    bool threaded : 1;   /* a thread of the library will complete it (tocsin__op_set_threaded) */

    bool fiber_returned : 1; /* a fiber: it has returned, and only its end is to be announced */
    bool announced : 1;      /* info is valid; before, run is */
    bool is_late : 1;        /* in ops->late */
    bool outlives : 1;       /* its provider may use the state after the end (outlive.c) */
    bool info_is_copied : 1; /* if announced: the terminal payload is a copy */

    uint8_t progress : 2; /* enum tocsin__progress_state */
    bool refused : 1;     /* progress was refused: the provider's resume will be called */
    bool end_waits : 1;   /* the end of the operation has arrived, and follows its progress */
    bool is_ready : 1;    /* a thin operation: its node is on the ready list */
    bool is_finished : 1; /* its node announces the end, and does nothing else any more */
    union {
        struct tocsin__op_run run;
        struct {
            struct tocsin__info info; /* info of the terminal signal; part of the operation (E7) */
            struct tocsin__op *late_next; /* the next one in ops->late */
        };
    };

    /* the memory of the type, then the progress, then an empty terminal payload */
    _Alignas(16) unsigned char state[];
};

static inline struct tocsin__engine *tocsin__op_engine(const struct tocsin__op *op)
{
    return op->kind->engine;
}

/* NULL: an operation that is completed by hand. */
static inline const struct tocsin_op_type *tocsin__op_type(const struct tocsin__op *op)
{
    return op->kind->type;
}

enum {
    TOCSIN__THIN_STATE = offsetof(struct tocsin__op, run.timer), /* where its state begins */
    TOCSIN__THIN_LOST = offsetof(struct tocsin__op, late_next) + sizeof(void *) - TOCSIN__THIN_STATE
};

static inline bool tocsin__op_is_thin(const struct tocsin__op *op)
{
    return op->kind->is_thin;
}

/* The memory of the type. */
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

/* The terminal payload, after the completion. */
static inline const struct tocsin_payload *tocsin__op_payload(const struct tocsin__op *op)
{
    return op->announced ? op->info.pub.payload : op->run.payload;
}

/* The waiter for the result; NULL: nobody waits. */
static inline struct tocsin__waiter *tocsin__op_waiter(const struct tocsin__op *op)
{
    return op->mode & TOCSIN_KEEP ? op->waiter : NULL;
}

static inline void tocsin__op_forget_waiter(struct tocsin__op *op)
{
    if (op->mode & TOCSIN_KEEP)
        op->waiter = NULL;
}

/* The delay by an injector; NULL: there is none. */
static inline struct tocsin__delay *tocsin__op_delay(const struct tocsin__op *op)
{
    return op->rare ? op->rare->delay : NULL;
}

/* The rare part, which is made if there is none; NULL: no memory. */
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

/* Whether tocsin_op_start was not called, or failed. */
static inline bool tocsin__op_is_unstarted(const struct tocsin__op *op)
{
    return op->phase == TOCSIN__OP_MADE || op->phase == TOCSIN__OP_EARLY ||
           op->phase == TOCSIN__OP_UNDONE;
}

/* Whether it was made, and its end is not being delivered yet. */
static inline bool tocsin__op_is_listed(const struct tocsin__op *op)
{
    return op->phase >= TOCSIN__OP_MADE && op->phase <= TOCSIN__OP_COMPLETED;
}

/* Whether it was started, and its end is not being delivered yet. */
static inline bool tocsin__op_is_running(const struct tocsin__op *op)
{
    return op->phase >= TOCSIN__OP_RUNNING && op->phase <= TOCSIN__OP_COMPLETED;
}

/* Whether its end is being delivered. */
static inline bool tocsin__op_is_ending(const struct tocsin__op *op)
{
    return op->phase == TOCSIN__OP_ENDING || op->phase == TOCSIN__OP_NOTIFYING;
}

/* Whether its end is pending, or was pending and is being delivered now. */
static inline bool tocsin__op_end_is_pending(const struct tocsin__op *op)
{
    return op->rare && op->rare->end_pending.info;
}

/* The queue of its notify; NULL: it has none, or the queue was closed. */
static inline struct tocsin__sink *tocsin__op_sink(const struct tocsin__op *op)
{
    return op->mode & TOCSIN_INTO_QUEUE ? (struct tocsin__sink *)tocsin__id_object(
                                              &tocsin__op_engine(op)->loop->ids.queues, op->queue)
                                        : NULL;
}

/* Whether the payload lies in the state: then it is lent, not copied. */
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

/* The operation behind *ret_id in the table of ids, whatever its phase; *ret_id becomes its id.
 *ret_id 0: the first one. The operation of that id may have ended. NULL: there are no more. */
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

/* The same, for the operations that were made and whose end is not being delivered yet. */
static inline struct tocsin__op *tocsin__ops_listed_after(const struct tocsin__ops *ops,
                                                          uint64_t *ret_id)
{
    struct tocsin__op *op;

    while ((op = tocsin__ops_after(ops, ret_id)) && !tocsin__op_is_listed(op))
        continue;
    return op;
}

/* The same, for the operations that have ended and keep their result. */
static inline struct tocsin__op *tocsin__ops_kept_after(const struct tocsin__ops *ops,
                                                        uint64_t *ret_id)
{
    struct tocsin__op *op;

    while ((op = tocsin__ops_after(ops, ret_id)) && op->phase != TOCSIN__OP_KEPT)
        continue;
    return op;
}

/* Makes an operation that is not started yet. notify may be NULL. */
int tocsin__op_new(const struct tocsin_op_type *type, const struct tocsin_notify *notify,
                   struct tocsin__op **ret_op);
/* Starts the operation. err < 0: its work could not begin, so the operation is undone. Returns err.
   ret_op may be NULL. */
int tocsin__op_started(struct tocsin__op *op, int err, struct tocsin_op *ret_op);
/* Returns err, and stores it as the id in ret_op, if that is not NULL. */
int tocsin__op_failed(int err, struct tocsin_op *ret_op);
/* As tocsin_op_free, but also if the operation has a waiter. */
int tocsin__op_free(struct tocsin__op *op);

#endif
