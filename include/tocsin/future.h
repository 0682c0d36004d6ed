/* W1. The operation is the placeholder: started with TOCSIN_FUTURE it keeps its result, like a thread that can be joined, until
   one tocsin_wait, tocsin_then or tocsin_op_free takes it. Made without a type and completed by hand it is a promise. */
#ifndef TOCSIN_FUTURE_H
#define TOCSIN_FUTURE_H

#include <tocsin/op.h>

TOCSIN__BEGIN

/**
 * Waits for an operation and takes its result: on a fiber by suspending it, elsewhere by running turns. timeout_ms, in
 * milliseconds, is the operation's deadline: when it is over the operation is ended, and that is -ETIMEDOUT; what cannot be
 * cancelled is waited for. -1: no limit, or the deadline that it has. ret_info may be NULL.
 *
 * @owner   the operation is gone (unless -EDEADLK, -EBUSY, -EINVAL); 0 or more: the info is the caller's, who ends it with
 *          tocsin_info_unref; negative: there is none
 * @return  the operation's own status; the error that op carries; -EDEADLK: it would block in a handler, or
 *          it is the fiber that waits, or one that waits for that; -EBUSY: somebody waits for it already;
 *          -EINVAL: it was not started with TOCSIN_FUTURE, or timeout_ms is below -1; -ENOENT: there is no such operation, or
 *          not any more; -EXDEV: it belongs to the loop of another thread; -ENOMEM: for the deadline; nothing was done
 * @emits   whatever falls due meanwhile
 * @thread  loop
 * @source  POSIX pthread_join(3), aio_suspend(3); W1, W2
 * @since   0.1
 */
TOCSIN_API int tocsin_wait(struct tocsin_op op, int64_t timeout_ms, struct tocsin_info **ret_info) TOCSIN_CHECKED;

/**
 * Has fn called with the result, from the loop, when the operation has ended, also if it has already. It takes the
 * result: the operation is gone when fn returns.
 *
 * @owner   arg is the caller's
 * @return  0; the error that op carries; -EBUSY: somebody waits for it already; -EINVAL: it was not started with
 *          TOCSIN_FUTURE, or fn is NULL; -ENOENT: there is no such operation, or not any more; -EXDEV: it belongs to the loop of another
 *          thread
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_then(struct tocsin_op op, tocsin_fn fn, void *arg);

/* all.done: how many there were, and how many of them ended with a negative status. any.done: which of them was first. */
#define TOCSIN_ALL_DONE(F) F(u32, count) F(u32, failed)
#define TOCSIN_ANY_DONE(F) F(op, winner) F(u32, index)
TOCSIN_LAYOUT(tocsin_all_done, TOCSIN_ALL_DONE);
TOCSIN_LAYOUT(tocsin_any_done, TOCSIN_ANY_DONE);

/**
 * An operation that ends when all of these have ended, each started with TOCSIN_FUTURE. Their results stay theirs: take
 * them afterwards. None at all ends at once. Cancelling it cancels them all.
 *
 * @owner   ops is copied
 * @return  0; the error that one of ops carries; -EBUSY: one is waited for already, or stands there twice; -EINVAL: one does not keep its result,
 *          ops is NULL, or count is over 2^24; -ENOENT: one is gone; -EXDEV: one belongs to another loop; else as tocsin_op_new. On
 *          failure nothing has changed
 * @emits   all.done exactly once, status: the first negative one, else 0
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_all(const struct tocsin_op *ops, size_t count, const struct tocsin_notify *notify, struct tocsin_op *ret_op);

/**
 * An operation that ends when the first of these has ended, each started with TOCSIN_FUTURE. The winner's result stays
 * its own: take it. The others are cancelled and freed: forget them. Cancelling it cancels and frees them all, and there is
 * no winner.
 *
 * @owner   ops is copied; all but the winner are taken
 * @return  as tocsin_all; -EINVAL also: count is 0
 * @emits   any.done exactly once, status: the winner's
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_any(const struct tocsin_op *ops, size_t count, const struct tocsin_notify *notify, struct tocsin_op *ret_op);

TOCSIN__END
#endif
