/* What there is: signals with their documentation, handlers, queues, blocks, what is pended; and what was left behind. */
#ifndef TOCSIN_INSPECT_H
#define TOCSIN_INSPECT_H

#include <tocsin/mask.h>
#include <tocsin/signal.h>

TOCSIN__BEGIN

/* Texts in these facts are borrowed: those of a signal for as long as the program runs, all others until the thing that they speak of is
   gone. What the calling thread's loop knows of it; a thread without a loop sees names and declarations. */

struct tocsin_signal_facts {
    int signo;
    const char *name;
    const struct tocsin_spec *spec;       /* what was declared; NULL: only the name is known, somebody connected to it early */
    const char *owner;                    /* of the declaration; "" if there is none */
    unsigned handlers, observers;         /* on this loop */
    bool blocked, ignored, running;       /* blocked: by a mask; while its handlers run it is held back as well */
    unsigned pended;
    size_t pended_bytes;                  /* of copied payloads */
    uint64_t refused;                     /* emissions that found what is pended full */
};

/**
 * The facts of a signal. Signos have no gaps: begin with 1, and end with the first that answers -ENOENT.
 *
 * @owner   ret_facts is the caller's
 * @return  0 and ret_facts set; -ENOENT: no such signo; -EINVAL: ret_facts is NULL
 * @emits   none
 * @thread  any; what it says of handlers is of the calling thread's loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_signal_get(int signo, struct tocsin_signal_facts *ret_facts);

/**
 * One of the emissions that are pended of a signal, counted from 0, the oldest.
 *
 * @owner   0: the info is the caller's, who ends it with tocsin_info_unref; it stays pended
 * @return  0 and ret_info set; -ENOENT: there are not so many; -EINVAL: index is negative, or ret_info is NULL
 * @emits   none
 * @thread  loop
 * @source  POSIX sigpending(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_pended(int signo, int index, struct tocsin_info **ret_info);

struct tocsin_handler_facts {
    struct tocsin_handler handler;
    const char *pattern;
    char function[64];                    /* as the source text has it where it was connected; "": not recorded */
    const char *where, *owner;            /* "chat.c:42", "": not recorded; "program" */
    const char *mask;                     /* of its action; NULL: none */
    struct tocsin_source source;
    int priority;
    unsigned flags;
    bool observer;
    uint64_t calls, faults;
    bool quarantined;                     /* it is not called (tocsin_owner_patience) */
    uint64_t held, missed;                /* meanwhile: kept for it; beyond the bound */
};

/**
 * The facts of a handler.
 *
 * @owner   ret_facts is the caller's
 * @return  0 and ret_facts set; -ENOENT: there is no such handler, or not any more; -EXDEV: it belongs to the loop of another
 *          thread; -EINVAL: ret_facts is NULL
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_handler_get(struct tocsin_handler handler, struct tocsin_handler_facts *ret_facts);

/**
 * The facts of the handler that comes after another one, for a walk over all of the loop's: begin with zero, go on with
 * ret_facts->handler. Handlers may come and go meanwhile. Queues and blocks have walks of their own.
 *
 * @owner   ret_facts is the caller's
 * @return  0 and ret_facts set; -ENOENT: there is none after it; -EINVAL: ret_facts is NULL; or the error that after carries
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_handler_next(struct tocsin_handler after, struct tocsin_handler_facts *ret_facts);

struct tocsin_mask_facts {
    struct tocsin_mask mask;
    const char *pattern;
    const char *where, *owner;
};

/**
 * The facts of the block that comes after another one; begin with zero. The set of tocsin_sigmask is not among them.
 *
 * @owner   ret_facts is the caller's
 * @return  0 and ret_facts set; -ENOENT: there is none after it; -EINVAL: ret_facts is NULL; or the error that after carries
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_mask_next(struct tocsin_mask after, struct tocsin_mask_facts *ret_facts);

struct tocsin_queue_facts {
    struct tocsin_queue queue;
    const char *pattern;                  /* NULL: for operations alone */
    const char *where, *owner;
    unsigned flags;
    size_t entries, bytes, reserved;      /* reserved: places of operations that have not ended */
    size_t limit, limit_bytes;
    uint64_t refused, missed;             /* missed: what could not be kept for lack of memory */
};

/**
 * The facts of the queue that comes after another one; begin with zero.
 *
 * @owner   ret_facts is the caller's
 * @return  0 and ret_facts set; -ENOENT: there is none after it; -EINVAL: ret_facts is NULL; or the error that after carries
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_queue_next(struct tocsin_queue after, struct tocsin_queue_facts *ret_facts);

struct tocsin_op_facts {
    struct tocsin_op op;
    const char *name;                     /* of its terminal signal */
    const char *owner;
    int status;                           /* -EINPROGRESS: it runs; else its result is kept, and nobody has taken it */
    bool serving;                         /* it is there for another one (TOCSIN_SERVING) */
};

/**
 * The facts of the operation that comes after another one; begin with zero. Those that run, and those that keep their result.
 *
 * @owner   ret_facts is the caller's
 * @return  0 and ret_facts set; -ENOENT: there is none after it; -EINVAL: ret_facts is NULL; or the error that after carries
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_op_next(struct tocsin_op after, struct tocsin_op_facts *ret_facts);

struct tocsin_source_facts {
    struct tocsin_source source;
    void *data;
    const char *where, *owner;
};

/**
 * The facts of the source that comes after another one; begin with zero. Operations, which are sources too, are not among them.
 *
 * @owner   ret_facts is the caller's
 * @return  0 and ret_facts set; -ENOENT: there is none after it; -EINVAL: ret_facts is NULL; or the error that after carries
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_source_next(struct tocsin_source after, struct tocsin_source_facts *ret_facts);

/**
 * Writes what the calling thread's loop has left, as text, to a descriptor: operations that run, results that nobody took, queues,
 * sources and blocks that were not ended, what is pended; each with its owner, and the place that made it where that is known; the handlers
 * that are connected; and names that somebody connected to early and nobody declared. A program that is started with TOCSIN_DEBUG=1
 * writes it to its standard error when it frees a loop or exits, and a line for each handler that fails and each queue that is full.
 *
 * @owner   none
 * @return  how many things were left, handlers not counted; -errno of write
 * @emits   none
 * @thread  loop; on a thread without one, names alone
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_report(int fd);

TOCSIN__END
#endif
