/* A fiber runs a function on a stack of its own. A wait suspends the fiber, so the loop can run
 * other code. The same function may run as main, on a thread, or on a fiber (W4). */
#ifndef TOCSIN_FIBER_H
#define TOCSIN_FIBER_H

#include <tocsin/op.h>

TOCSIN__BEGIN

/* The payload of fiber.done. total_us: how long the fiber existed, in microseconds. suspended: how
   often the fiber was suspended. */
#define TOCSIN_FIBER_DONE(F) F(i64, total_us) F(u64, suspended)
TOCSIN_LAYOUT(tocsin_fiber_done, TOCSIN_FIBER_DONE);

/**
 * Runs task(arg) on a fiber of the calling thread's loop, from the loop's next turn on. A fiber is
 * an operation. If the fiber is cancelled, its current wait and every later wait return -ECANCELED.
 * The fiber ends when `task` returns. Its stack has 256 KiB and a guard page.
 *
 * @owner   arg is lent until the terminal signal
 * @return  0; -EINVAL: task is NULL; -ENOMEM: no memory, perhaps for the stack; else as
 *          tocsin_op_new. On failure ret_op carries the error
 * @emits   fiber.done exactly once; its status is the result of task
 * @thread  loop
 * @source  POSIX makecontext(3), pthread_create(3); W2, W4
 * @since   0.1
 */
TOCSIN_API int tocsin_spawn(tocsin_task task, void *arg, const struct tocsin_notify *notify,
                            struct tocsin_op *ret_op);

/**
 * Suspends the running fiber until the loop's next turn, so that other fibers and handlers run.
 *
 * @owner   none
 * @return  0; -ECANCELED: the fiber is cancelled; -EDEADLK: no fiber runs, or a handler runs on
 *          the stack of the fiber
 * @emits   none
 * @thread  loop
 * @source  POSIX sched_yield(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_yield(void);

TOCSIN__END
#endif
