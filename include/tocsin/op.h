/* An operation runs by itself and announces its end by a signal, exactly once. A notify (POSIX's
   sigevent) says how the caller that started an operation learns of its end, besides the signal.
   Operations have these contracts:

   O1  If a start fails, it returns a negative errno, and nothing is emitted. Errors that depend on
       data are announced by the terminal signal.

   O2  If a start succeeds, exactly one terminal signal follows, from the loop, and never before the
       start has returned. The terminal signal is never refused, and cannot fail for lack of memory.
       Progress signals are emitted only while they have listeners.

   O3  A cancelled operation ends with its terminal signal, too. The status is -ECANCELED, or the
       real result if the operation had reached it.

   O5  A call with the id of an operation that does not exist any longer returns -ENOENT.

   O9  The notify is always called, once, and after the handlers. */
#ifndef TOCSIN_OP_H
#define TOCSIN_OP_H

#include <tocsin/info.h>

TOCSIN__BEGIN

/* Values for the parameter notify of every function that starts an operation:

   TOCSIN_CALL(fn, arg)   calls fn at the end; TOCSIN_CALL(fn) passes NULL
   TOCSIN_EACH(fn, arg)   calls fn for each progress (a tick, a readiness, a part of a body), not
                          at the end
   TOCSIN_QUEUE(queue)    puts each progress and the end into the queue
   TOCSIN_FUTURE          keeps the result until one tocsin_wait, tocsin_then or tocsin_op_free
   TOCSIN_BOTH(fn, arg)   calls fn for each progress and at the end; info->code says which
   TOCSIN_FIBERS(fn, arg) calls fn for each progress, each time on a fiber of its own
                          (<tocsin/fiber.h>): for an accepted stream, for example
   NULL                   emits the signals only

   A start returns -EINVAL if its notify would never be called. This is so with TOCSIN_EACH or
   TOCSIN_FIBERS for an operation without progress (a timer, work, a fiber, a promise). It is also
   so with TOCSIN_FUTURE for an operation that never ends by itself (TOCSIN_PERSISTENT: a repeating
   timer, a watch). For such an operation, the function of TOCSIN_CALL is called after the operation
   was cancelled or drained. */
enum { TOCSIN_AT_END = 1, TOCSIN_AT_EACH = 2, TOCSIN_INTO_QUEUE = 4, TOCSIN_KEEP = 8 };

/* A flag for providers, in addition to a mode or alone. The operation serves other operations, as
   the watch of a connection serves its fetches. A drain neither refuses nor cancels a background
   operation, and such an operation does not keep the loop running. tocsin_loop_free cancels it
   after the other operations have ended. */
enum { TOCSIN_BACKGROUND = 16 };

/* A flag in addition to a mode or alone. Inject functions (<tocsin/inject.h>) do not see the end of
   the operation, so they can neither delay it nor make it fail. The flag is for operations on whose
   end the program relies. Examples are a promise between two of its threads, and the unload of a
   plugin. */
enum { TOCSIN_NO_INJECT = 32 };

/* Describes how the caller learns of the end of an operation, like struct sigevent of POSIX. */
struct tocsin_notify {
    unsigned mode; /* TOCSIN_AT_END, TOCSIN_AT_EACH or both; TOCSIN_INTO_QUEUE; or TOCSIN_KEEP. The
                      flags TOCSIN_BACKGROUND and TOCSIN_NO_INJECT may be added, and
                      TOCSIN_ON_FIBER to TOCSIN_AT_EACH alone */
    tocsin_fn fn;  /* the function to call, for TOCSIN_AT_END and TOCSIN_AT_EACH */
    void *arg;     /* the argument of `fn` */
    struct tocsin_queue queue; /* the queue, for TOCSIN_INTO_QUEUE */
    uintptr_t spare[2];        /* must be zero */
};

#ifdef __cplusplus
extern "C++" {
struct tocsin__notify : tocsin_notify {
    tocsin__notify(unsigned mode_, tocsin_fn fn_, void *arg_ = nullptr) : tocsin_notify()
    {
        mode = mode_, fn = fn_, arg = arg_;
    }
    tocsin__notify(unsigned mode_, tocsin_queue queue_) : tocsin_notify()
    {
        mode = mode_, queue = queue_;
    }
    operator const tocsin_notify *() const
    {
        return this;
    }
};
}
#define TOCSIN_CALL(...) \
    (static_cast<const tocsin_notify *>(tocsin__notify(TOCSIN_AT_END, __VA_ARGS__)))
#define TOCSIN_EACH(...) \
    (static_cast<const tocsin_notify *>(tocsin__notify(TOCSIN_AT_EACH, __VA_ARGS__)))
#define TOCSIN_BOTH(...) \
    (static_cast<const tocsin_notify *>( \
        tocsin__notify(TOCSIN_AT_END | TOCSIN_AT_EACH, __VA_ARGS__)))
#define TOCSIN_FIBERS(...) \
    (static_cast<const tocsin_notify *>( \
        tocsin__notify(TOCSIN_AT_EACH | TOCSIN_ON_FIBER, __VA_ARGS__)))
#define TOCSIN_QUEUE(q) (static_cast<const tocsin_notify *>(tocsin__notify(TOCSIN_INTO_QUEUE, (q))))
#define TOCSIN_FUTURE \
    (static_cast<const tocsin_notify *>(tocsin__notify(TOCSIN_KEEP, tocsin_queue())))
#else
#define TOCSIN_CALL(...) (&(const struct tocsin_notify){ .mode = TOCSIN_AT_END, .fn = __VA_ARGS__ })
#define TOCSIN_EACH(...) \
    (&(const struct tocsin_notify){ .mode = TOCSIN_AT_EACH, .fn = __VA_ARGS__ })
#define TOCSIN_BOTH(...) \
    (&(const struct tocsin_notify){ .mode = TOCSIN_AT_END | TOCSIN_AT_EACH, .fn = __VA_ARGS__ })
#define TOCSIN_FIBERS(...) \
    (&(const struct tocsin_notify){ .mode = TOCSIN_AT_EACH | TOCSIN_ON_FIBER, .fn = __VA_ARGS__ })
#define TOCSIN_QUEUE(q) (&(const struct tocsin_notify){ .mode = TOCSIN_INTO_QUEUE, .queue = (q) })
#define TOCSIN_FUTURE (&(const struct tocsin_notify){ .mode = TOCSIN_KEEP })
#endif

/* Returns the operation that an emission comes from. */
static inline struct tocsin_op tocsin_info_op(const struct tocsin_info *info)
{
    struct tocsin_op op = TOCSIN__ZERO;

    op.source = info->source;
    return op;
}

/**
 * Replaces the notify of an operation from now on. This is for operations that the caller did not
 * start, such as a stream that a listener has accepted. If `notify` is NULL, the operation only
 * emits its signals.
 *
 * @owner   notify is copied
 * @return  0; -EINVAL: notify is malformed, would never be called, or has TOCSIN_BACKGROUND and
 *          the operation was started without it; -EBUSY: somebody waits for the result, or
 *          progress is on its way to the queue of the old notify; -EALREADY: the operation has
 *          ended; -ENOENT: the operation, or the queue of notify, does not exist; -EXDEV: one of
 *          them belongs to the loop of another thread; -EAGAIN: that queue is full; -ENOMEM. After
 *          an error the old notify stays
 * @emits   none
 * @thread  loop
 * @source  POSIX mq_notify(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_op_notify(struct tocsin_op op, const struct tocsin_notify *notify);

/**
 * Requests the end of an operation (O3). Its terminal signal follows, from the loop, with
 * -ECANCELED. What the caller lent to the operation stays lent until then.
 *
 * @owner   none
 * @return  0; -EALREADY: the operation has ended or is about to, and its real result is announced;
 *          -EBUSY: the operation cannot be cancelled, and its real result will be announced (work
 *          that runs already); -ENOENT: the operation does not exist; -EXDEV: the operation
 *          belongs to the loop of another thread
 * @emits   the operation's terminal signal, from the loop
 * @thread  loop
 * @source  POSIX aio_cancel(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_cancel(struct tocsin_op op);

/**
 * Sets the deadline of an operation (O4), in milliseconds from now; -1 means no deadline. At its
 * deadline an operation is cancelled, and ends with -ETIMEDOUT. An operation that cannot be
 * cancelled ends with its real result.
 *
 * @owner   none
 * @return  0; -EINVAL: timeout_ms is below -1; -EALREADY: the operation has ended or is about to;
 *          -ENOENT: the operation does not exist; -EXDEV: the operation belongs to the loop of
 *          another thread; -ENOMEM
 * @emits   the operation's terminal signal, from the loop
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_op_deadline(struct tocsin_op op, int64_t timeout_ms);

/**
 * Returns the state of an operation.
 *
 * @owner   none
 * @return  -EINPROGRESS: the operation runs; its status, if it has ended and its result is kept;
 *          -ENOENT: the operation does not exist; -EXDEV: the operation belongs to the loop of
 *          another thread
 * @emits   none
 * @thread  loop
 * @source  POSIX aio_error(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_op_status(struct tocsin_op op);

/**
 * Gives up the result of an operation that was started with TOCSIN_FUTURE. An operation that still
 * runs continues, and is freed at its end. An operation that has ended is freed immediately. An
 * operation that tocsin_op_new made, and that was not started, is undone.
 *
 * @owner   the id is invalid afterwards
 * @return  0; -EINVAL: the operation does not keep its result; -EBUSY: a tocsin_wait or
 *          tocsin_then waits for it; -ENOENT: the operation does not exist; -EXDEV: the operation
 *          belongs to the loop of another thread
 * @emits   none
 * @thread  loop
 * @source  POSIX pthread_detach(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_op_free(struct tocsin_op op);

/* op.done: the terminal signal of an operation without a type (a promise). Its payload is the
   payload that was passed to tocsin_op_complete. */

TOCSIN__END
#endif
