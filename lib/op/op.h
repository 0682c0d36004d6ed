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

/* Waits for the result of an operation started with TOCSIN_FUTURE. wake is called when the result
   is kept. Until the waiter takes the result, or sets op->waiter to NULL, nobody else can take it.
 */
struct tocsin__waiter {
    void (*wake)(struct tocsin__waiter *waiter, struct tocsin__op *op);
};

struct tocsin__progress;
struct tocsin__deadline;

/* The members that every operation needs. Members that few operations need are elsewhere. If the
   type has progress signals, progress follows the state in the same block. A deadline, or a delay
   (inject.c), is allocated when it is set. The end uses none of these, so it needs no memory (O2).
 */
struct tocsin__op {
    struct tocsin__source source; /* the first member */
    struct tocsin__engine *engine;
    const struct tocsin_op_type *type; /* NULL: completed by hand */
    struct tocsin__op_type *kind;      /* the entry of the type in ops->kinds */
    struct tocsin__owner *owner;
    struct tocsin__op *next, **link; /* links in ops->running or in ops->kept */
    struct tocsin_notify notify;
    struct tocsin__waiter *waiter; /* the waiter for the result; NULL: nobody waits */
    /* disarms the timers and descriptors in the state, at every kind of end; may be NULL */
    void (*disarm)(void *state);

    /* the end */
    struct tocsin__info info;     /* info of the terminal signal; part of the operation (E7) */
    struct tocsin__node end_node; /* in the inbox or on the ready list, after the completion */
    struct tocsin__pending
        end_pending; /* where the end waits while the terminal signal is held back */
    uint64_t parent; /* the emission in whose handler it started (E15) */
    int status;      /* written by whoever has the claim */
    int reason; /* the status that a request asks for; used if copying the payload fails */

    enum tocsin__op_phase phase;
    /* properties: they do not change once the operation was started */
    bool background; /* TOCSIN_BACKGROUND: it serves other operations */
    bool no_inject;  /* TOCSIN_NO_INJECT: injectors do not see its end */
    bool threaded;   /* a thread of the library will complete it (tocsin__op_set_threaded) */

    bool fiber_returned;    /* a fiber: it has returned, and only its end is to be announced */
    bool payload_is_copied; /* the terminal payload is a copy; written by whoever has the claim */

    struct tocsin__progress *progress; /* NULL: the type has no progress signals */
    struct tocsin__deadline *deadline; /* NULL: no deadline was ever set */
    struct tocsin__delay *delay;       /* the delay in the phase DELAYED; else NULL */
    const void
        *started; /* with TOCSIN_DEBUG=1, the code that started the operation; NULL: unknown */

    /* the memory of the type, then the progress, then an empty terminal payload */
    _Alignas(16) unsigned char state[];
};

struct tocsin__deadline {
    struct tocsin__timer timer;
    struct tocsin__op *op;
};

static inline bool tocsin__op_is_persistent(const struct tocsin__op *op)
{
    return tocsin__type_is_persistent(op->type);
}

/* Whether tocsin_op_start was not called, or failed. */
static inline bool tocsin__op_is_unstarted(const struct tocsin__op *op)
{
    return op->phase == TOCSIN__OP_MADE || op->phase == TOCSIN__OP_EARLY ||
           op->phase == TOCSIN__OP_UNDONE;
}

/* Whether it was started, and its end is not being delivered yet. */
static inline bool tocsin__op_is_running(const struct tocsin__op *op)
{
    return op->phase >= TOCSIN__OP_RUNNING && op->phase <= TOCSIN__OP_COMPLETED;
}

/* Whether its end is being delivered. It is on no list. */
static inline bool tocsin__op_is_ending(const struct tocsin__op *op)
{
    return op->phase == TOCSIN__OP_ENDING || op->phase == TOCSIN__OP_NOTIFYING;
}

/* Whether its end is pending, or was pending and is being delivered now. */
static inline bool tocsin__op_end_is_pending(const struct tocsin__op *op)
{
    return op->end_pending.info;
}

/* The queue of its notify; NULL: it has none, or the queue was closed. */
static inline struct tocsin__sink *tocsin__op_sink(const struct tocsin__op *op)
{
    return op->notify.mode & TOCSIN_INTO_QUEUE
               ? (struct tocsin__sink *)tocsin__id_object(&op->engine->loop->ids.queues,
                                                          op->notify.queue.id)
               : NULL;
}

/* Whether the payload lies in the state: then it is lent, not copied. */
static inline bool tocsin__op_lent(const struct tocsin__op *op,
                                   const struct tocsin_payload *payload)
{
    const unsigned char *at = (const unsigned char *)payload;

    return op->type && at >= op->state && at < op->state + op->type->state_size;
}

static inline bool tocsin__op_own(const struct tocsin__op *op)
{
    return op->type && op->type->flags & TOCSIN__OWN;
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
