/* Operations: what goes on by itself and announces its end by a signal, once. And notify, POSIX's sigevent: how the
   starter of one hears of it, besides the registry.

   O1  Start fails: a negative errno, and nothing is ever emitted. What depends on data is announced by the terminal signal.
   O2  Start succeeds: exactly one terminal signal, from the loop, never before start returns, never refused, and it cannot
       fail for memory. Progress before it is made only while somebody wants it.
   O3  Cancel leads to that same signal with -ECANCELED, or to the real result if that was on its way.
   O5  A stale id answers -ENOENT.
   O9  The notify comes after the handlers, always, once. */
#ifndef TOCSIN_OP_H
#define TOCSIN_OP_H

#include <tocsin/info.h>

TOCSIN__BEGIN

/* TOCSIN_CALL(fn, arg)   fn when it has ended; TOCSIN_CALL(fn) for a NULL arg
   TOCSIN_EACH(fn, arg)   fn at each progress (a tick, a readiness, a part of a body), not at the end
   TOCSIN_QUEUE(queue)    into the queue, both
   TOCSIN_FUTURE          the operation keeps its result until one tocsin_wait, tocsin_then or tocsin_op_free takes it
   NULL                   the registry alone

   .how = TOCSIN_AT_END | TOCSIN_AT_EACH   fn at both; info->code tells which */
enum { TOCSIN_AT_END = 1, TOCSIN_AT_EACH = 2, TOCSIN_INTO_QUEUE = 4, TOCSIN_KEEP = 8 };

/* For providers, with one of the above or alone, in place of a tocsin_serve(): an operation that is there for the sake of others (the watch of
   a connection on which fetches run). Draining neither refuses nor cancels it, it does not keep the loop running, and
   tocsin_free cancels it last, when the others have ended. */
enum { TOCSIN_SERVING = 16 };

struct tocsin_notify {
    unsigned how;                         /* one of the above, or both of the first two; and TOCSIN_SERVING */
    tocsin_fn fn;
    void *arg;
    struct tocsin_queue queue;
    uintptr_t spare[2];                   /* zero */
};

#ifdef __cplusplus
extern "C++" {
struct tocsin__notify : tocsin_notify {
    tocsin__notify(unsigned how_, tocsin_fn fn_, void *arg_ = nullptr) : tocsin_notify()
    {
        how = how_, fn = fn_, arg = arg_;
    }
    tocsin__notify(unsigned how_, tocsin_queue queue_) : tocsin_notify()
    {
        how = how_, queue = queue_;
    }
    operator const tocsin_notify *() const { return this; }
};
}
#define TOCSIN_CALL(...) (static_cast<const tocsin_notify *>(tocsin__notify(TOCSIN_AT_END, __VA_ARGS__)))
#define TOCSIN_EACH(...) (static_cast<const tocsin_notify *>(tocsin__notify(TOCSIN_AT_EACH, __VA_ARGS__)))
#define TOCSIN_QUEUE(q)  (static_cast<const tocsin_notify *>(tocsin__notify(TOCSIN_INTO_QUEUE, (q))))
#define TOCSIN_FUTURE    (static_cast<const tocsin_notify *>(tocsin__notify(TOCSIN_KEEP, tocsin_queue())))
#else
#define TOCSIN_CALL(...) (&(const struct tocsin_notify){ .how = TOCSIN_AT_END, .fn = __VA_ARGS__ })
#define TOCSIN_EACH(...) (&(const struct tocsin_notify){ .how = TOCSIN_AT_EACH, .fn = __VA_ARGS__ })
#define TOCSIN_QUEUE(q)  (&(const struct tocsin_notify){ .how = TOCSIN_INTO_QUEUE, .queue = (q) })
#define TOCSIN_FUTURE    (&(const struct tocsin_notify){ .how = TOCSIN_KEEP })
#endif

/**
 * O3. Asks an operation to end. Its terminal signal follows, from the loop, with -ECANCELED, and what was lent to it stays lent
 * until then.
 *
 * @owner   none
 * @return  0; -EALREADY: it has ended or is about to, and the real result will be announced, or has been if it is kept;
 *          -EBUSY: it cannot be cancelled (work that runs): its real result will be announced; -ENOENT: there is no such
 *          operation, or not any more; -EXDEV: it belongs to the loop of another thread
 * @emits   the operation's terminal signal, from the loop
 * @thread  loop
 * @source  POSIX aio_cancel(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_cancel(struct tocsin_op op);

/**
 * O4. Gives an operation so many milliseconds from now, in place of what it had: then it is cancelled, and ends with -ETIMEDOUT. -1: no
 * limit. What cannot be cancelled ends with its real result.
 *
 * @owner   none
 * @return  0; -EINVAL: timeout_ms is below -1; -EALREADY: it has ended or is about to; -ENOENT: there is no such operation, or not
 *          any more; -EXDEV: it belongs to the loop of another thread; -ENOMEM
 * @emits   the operation's terminal signal, from the loop
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_deadline(struct tocsin_op op, int64_t timeout_ms);

/**
 * How far an operation is.
 *
 * @owner   none
 * @return  -EINPROGRESS: it runs; its status, if it has ended and keeps its result; -ENOENT: there is no such operation, or not any
 *          more; -EXDEV: it belongs to the loop of another thread
 * @emits   none
 * @thread  loop
 * @source  POSIX aio_error(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_op_status(struct tocsin_op op);

/**
 * Says that nobody will take the result of an operation that was started with TOCSIN_FUTURE. It runs on, and is gone at its
 * end; if it has ended it is gone at once. What nobody started yet (tocsin_op_new) is undone.
 *
 * @owner   the id is not to be used again
 * @return  0; -EINVAL: it does not keep its result; -EBUSY: somebody waits for it; -ENOENT: there is no such operation, or not any
 *          more; -EXDEV: it belongs to the loop of another thread
 * @emits   none
 * @thread  loop
 * @source  POSIX pthread_detach(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_op_free(struct tocsin_op op);

/* op.done: an operation without a type was completed by hand; it carries whatever it was completed with. */

TOCSIN__END

#include <tocsin/provider.h>

#endif
