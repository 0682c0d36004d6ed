/* Queues. A program can take emissions and ends of operations out of a queue, and needs no handler
 * for them. A queue combines POSIX's sigwaitinfo, sigtimedwait and signalfd in one object. */
#ifndef TOCSIN_QUEUE_H
#define TOCSIN_QUEUE_H

#include <tocsin/info.h>

TOCSIN__BEGIN

/* A flag for a queue that works like sigwait (W3). Such a queue comes before all handlers and stops
 * the signal. It also takes pending emissions, the lowest rank first. An emission of a signal that
 * is not blocked enters the queue immediately, in order, and is not merged there. Emissions of a
 * blocked signal stay pending until they are taken. Emissions of a signal that is ignored and not
 * blocked are discarded. */
enum { TOCSIN_TAKE = 1 };

/* The options of a queue. Members that are not set must be zero. */
struct tocsin_queue_options {
    size_t limit; /* the most entries, including the places of operations that have not ended; 0:
                     1,024 */
    size_t limit_bytes; /* the most bytes of copied payloads; results of operations are not copied.
                           0: 1 MiB */
    int priority;       /* priority among the handlers; it has no meaning with TOCSIN_TAKE */
    unsigned flags;     /* TOCSIN_TAKE or 0 */
    uintptr_t spare[4]; /* must be zero */
};

/**
 * Opens a queue on the calling thread's loop. The queue receives the emissions of all signals that
 * match `pattern` (NULL: none), and the ends of operations that are started with
 * TOCSIN_QUEUE(queue). While the queue is full, tocsin_emit of such a signal returns -EAGAIN. A
 * start of an operation that would end in the queue returns -EAGAIN, too. An operation that was
 * started always has its place. If `options` is NULL, the defaults are used. `where` is the place
 * of the call; the macro passes it.
 *
 * @owner   the queue is the caller's, who ends it with tocsin_queue_close
 * @return  0 and ret_queue set; -EINVAL: pattern or options is malformed, pattern names a
 *          question, or ret_queue is NULL; -ENOENT: a plain name in the pattern is not declared;
 *          -EDQUOT: the owner has reached its limit of queues; -ENOMEM; -ESHUTDOWN: the loop is
 *          being freed; or the error of creating the thread's loop. On failure ret_queue carries
 *          the error
 * @emits   none
 * @thread  loop
 * @source  POSIX signalfd(2), sigwaitinfo(2); W3, E11
 * @since   0.1
 */
#define tocsin_queue_open(...) tocsin_queue_open_at(TOCSIN__HERE, __VA_ARGS__)
TOCSIN_API int tocsin_queue_open_at(const char *where, const char *pattern,
                                    const struct tocsin_queue_options *options,
                                    struct tocsin_queue *ret_queue);

/**
 * Takes the oldest entry of a queue. If there is none, waits for at most timeout_ms milliseconds
 * (0: not at all; -1: without limit). On a fiber the wait suspends the fiber; elsewhere it runs
 * turns. If `ret_info` is NULL, the entry is discarded.
 *
 * @owner   after 0 the info is the caller's, who gives it up with tocsin_info_unref
 * @return  0 and ret_info set; -ETIMEDOUT; -EDEADLK: the call would block in a handler; -EBUSY:
 *          another fiber waits for this queue; -ECANCELED: the waiting fiber was cancelled, or the
 *          queue was closed meanwhile; -EINVAL: timeout_ms is below -1; -ENOENT: the queue does
 *          not exist; -EXDEV: the queue belongs to the loop of another thread; -ENOMEM
 * @emits   everything that the loop delivers meanwhile
 * @thread  loop
 * @source  POSIX sigtimedwait(2); W2
 * @since   0.1
 */
TOCSIN_API int tocsin_queue_wait(struct tocsin_queue queue, int64_t timeout_ms,
                                 struct tocsin_info **ret_info) TOCSIN_CHECKED;

/**
 * Returns a descriptor for another event loop. The descriptor is readable while the queue has an
 * entry or a turn has something to do, also if a timer is due. When it is readable, the program
 * calls tocsin_queue_wait(queue, 0, …) until it returns -ETIMEDOUT.
 *
 * @owner   the descriptor is the loop's: do not read from it or close it
 * @return  the descriptor; as tocsin_loop_fd; -ENOENT: the queue does not exist; -EXDEV: the queue
 *          belongs to the loop of another thread
 * @emits   none
 * @thread  loop
 * @source  POSIX signalfd(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_queue_fd(struct tocsin_queue queue);

/**
 * Closes a queue and discards its entries. Operations that would have ended in the queue continue.
 *
 * @owner   the id is invalid afterwards
 * @return  0; -ENOENT: the queue does not exist; -EXDEV: the queue belongs to the loop of another
 *          thread
 * @emits   none
 * @thread  loop
 * @source  POSIX close(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_queue_close(struct tocsin_queue queue);

TOCSIN__END
#endif
