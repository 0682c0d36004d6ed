/* Inspection: facts of signals, handlers, queues, blocks, operations and sources, for tools; and a
   report of the objects that were left. */
#ifndef TOCSIN_INSPECT_H
#define TOCSIN_INSPECT_H

#include <tocsin/mask.h>
#include <tocsin/signal.h>

TOCSIN__BEGIN

/* Facts describe what the calling thread's loop has; a thread without a loop sees names and
   declarations only. Texts of a signal last as long as the program, all others as long as the
   object that they describe. */

/* A signal. Its emissions may be pending although it is neither blocked nor running and queue_full
   is false: they wait for the next turn. */
struct tocsin_signal_facts {
    int signo;
    const char *name;
    const struct tocsin_signal_spec *spec; /* its declaration; NULL: only named, by TOCSIN_EARLY */
    const char *owner;                     /* of the declaration; "": there is none */
    unsigned handlers, observers;          /* connected on this loop */
    bool blocked;         /* by a block, the set of tocsin_sigmask or an action.mask */
    bool ignored;         /* by tocsin_ignore */
    bool running;         /* its handlers run, so emissions are pending as well */
    bool queue_full;      /* its pending emissions wait for room in a queue that listens */
    unsigned pending;     /* pending emissions */
    size_t pending_bytes; /* of their copied payloads */
    uint64_t refused;     /* emissions that were refused at the limit */
};

/**
 * Reads the facts of a signal. Signos have no gaps: begin with 1, and end at -ENOENT.
 *
 * @owner   ret_facts is the caller's
 * @return  0 and ret_facts set; -ENOENT: the signo does not exist; -EINVAL: ret_facts is NULL
 * @emits   none
 * @thread  any; the facts of handlers are those of the calling thread's loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_signal_get(int signo, struct tocsin_signal_facts *ret_facts);

/**
 * Reads a pending emission of a signal. index counts from 0, the oldest.
 *
 * @owner   the info is the caller's, who gives it up with tocsin_info_unref; it stays pending
 * @return  0 and ret_info set; -ENOENT: there are fewer pending emissions; -EINVAL: index is
 *          negative, or ret_info is NULL
 * @emits   none
 * @thread  loop
 * @source  POSIX sigpending(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_pending_peek(int signo, int index, struct tocsin_info **ret_info);

/* A handler or an observer. */
struct tocsin_handler_facts {
    struct tocsin_handler handler;
    const char *pattern;
    const char *function;        /* its name; "": not recorded */
    const char *where;           /* the place that connected it, "chat.c:42"; "": not recorded */
    const char *owner;           /* "program", or the name of a plugin */
    const char *mask;            /* of its action; NULL: none */
    struct tocsin_source source; /* that it listens to; zero: all */
    int priority;
    unsigned flags; /* TOCSIN_ONCE, … */
    bool observer;
    uint64_t calls, faults; /* faults: calls that returned a negative errno */
    bool quarantined;       /* the handler is not called (tocsin_owner_fault_limit) */
    uint64_t held, missed;  /* in quarantine: emissions that are kept; emissions beyond the limit */
};

/**
 * Reads the facts of a handler.
 *
 * @owner   ret_facts is the caller's
 * @return  0 and ret_facts set; -ENOENT: the handler does not exist; -EXDEV: the handler belongs
 *          to the loop of another thread; -EINVAL: ret_facts is NULL; or the error that handler
 *          carries
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_handler_get(struct tocsin_handler handler,
                                  struct tocsin_handler_facts *ret_facts);

/**
 * Reads the facts of the next handler of the loop. To list all handlers, pass zero at first, then
 * the last ret_facts->handler. Handlers may be connected and disconnected meanwhile. Queues are
 * listed by tocsin_queue_next.
 *
 * @owner   ret_facts is the caller's
 * @return  0 and ret_facts set; -ENOENT: there is no further handler; -EINVAL: ret_facts is NULL;
 *          -EXDEV: after belongs to the loop of another thread; or the error that after carries
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_handler_next(struct tocsin_handler after,
                                   struct tocsin_handler_facts *ret_facts);

/* A block of tocsin_block. */
struct tocsin_block_facts {
    struct tocsin_block block;
    const char *pattern;
    const char *where, *owner; /* the place that made it; its owner */
};

/**
 * Reads the facts of the next block of the loop. To list all blocks, pass zero at first, then the
 * last ret_facts->block. The set of tocsin_sigmask is not a block.
 *
 * @owner   ret_facts is the caller's
 * @return  0 and ret_facts set; -ENOENT: there is no further block; -EINVAL: ret_facts is NULL;
 *          -EXDEV: after belongs to the loop of another thread; or the error that after carries
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_block_next(struct tocsin_block after, struct tocsin_block_facts *ret_facts);

/* A queue. */
struct tocsin_queue_facts {
    struct tocsin_queue queue;
    const char *pattern;       /* NULL: for operations only */
    const char *where, *owner; /* the place that opened it; its owner */
    unsigned flags;            /* TOCSIN_TAKE */
    size_t entries, bytes;     /* of what the queue holds */
    size_t reserved;           /* places of operations that have not ended */
    size_t limit, limit_bytes;
    uint64_t refused; /* emissions and starts of operations that were refused for lack of room */
    uint64_t missed;  /* emissions that were lost for lack of memory */
};

/**
 * Reads the facts of the next queue of the loop. To list all queues, pass zero at first, then the
 * last ret_facts->queue.
 *
 * @owner   ret_facts is the caller's
 * @return  0 and ret_facts set; -ENOENT: there is no further queue; -EINVAL: ret_facts is NULL;
 *          -EXDEV: after belongs to the loop of another thread; or the error that after carries
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_queue_next(struct tocsin_queue after, struct tocsin_queue_facts *ret_facts);

/* An operation. */
struct tocsin_op_facts {
    struct tocsin_op op;
    const char *name; /* of its terminal signal */
    const char *owner;
    int status;   /* -EINPROGRESS: it runs; else its status: its result is kept and not taken */
    bool serving; /* it only serves other operations (TOCSIN_BACKGROUND) */
    bool ended;   /* a fiber whose function has returned, but whose end is not announced yet; its
                     result is not kept */
    const void *started; /* address of the call that started it, with TOCSIN_DEBUG=1; else NULL */
};

/**
 * Reads the facts of the next operation of the loop that runs or keeps a result. To list them all,
 * pass zero at first, then the last ret_facts->op.
 *
 * @owner   ret_facts is the caller's
 * @return  0 and ret_facts set; -ENOENT: there is no further operation; -EINVAL: ret_facts is
 *          NULL; -EXDEV: after belongs to the loop of another thread; or the error that after
 *          carries
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_op_next(struct tocsin_op after, struct tocsin_op_facts *ret_facts);

/* A source of tocsin_source_new. */
struct tocsin_source_facts {
    struct tocsin_source source;
    void *data;
    const char *where, *owner; /* the place that made it; its owner */
};

/**
 * Reads the facts of the next source of the loop. To list all sources, pass zero at first, then the
 * last ret_facts->source. Operations, which are sources, too, are not listed.
 *
 * @owner   ret_facts is the caller's
 * @return  0 and ret_facts set; -ENOENT: there is no further source; -EINVAL: ret_facts is NULL;
 *          -EXDEV: after belongs to the loop of another thread; or the error that after carries
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_source_next(struct tocsin_source after,
                                  struct tocsin_source_facts *ret_facts);

/**
 * Writes a report about the calling thread's loop to a descriptor, as text: the objects that are
 * left (operations that run, results that were not taken, queues, sources, blocks, pending
 * emissions), each with its owner and, if known, the place that made it; the handlers that are
 * connected; and names that were connected early and never declared.
 *
 * A program that is started with TOCSIN_DEBUG=1 writes it to its standard error when it frees a
 * loop or exits, and a line for each handler that fails and each queue that is full.
 *
 * @owner   none
 * @return  the number of objects that are left, without handlers; or -errno of write
 * @emits   none
 * @thread  loop; a thread without a loop reports names only
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_report(int fd);

TOCSIN__END
#endif
