/* Futures (W1). An operation that was started with TOCSIN_FUTURE keeps its result, like a thread
   that can be joined. One call of tocsin_wait, tocsin_then or tocsin_op_free takes the result. A
   promise is an operation without a type, which the program completes by hand
   (<tocsin/provider.h>). */
#ifndef TOCSIN_FUTURE_H
#define TOCSIN_FUTURE_H

#include <tocsin/op.h>

TOCSIN__BEGIN

/**
 * Waits for an operation and takes its result. On a fiber this call suspends the fiber; elsewhere
 * it runs turns. timeout_ms, in milliseconds, becomes the operation's deadline, unless its present
 * deadline is earlier. At the deadline the operation is cancelled, and this call returns
 * -ETIMEDOUT. If the operation cannot be cancelled, the call waits for its end. If timeout_ms is
 * -1, the deadline does not change. `ret_info` may be NULL.
 *
 * @owner   the operation is freed, except after -EDEADLK, -EBUSY and -EINVAL. If the result is 0
 *          or more, the info is the caller's, who gives it up with tocsin_info_unref; if it is
 *          negative, there is no info
 * @return  the operation's own status; the error that op carries; -EDEADLK: the call would block
 *          in a handler, or op is the waiting fiber, or a fiber that waits for it; -EBUSY: another
 *          tocsin_wait or tocsin_then waits for the operation; -EINVAL: the operation was not
 *          started with TOCSIN_FUTURE, or timeout_ms is below -1; -ENOENT: the operation does not
 *          exist; -EXDEV: the operation belongs to the loop of another thread; -ENOMEM: there was
 *          no memory for the deadline, and nothing was done
 * @emits   everything that the loop delivers meanwhile
 * @thread  loop
 * @source  POSIX pthread_join(3), aio_suspend(3); W1, W2
 * @since   0.1
 */
TOCSIN_API int tocsin_wait(struct tocsin_op op, int64_t timeout_ms,
                           struct tocsin_info **ret_info) TOCSIN_CHECKED;

/**
 * Calls `fn` with the result of an operation, from the loop. `fn` is called when the operation has
 * ended, or soon if it has ended already. This takes the result: the operation is freed when `fn`
 * returns.
 *
 * @owner   arg stays the caller's
 * @return  0; the error that op carries; -EBUSY: a tocsin_wait or tocsin_then waits for the
 *          operation; -EINVAL: the operation was not started with TOCSIN_FUTURE, or fn is NULL;
 *          -ENOENT: the operation does not exist; -EXDEV: the operation belongs to the loop of
 *          another thread; -ESHUTDOWN: the loop is being freed, and runs no more turns
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_then(struct tocsin_op op, tocsin_fn fn, void *arg);

/* The payloads of all.done and any.done. all.done has the number of operations, and how many of
 * them ended with a negative status. any.done has the operation that ended first, and its index. */
#define TOCSIN_ALL_DONE(F) F(u32, count) F(u32, failed)
#define TOCSIN_ANY_DONE(F) F(op, winner) F(u32, index)
TOCSIN_LAYOUT(tocsin_all_done, TOCSIN_ALL_DONE);
TOCSIN_LAYOUT(tocsin_any_done, TOCSIN_ANY_DONE);

/**
 * Starts an operation that ends when all of `ops` have ended. Each of them must have been started
 * with TOCSIN_FUTURE, and keeps its result, which the caller takes afterwards. If `count` is 0, the
 * operation ends immediately. If the operation is cancelled, all of `ops` are cancelled.
 *
 * @owner   ops is copied
 * @return  0; the error that one of ops carries; -EBUSY: one of ops is waited for already, or
 *          occurs twice; -EINVAL: one of ops does not keep its result, ops is NULL, or count is
 *          over 2^24; -ENOENT: one of ops does not exist; -EXDEV: one of ops belongs to another
 *          loop; else as tocsin_op_new. On failure nothing has changed
 * @emits   all.done exactly once; its status is the first negative one, else 0
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_all(const struct tocsin_op *ops, size_t count,
                          const struct tocsin_notify *notify, struct tocsin_op *ret_op);

/**
 * Starts an operation that ends when the first of `ops` has ended. Each of them must have been
 * started with TOCSIN_FUTURE. The first one, the winner, keeps its result, which the caller takes.
 * The others are cancelled and freed, and their ids become invalid. If the operation is cancelled,
 * all of `ops` are cancelled and freed, and there is no winner.
 *
 * @owner   ops is copied; all of ops but the winner are freed
 * @return  as tocsin_all; -EINVAL also: count is 0
 * @emits   any.done exactly once; its status is the winner's
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_any(const struct tocsin_op *ops, size_t count,
                          const struct tocsin_notify *notify, struct tocsin_op *ret_op);

TOCSIN__END
#endif
