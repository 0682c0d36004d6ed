/* Queues: completions and signals, pulled instead of called. POSIX's sigwaitinfo, sigtimedwait and signalfd in one object. */
#ifndef TOCSIN_QUEUE_H
#define TOCSIN_QUEUE_H

#include <tocsin/info.h>

TOCSIN__BEGIN

/* W3. The queue comes before all handlers and stops the signal, and it can take what is pended, the lowest rank first: sigwait. What is not blocked
   reaches it when it is emitted, in that order, and is not merged there; what is blocked stays pended, by rank, until it is taken. Ignored and not
   blocked, it is discarded all the same. */
enum { TOCSIN_TAKE = 1 };

struct tocsin_queue_options {
    size_t limit;                         /* entries, those of operations that have not ended included. 0: 1,024 */
    size_t limit_bytes;                   /* of the payloads that were copied for it (an operation's result is not). 0: 1 MiB */
    int priority;                         /* among the handlers; without meaning with TOCSIN_TAKE */
    unsigned flags;
    uintptr_t spare[4];                   /* zero */
};

/**
 * Opens a queue on the calling thread's loop. pattern: the signals it holds; NULL: only the operations that are started with
 * TOCSIN_QUEUE(queue). A full queue refuses: tocsin_emit of a signal it listens to, and the start of an operation
 * that would end in it, answer -EAGAIN. What was started is never lost. options NULL: all defaults.
 *
 * @owner   the queue is the caller's, who ends it with tocsin_queue_close
 * @return  0 and ret_queue set; -EINVAL: pattern or options is malformed, the pattern is the name of a question, or ret_queue is NULL; -ENOENT: a plain name that nobody declared;
 *          -ENOMEM; -ESHUTDOWN: the loop is being freed; or what making the thread's loop answered. On failure ret_queue carries the error
 * @emits   none
 * @thread  loop
 * @source  POSIX signalfd(2), sigwaitinfo(2); W3, E11
 * @since   0.1
 */
#define tocsin_queue_open(...) tocsin_queue_open_at(TOCSIN__HERE, __VA_ARGS__)
TOCSIN_API int tocsin_queue_open_at(const char *where, const char *pattern, const struct tocsin_queue_options *options,
                                    struct tocsin_queue *ret_queue);

/**
 * Takes the oldest entry of a queue; waits for one for at most timeout_ms milliseconds (0: not at all; -1: without limit), on a fiber
 * by suspending it, elsewhere by running turns. ret_info may be NULL: the entry is dropped.
 *
 * @owner   0: the info is the caller's, who ends it with tocsin_info_unref
 * @return  0 and ret_info set; -ETIMEDOUT; -EDEADLK: it would block in a handler; -EBUSY: another fiber waits for
 *          this queue; -ECANCELED: the fiber that waits is cancelled, or the queue was closed meanwhile; -EINVAL: timeout_ms is below
 *          -1; -ENOENT: there is no such queue; -EXDEV: it belongs to the loop of another thread; -ENOMEM
 * @emits   whatever falls due meanwhile
 * @thread  loop
 * @source  POSIX sigtimedwait(2); W2
 * @since   0.1
 */
TOCSIN_API int tocsin_queue_wait(struct tocsin_queue queue, int64_t timeout_ms, struct tocsin_info **ret_info) TOCSIN_CHECKED;

/**
 * A descriptor for a foreign poll loop: readable when the queue holds something or the loop has a turn to run, timers too.
 * tocsin_queue_wait(queue, 0, …) until it answers -ETIMEDOUT runs it.
 *
 * @owner   the loop's: do not read from it, do not close it
 * @return  the descriptor; as tocsin_fd; -ENOENT: there is no such queue; -EXDEV: it belongs to the loop of another thread
 * @emits   none
 * @thread  loop
 * @source  POSIX signalfd(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_queue_fd(struct tocsin_queue queue);

/**
 * Closes a queue. What it holds is dropped; operations that would have ended in it run on.
 *
 * @owner   the queue is gone
 * @return  0; -ENOENT: there is no such queue; -EXDEV: it belongs to the loop of another thread
 * @emits   none
 * @thread  loop
 * @source  POSIX close(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_queue_close(struct tocsin_queue queue);

TOCSIN__END
#endif
