/* Fibers: functions with a stack of their own, that a wait suspends. W4: the same function runs as main, on a thread, or on a
   fiber. */
#ifndef TOCSIN_FIBER_H
#define TOCSIN_FIBER_H

#include <tocsin/op.h>

TOCSIN__BEGIN

/* How long it lived, and how often it was suspended. */
#define TOCSIN_FIBER_DONE(F) F(i64, total_us) F(u64, suspended)
TOCSIN_LAYOUT(tocsin_fiber_done, TOCSIN_FIBER_DONE);

/**
 * Runs task(arg) on a fiber of the calling thread's loop: a fiber is an operation. It begins in the loop's next turn. Cancelled, the
 * wait that it is in, and each that it comes to, answers -ECANCELED; it ends with what task answers. Its stack has
 * 256 KiB and a guard page.
 *
 * @owner   arg is the caller's until the terminal signal
 * @return  0; -EINVAL: task is NULL; -ENOMEM: also the stack; else as tocsin_op_new. On failure ret_op carries the error
 * @emits   fiber.done exactly once, status: what task answered
 * @thread  loop
 * @source  POSIX makecontext(3), pthread_create(3); W2, W4
 * @since   0.1
 */
TOCSIN_API int tocsin_spawn(tocsin_task task, void *arg, const struct tocsin_notify *notify, struct tocsin_op *ret_op);

/**
 * Suspends the fiber that runs until the loop's next turn, so that others get on.
 *
 * @owner   none
 * @return  0; -ECANCELED: the fiber is cancelled; -EDEADLK: no fiber runs, or a handler does on its stack
 * @emits   none
 * @thread  loop
 * @source  POSIX sched_yield(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_yield(void);

TOCSIN__END
#endif
