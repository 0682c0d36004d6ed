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

/**
 * The main loop: the oldest one there is (T7). What nobody listens to has its default action taken there.
 *
 * @owner   none
 * @return  the loop; zero: there is none
 * @emits   none
 * @thread  any, async-signal-safe
 * @source  none
 * @since   0.1
 */
TOCSIN_API struct tocsin_loop tocsin_loop_main(void);

/**
 * Has another thread's loop, or the own one, call task(arg), in its next turn, with no handler on its stack: to connect, start, cancel something
 * there. It comes in order with what the calling thread posts. drop, which may be NULL, is called there with arg afterwards. What the task answers is
 * not used.
 *
 * @owner   arg is the loop's until drop is called; the caller's if this fails
 * @return  0; -EAGAIN: its inbox is full; -ESHUTDOWN: it is gone, or about to be; -EINVAL: task is NULL, or loop is zero; or the error that
 *          loop carries. A loop that is freed calls first what it has accepted
 * @emits   none
 * @thread  any, async-signal-safe
 * @source  GLib g_main_context_invoke
 * @since   0.1
 */
TOCSIN_API int tocsin_loop_call(struct tocsin_loop loop, tocsin_task task, void *arg, tocsin_drop drop);

/**
 * In the child of a fork: makes the calling thread's loop anew, which until then answers -EOWNERDEAD to every call (T8). It stays the same loop: handlers,
 * sources, blocks, what is ignored, queues and what they hold, results that are kept. Its descriptors are new, what tocsin_fd answered as well; what was
 * pended or posted is dropped, and so are operations, silently: their drop is called, their terminal signal is not told; fibers do not go on. An
 * adopted base has event_reinit called. A child that only runs another program, or ends by _exit, need not call it. Descriptors of the loop must not be closed
 * before it by number; those that are watched may.
 *
 * @owner   none
 * @return  0, also where there is nothing to be made anew; -EDEADLK: a handler, a turn or a fiber that came from the parent is on the stack, return from it
 *          first; -ENOMEM, -errno of eventfd or timerfd_create: call it again, or tocsin_free
 * @emits   none
 * @thread  the one that forked; others are not in the child, and their loops answer -EOWNERDEAD for ever
 * @source  T8; POSIX fork(2), pthread_atfork(3); libevent event_reinit
 * @since   0.1
 */
TOCSIN_API int tocsin_after_fork(void) TOCSIN_CHECKED;

struct tocsin_loop_facts {
    struct tocsin_loop loop;
    bool main;
    uint64_t turns;                       /* that did something, or waited */
    uint64_t received;                    /* entries that came out of the inbox */
    uint64_t refused;                     /* what others could not post or emit to it, for lack of room */
    uint64_t missed;                      /* what its observers did not see, for lack of room (E18) */
    uint64_t wakeups;                     /* times that another thread woke it */
    int64_t lag_us, lag_most_us;          /* how long the last turn worked, and the longest: for so long nothing else could be served */
    int64_t busy_us;                      /* how long all turns worked; the rest it waited */
};

/**
 * The facts of the calling thread's loop.
 *
 * @owner   ret_facts is the caller's
 * @return  0 and ret_facts set; -ENODEV: the thread has no loop; -EINVAL: ret_facts is NULL
 * @emits   none
 * @thread  loop
 * @source  Linux getrusage(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_loop_get(struct tocsin_loop_facts *ret_facts);

TOCSIN__END
#endif
