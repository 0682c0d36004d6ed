/* Operations from inside: one block of memory with everything that its end needs. */
#ifndef TOCSIN_OP_OP_H
#define TOCSIN_OP_OP_H

#include <tocsin/provider.h>

#include "core/handler.h"
#include "loop/engine.h"

struct tocsin__op;

enum tocsin__phase {
    TOCSIN__MADE,                                      /* tocsin_op_new, not started */
    TOCSIN__RUNS,
    TOCSIN__ENDS,                                      /* its terminal signal is being delivered: nobody can take its result before the notify has */
    TOCSIN__ENDED
};

/* Who is told when a kept result is there. It stays promised to the waiter, until that takes it or gives it up (op->waiter = NULL). */
struct tocsin__waiter { void (*wake)(struct tocsin__waiter *waiter, struct tocsin__op *op); };

/* A type with the signos that it was declared to. */
struct tocsin__kind {
    struct tocsin__kind *next;
    const struct tocsin_op_type *type;
    int done, progress[4];
    uint32_t running;                                  /* operations of it that have not ended */
};

/* What takes infos in: the beginning of every queue (lib/style). Places are reserved when an operation starts (O2). */
struct tocsin__sink {
    int  (*reserve)(struct tocsin__sink *sink);        /* a place that put will fill: -EAGAIN, -ENOMEM */
    void (*release)(struct tocsin__sink *sink);        /* it will not */
    bool (*room)(struct tocsin__sink *sink);           /* for one that is not reserved */
    void (*refused)(struct tocsin__sink *sink, const char *name);           /* a start, because there was no place for the end of this name */
    void (*put)(struct tocsin__sink *sink, struct tocsin_info *info);       /* takes the reference over; a place is reserved */
    struct tocsin__sink *next_set;                     /* among those that listen to signals */
    int  (*expect)(struct tocsin__sink *sink, int signo);       /* an operation runs whose end it may hear: -ENOMEM */
    void (*expected)(struct tocsin__sink *sink, int signo);     /* it has ended, or will not */
};

struct tocsin__op {
    struct tocsin__source source;                      /* the first member */
    struct tocsin__engine *engine;
    const struct tocsin_op_type *type;                 /* NULL: completed by hand */
    struct tocsin__kind *kind;
    struct tocsin__info info;                          /* of the terminal signal; lives with the operation (E7) */
    struct tocsin__node end_node, progress_node;       /* on the ready list: its end; its progress */
    struct tocsin__pend place;                         /* where its end waits if the terminal signal is held back */
    struct tocsin_notify notify;
    struct tocsin__waiter *waiter;
    struct tocsin__timer deadline;
    struct tocsin__op *next, **link;                   /* among those that run, or keep their result */
    struct tocsin__op *paused_next, **paused_link;     /* among those whose progress was not wanted */
    struct tocsin_payload *empty, *copy;               /* the terminal payload, if none is given; a copy of one that is */
    uint64_t parent;                                   /* the emission in whose handler it started (E15) */
    int status;
    int reason;                                        /* what it is to end with if the completion that is under way fails */
    enum tocsin__phase phase;
    bool standing, serving;
    bool ending;                                       /* it was asked to end */
    bool threaded;                                     /* a thread of ours will complete it */
    bool early, never;                                 /* completed before start; start failed after it was completed */
    bool over;                                         /* all of it but its end that is pended */
    bool crossed;                                      /* the interposer has been asked about its end */
    struct tocsin__held_up *held_up;                   /* by the interposer: completed, but it runs for everybody; NULL: it is not */

    uint8_t progress_which;
    bool progress_waits, progress_refused, progress_held;
    bool end_waits;                                    /* for progress that is still to be told */
    unsigned progress_overrun;
    const struct tocsin_payload *progress;
    struct tocsin_payload *progress_copy;
    struct tocsin__info *progress_info;                /* for its queue, where a place is reserved for it */
    struct tocsin__owner *owner;

    _Alignas(16) unsigned char state[];
};

/* The operations of a loop. */
struct tocsin__ops {
    struct tocsin__tenant tenant;
    struct tocsin__last last;
    struct tocsin__engine *engine;
    struct tocsin__kind *kinds;
    struct tocsin__op *running, *kept, *paused, *resume_next;
    struct tocsin__op *ending;                         /* whose end is being delivered */
    struct tocsin__sink *sets;
    void (*queues_close)(struct tocsin__ops *ops);     /* lib/style's: NULL: there has been no queue */
    void (*queues_forget)(struct tocsin__ops *ops);    /* T8: who waits for them is gone */
    uint64_t resumed_age;                              /* handlers connected when those that are paused were asked last */
    bool resume_wanted;                                /* a queue has room again */
    uint32_t behind;                                   /* ends that are held up until another one of their signal has crossed */
};

/* Its end is pended, or is being told after it was. */
static inline bool tocsin__op_pended(const struct tocsin__op *op)
{
    return op->place.info;
}

static inline struct tocsin__ops *tocsin__ops(const struct tocsin__engine *engine)
{
    return (struct tocsin__ops *)engine->tenant;
}

/* The queue that it was started with, if that is still open. */
static inline struct tocsin__sink *tocsin__op_sink(const struct tocsin__op *op)
{
    return op->notify.how & TOCSIN_INTO_QUEUE ? (struct tocsin__sink *)tocsin__id_object(&op->engine->loop->queues, op->notify.queue.id) : NULL;
}

/* Whether a payload lies in the state, and is lent instead of copied. */
static inline bool tocsin__op_lent(const struct tocsin__op *op, const struct tocsin_payload *payload)
{
    const unsigned char *at = (const unsigned char *)payload;

    return op->type && at >= op->state && at < op->state + op->type->state_size;
}

/* A type of the library's own: nobody else may complete it, or look into its state. */
enum { TOCSIN__OWN = 1 << 16, TOCSIN__GATHERS = 1 << 17 };      /* the latter: its progress comes by time, and may be merged while it is blocked */

static inline bool tocsin__op_own(const struct tocsin__op *op)
{
    return op->type && op->type->flags & TOCSIN__OWN;
}

/* What the claim of such a one is, instead of its id. */
static inline uint64_t tocsin__own_word(uint64_t id)
{
    return id ^ (uint64_t)1 << 63;
}

/* Nobody has completed it yet. */
static inline bool tocsin__op_open(const struct tocsin__op *op)
{
    uint64_t id = op->source.id, word = id ? atomic_load_explicit(&tocsin__id_entry(&op->engine->loop->sources, id)->claim, memory_order_relaxed) : 0;

    return id && (word == id || word == tocsin__own_word(id));
}

void tocsin__op_owned(struct tocsin__op *op, const void *code);      /* by whose code this is, if it is a plugin's */
void tocsin__op_owned_by_program(struct tocsin__op *op);
void tocsin__kinds_forget(struct tocsin__ops *ops, const struct tocsin__owner *owner);     /* types of its that have no operation any more */
int  tocsin__ops_make(struct tocsin__engine *engine);
int  tocsin__kind_of(struct tocsin__ops *ops, const struct tocsin_op_type *type, struct tocsin__kind **ret_kind);

int  tocsin__op_find(struct tocsin_op id, struct tocsin__op **ret_op);           /* of the thread's loop; -ENOENT, -EXDEV, or the error it carries */
int  tocsin__op_new(const struct tocsin_op_type *type, const struct tocsin_notify *notify, struct tocsin__op **ret_op);
int  tocsin__op_started(struct tocsin__op *op, int err, struct tocsin_op *ret_op);
int  tocsin__op_failed(int err, struct tocsin_op *ret_op);                        /* answers err, and has ret_op carry it */
int  tocsin__op_end(struct tocsin__op *op, int reason);                           /* cancel, deadline: as tocsin_cancel */
int  tocsin__op_free(struct tocsin__op *op);                                      /* as tocsin_op_free, whoever waits */
void tocsin__op_forget(struct tocsin__op *op);                                    /* T8: it runs, and will not end */
void tocsin__op_gone(struct tocsin__op *op);                                      /* its result is taken */

/* Completing in two steps, for threads: who claims it may write the state and completes it. NULL: somebody else has. */
struct tocsin__op *tocsin__op_claim(uint64_t id);
bool tocsin__op_ask(struct tocsin__op *op, int reason);   /* to end with it, if the completion that is under way fails; false: none is */
void tocsin__op_finish(struct tocsin__op *op, int status, const struct tocsin_payload *lent);
void tocsin__op_complete(struct tocsin__op *op, int status, const struct tocsin_payload *lent);   /* its thread, not claimed: both */

bool tocsin__op_wanted(struct tocsin__op *op, int which);
int  tocsin__op_progress(struct tocsin__op *op, int which, const struct tocsin_payload *payload, unsigned overrun);
void tocsin__op_deliver_progress(struct tocsin__node *node);
void tocsin__op_progress_drop(struct tocsin__op *op);           /* what is held, since nobody wanted it any more, is given up */
void tocsin__op_progress_forget(struct tocsin__op *op);         /* T8: it is told to nobody */
void tocsin__op_pause_end(struct tocsin__op *op);
bool tocsin__resumable(struct tocsin__tenant *tenant);
void tocsin__resume(struct tocsin__tenant *tenant);

/* The interposer. */
bool tocsin__op_holds_up(struct tocsin__op *op);                /* asks it, once; true: the end waits */
void tocsin__op_end_held(struct tocsin__op *op, int reason);    /* the end that is held up comes now, with this status */
void tocsin__op_let_go(struct tocsin__op *op);                  /* nothing is held up */

/* The notify of an operation is called as a handler is, after them (O9). */
void tocsin__op_call(struct tocsin__op *op, const struct tocsin_info *info);

#endif
