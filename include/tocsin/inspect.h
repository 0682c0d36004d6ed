/* Inspection, for tools: facts about signals, handlers, queues, blocks, operations and sources.
 * tocsin_report lists the objects that are left. */
#ifndef TOCSIN_INSPECT_H
#define TOCSIN_INSPECT_H

#include <tocsin/mask.h>
#include <tocsin/signal.h>

TOCSIN__BEGIN

/* Facts describe objects of the calling thread's loop. For a thread without a loop, there are only
 * names and declarations. Texts of a signal last as long as the program. All other texts last as
 * long as the object that they describe. */

/* The facts of a signal. If emissions are pending although the signal is neither blocked nor
 * running, and queue_full is false, they wait for the next turn. */
struct tocsin_signal_facts {
    int signo;
    const char *name;
    const struct tocsin_signal_spec *spec; /* the declaration of the signal; NULL: the signal is not
                                            * declared, and a handler with TOCSIN_EARLY uses its
                                            * name */
    const char *owner;                     /* owner of the declaration; "": there is none */
    unsigned handlers, observers;          /* numbers of handlers and observers that are connected
                                              on this loop */
    bool blocked;         /* a block, the set of tocsin_sigmask or an action.mask blocks the
                             signal */
    bool ignored;         /* tocsin_ignore ignores the signal */
    bool running;         /* the handlers of the signal run, so its emissions are pending, too */
    bool queue_full;      /* the pending emissions wait for room in a queue that listens */
    unsigned pending;     /* number of the pending emissions */
    size_t pending_bytes; /* bytes of the copied payloads of the pending emissions */
    uint64_t refused;     /* number of emissions that were refused because a limit was reached */
};

/**
 * Reads the facts of a signal. Signos have no gaps: a list begins with 1, and ends with -ENOENT.
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
 * Reads a pending emission of a signal. `index` counts from 0, which is the oldest emission.
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

/* The facts of a handler or an observer. */
struct tocsin_handler_facts {
    struct tocsin_handler handler;
    const char *pattern;
    const char *function;        /* name of the function; "": not recorded */
    const char *where;           /* place of the call that connected the handler, such as
                                    "chat.c:42"; "": not recorded */
    const char *owner;           /* owner of the handler: "program", or the name of a plugin */
    const char *mask;            /* mask of the handler's action; NULL: none */
    struct tocsin_source source; /* the only source that the handler listens to; zero: all
                                    sources */
    int priority;
    unsigned flags; /* set of TOCSIN_ONCE and the other flags */
    bool observer;
    uint64_t calls, faults; /* numbers of the calls, and of the calls that returned a negative
                               errno */
    bool quarantined;       /* the handler is in quarantine, so it is not called
                               (tocsin_owner_fault_limit) */
    uint64_t held, missed;  /* numbers of the emissions that are kept in quarantine, and of those
                             * that the limit has refused */
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
 * Reads the facts of the next handler of the loop. To list all handlers, pass zero at first, and
 * then the ret_facts->handler of the last call. Handlers may be connected and disconnected
 * meanwhile. This function does not list queues; tocsin_queue_next does.
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

/* The facts of a block that tocsin_block made. */
struct tocsin_block_facts {
    struct tocsin_block block;
    const char *pattern;
    const char *where, *owner; /* place of the call that made the block; owner of the block */
};

/**
 * Reads the facts of the next block of the loop. To list all blocks, pass zero at first, and then
 * the ret_facts->block of the last call. The set of tocsin_sigmask is not a block.
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

/* The facts of a queue. */
struct tocsin_queue_facts {
    struct tocsin_queue queue;
    const char *pattern;       /* the pattern; NULL: the queue is for operations only */
    const char *where, *owner; /* place of the call that opened the queue; owner of the queue */
    unsigned flags;            /* TOCSIN_TAKE or 0 */
    size_t entries, bytes;     /* number and bytes of the entries in the queue */
    size_t reserved;           /* number of places for operations that have not ended */
    size_t limit, limit_bytes;
    uint64_t refused; /* number of emissions and starts that were refused because the queue had no
                       * room */
    uint64_t missed;  /* number of emissions that were lost because there was no memory */
};

/**
 * Reads the facts of the next queue of the loop. To list all queues, pass zero at first, and then
 * the ret_facts->queue of the last call.
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

/* The facts of an operation. */
struct tocsin_op_facts {
    struct tocsin_op op;
    const char *name; /* name of the operation's terminal signal */
    const char *owner;
    int status;   /* -EINPROGRESS while the operation runs; afterwards its status, until its result
                     is taken */
    bool serving; /* the operation only serves other operations (TOCSIN_BACKGROUND) */
    bool ended;   /* the operation is a fiber whose function has returned, but whose end is not
                     announced yet; its result is not kept */
    const void *started; /* address of the call that started the operation, if TOCSIN_DEBUG=1 is
                            set; else NULL */
};

/**
 * Reads the facts of the next operation of the loop that runs or keeps a result. To list all
 * operations, pass zero at first, and then the ret_facts->op of the last call.
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

/* The facts of a source that tocsin_source_new made. */
struct tocsin_source_facts {
    struct tocsin_source source;
    void *data;
    const char *where, *owner; /* place of the call that made the source; owner of the source */
};

/**
 * Reads the facts of the next source of the loop. To list all sources, pass zero at first, and then
 * the ret_facts->source of the last call. Operations are sources, too, but are not listed.
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
 * Writes a report about the calling thread's loop to a descriptor, as text. The report lists the
 * objects that are left: operations that run, results that were not taken, queues, sources, blocks
 * and pending emissions. It states the owner of each object and, if known, the place that made the
 * object. The report also lists the connected handlers, and names that were connected early and
 * never declared.
 *
 * A program that is started with TOCSIN_DEBUG=1 writes the report to its standard error when it
 * frees a loop or exits. It also writes a line for each handler that fails and for each queue that
 * is full.
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
