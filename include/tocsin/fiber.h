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

/* TOCSIN_ON_FIBER: a handler or a notify that runs on a fiber. A handler has it in the flags of its
   action; TOCSIN_FIBERS is a notify that has it. For each emission, a fiber begins in the next turn
   of the loop and calls fn(info, arg), so fn may wait. The handlers behind it do not wait for it.

   - The fiber keeps the info, and all that its payload points to, until it has ended. `arg` must
     exist until then; the drop of a handler is called when the handler is disconnected and its last
     fiber has ended. Disconnecting the handler, or cancelling the operation of the notify, ends no
     fiber, and tocsin_disconnect_wait does not wait for fibers.
   - The value that fn returns is the status of fiber.done, and nothing else. So fn cannot stop a
     delivery, its errors do not count as failures of the handler, and its signal is not blocked
     while it runs. It is not called for questions (tocsin_ask). The action has no mask and no
     TOCSIN_NODEFER.
   - If the operation that the fiber was called for fails, that is, ends with a negative status, the
     fiber is cancelled: its wait ends with that operation's status if it waits for a part of it
     (a read), and else with -ECANCELED; all later waits return -ECANCELED. The operation is the one
     that the payload of a progress signal hands over (the stream of listener.accepted), or else the
     source of the emission, if it is an operation of the same loop.
   - A fiber that was called for an accepted stream has taken it (I8). When fn returns, and no
     notify, handler, read, flush, pipe or other fiber uses the stream, it is closed as by
     tocsin_stream_close; or cancelled, if fn has returned a negative status or was left by a jump.
   - If the fiber cannot begin, fn is not called for that emission, and the other handlers are. The
     handler counts as failed (tocsin.handler.failed) with -ENOMEM: no memory, no stack, or no
     descriptor for the copy of the info; -EDQUOT: the owner has reached its limit of operations; or
     -ESHUTDOWN: the loop is being freed, or the plugin unloaded. A listener then closes the stream,
     with that status, emits listener.refused, and pauses as it does without descriptors.
   - tocsin_loop_free and the unload of a plugin cancel the fibers and wait for them. When a thread
     ends without freeing its loop, its fibers are never resumed. */

/**
 * Runs task(arg) on a fiber of the calling thread's loop, from the loop's next turn on. A fiber is
 * an operation. If the fiber is cancelled, its current wait and every later wait return -ECANCELED.
 * The fiber ends when `task` returns. Its stack has 256 KiB and a guard page, and is used again
 * for later fibers: the loop keeps up to 64 unused ones.
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
