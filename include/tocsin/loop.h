/* The loop: where time, descriptors and finished operations become emissions. T1: a loop belongs to a thread; the
   first connect or start makes the thread's loop, and every call below speaks of the calling thread's. */
#ifndef TOCSIN_LOOP_H
#define TOCSIN_LOOP_H

#include <tocsin/base.h>

struct event_base;                        /* libevent's */

TOCSIN__BEGIN

/**
 * Runs turns until the loop is stopped (tocsin_stop, or a default action that stops it), or until a drain that was asked for is over. It
 * does not return because nothing is left to do. May be called again afterwards.
 *
 * @owner   none
 * @return  the status that tocsin_stop was given; 0: drained; -ETIMEDOUT: the time to drain was over, and what was left was
 *          cancelled and announced; -EDEADLK: called from a handler or a fiber; or what making the thread's loop answered
 * @emits   whatever falls due
 * @thread  loop
 * @source  libevent event_base_dispatch
 * @since   0.1
 */
TOCSIN_API int tocsin_run(void);

/**
 * Asks the loop to stop: tocsin_run answers status when this turn is over; nobody else obeys: a wait goes on. Operations stay as they are. If nothing runs, the
 * next tocsin_run obeys at once.
 *
 * @owner   none
 * @return  0; -ENODEV: the thread has no loop
 * @emits   none
 * @thread  loop
 * @source  libevent event_base_loopbreak
 * @since   0.1
 */
TOCSIN_API int tocsin_stop(int status);

/**
 * Asks the loop to drain: the operations that never end by themselves (TOCSIN_STANDING: repeating timers, watches,
 * listeners) are cancelled, new ones of that kind answer -ESHUTDOWN, and the others, with all that they start, may end;
 * then tocsin_run answers 0. timeout_ms, in milliseconds, limits it: when that is over, all starts answer -ESHUTDOWN until what is left
 * has ended; -1: no limit. A second call may shorten it.
 *
 * @owner   none
 * @return  0; -EINVAL: timeout_ms is below -1; or what making the thread's loop answered
 * @emits   the terminal signals of what stood, from the loop
 * @thread  loop
 * @source  O7
 * @since   0.1
 */
TOCSIN_API int tocsin_drain(int64_t timeout_ms);

/**
 * One turn, for a program that has a loop of another make: waits at most timeout_ms milliseconds (0: not at all, -1: without
 * limit) until there is something to do, and does it.
 *
 * @owner   none
 * @return  how many deliveries, notifies and fibers ran, 0 or more; -EDEADLK: called from a handler or a fiber, or, with an
 *          adopted base, from a callback of libevent; -EINVAL: timeout_ms is below -1; or what making the thread's
 *          loop answered
 * @emits   whatever falls due
 * @thread  loop
 * @source  libevent event_base_loop, EVLOOP_ONCE
 * @since   0.1
 */
TOCSIN_API int tocsin_turn(int64_t timeout_ms);

/**
 * A descriptor that is readable when a turn has something to do, timers too: put it into a foreign poll loop, and call
 * tocsin_turn(0) when it is.
 *
 * @owner   the loop's: do not read from it, do not close it
 * @return  the descriptor; -errno of epoll_create1 or timerfd_create; -ENOTSUP: the loop adopted a base; or what making the
 *          thread's loop answered
 * @emits   none
 * @thread  loop
 * @source  POSIX poll(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_fd(void);

/**
 * Ends the thread's loop (O7): lifts all blocks, delivers what is pended, cancels what runs and announces its end; starts meanwhile answer
 * -ESHUTDOWN. In a handler it answers at once and happens when the outermost delivery has ended. A thread that had a
 * loop calls it before it ends.
 *
 * @owner   handlers are disconnected, and their drop called
 * @return  how many things were left: operations that ran, results that nobody took, queues, sources and blocks
 *          that were not ended; 0: none, also if the thread has no loop, or if it is called in a handler
 * @emits   what is pended; the terminal signals of what runs
 * @thread  loop
 * @source  O7
 * @since   0.1
 */
TOCSIN_API int tocsin_free(void);

/**
 * Makes the thread's loop on an event_base that the program already has and goes on to own. The program's own events
 * on it are served by tocsin_run and tocsin_turn. If the program dispatches the base itself, it calls tocsin_turn(0)
 * after each pass, never in a callback of libevent.
 *
 * @owner   base stays the program's, and must outlive the loop
 * @return  0; -EBUSY: the thread has a loop already; -ESHUTDOWN: it is being freed; -EINVAL: base is NULL; -ENOMEM;
 *          -errno of eventfd
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_adopt(struct event_base *base);

/**
 * The loop's clock: microseconds, monotonic, from an unknown beginning.
 *
 * @owner   none
 * @return  the time; where the clock was stopped by tocsin_clock_move, the time it stands at
 * @emits   none
 * @thread  any; of a thread without a loop it is CLOCK_MONOTONIC
 * @source  POSIX clock_gettime(2)
 * @since   0.1
 */
TOCSIN_API int64_t tocsin_now(void);

/**
 * For tests: stops the loop's clock, moves it on by so many milliseconds, fires what falls due on the way, each at its
 * time and in its order, and runs turns until all is quiet. 0: only until quiet. Threads at work are waited for, since
 * their results are due.
 *
 * @owner   none
 * @return  0; -EINVAL: ms is negative; -EDEADLK: called from a handler or a fiber; or what making the thread's loop answered
 * @emits   whatever falls due
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_clock_move(int64_t ms);

/**
 * The calling thread's loop.
 *
 * @owner   none
 * @return  the loop; zero: it has none
 * @emits   none
 * @thread  any
 * @source  POSIX pthread_self(3)
 * @since   0.1
 */
TOCSIN_API struct tocsin_loop tocsin_loop_current(void);

TOCSIN__END
#endif
