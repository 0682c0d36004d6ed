/* Loops. A loop makes emissions when time has passed, descriptors are ready and operations have
 * ended. A loop belongs to one thread (T1). The thread's first connect or start creates its loop.
 * Each function in this header acts on the loop of the calling thread.
 *
 * The first start, run or turn opens five descriptors. If this fails, the call returns -EMFILE or
 * -ENFILE and may be repeated. libevent would end the process instead. So the first of these calls
 * sets libevent's fatal callback, which is process-wide. A program with its own fatal callback must
 * set it after this call. */
#ifndef TOCSIN_LOOP_H
#define TOCSIN_LOOP_H

#include <tocsin/base.h>

struct event_base; /* the event base of libevent */

/* A thread may end without tocsin_loop_free (T6): it returns, calls pthread_exit (in a handler,
 * too), or is cancelled. A destructor of thread-specific data then closes the thread's loop, after
 * the destructors of C++ thread_local objects.
 *
 * Such a loop calls drops, and the functions by which providers end their operations. It calls no
 * handler, notify, task or default action. Fibers are not resumed, and their stacks are unmapped.
 * Operations are cancelled, and only other loops that listen receive their ends (-ECANCELED). A
 * running task of tocsin_work continues. Messages in the inbox count as emissions without a
 * handler. Later posts to the loop return -ESHUTDOWN, and the next oldest loop becomes the main
 * loop. With TOCSIN_DEBUG=1 the library prints the thread, the loop, and the objects of the loop.
 *
 * A destructor of the program may use the library; a loop that it creates is closed, too. In the
 * last round of destructors (PTHREAD_DESTRUCTOR_ITERATIONS) creating a loop returns -ESHUTDOWN.
 * exit() and the return of main() close no loop. */

TOCSIN__BEGIN

/**
 * Runs turns until the loop is stopped, or a drain has ended. tocsin_stop stops the loop, and so
 * does a default action of kind TOCSIN_STOP_LOOP. If there is nothing to do, the call waits. It may
 * be called again.
 *
 * @owner   none
 * @return  the status that tocsin_stop was given; 0: the loop has drained; -ETIMEDOUT: the time to
 *          drain was over, and the remaining operations were cancelled; -EDEADLK: the call was
 *          made in a handler or a fiber; or the error of creating the thread's loop
 * @emits   everything that the loop delivers meanwhile
 * @thread  loop
 * @source  libevent event_base_dispatch
 * @since   0.1
 */
TOCSIN_API int tocsin_run(void);

/**
 * Requests the loop to stop. tocsin_run returns `status` when the current turn has ended. If
 * tocsin_run does not run now, its next call returns immediately. Operations continue to exist. A
 * stop does not end a wait (tocsin_wait, tocsin_queue_wait, tocsin_suspend).
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
 * Requests the loop to drain. Operations that never end by themselves (TOCSIN_PERSISTENT: repeating
 * timers, watches, listeners) are cancelled, and new ones are refused with -ESHUTDOWN. All other
 * operations, and the operations that they start, may end. Then tocsin_run returns 0.
 *
 * timeout_ms limits the time for the drain, in milliseconds (-1: no limit). When this time is over,
 * the remaining operations are cancelled, and all starts return -ESHUTDOWN until these operations
 * have ended. A second call may shorten the time.
 *
 * @owner   none
 * @return  0; -EINVAL: timeout_ms is below -1; or the error of creating the thread's loop
 * @emits   the terminal signals of the operations that it cancels, from the loop
 * @thread  loop
 * @source  O7
 * @since   0.1
 */
TOCSIN_API int tocsin_drain(int64_t timeout_ms);

/**
 * Runs one turn, for a program with another event loop. It waits for at most timeout_ms
 * milliseconds (0: not at all; -1: without limit) until there is something to do, and does it.
 *
 * @owner   none
 * @return  the number of deliveries, notifies and fibers that ran, 0 or more; -EDEADLK: the call
 *          was made in a handler or a fiber, or, with an adopted base, from a callback of
 *          libevent; -EINVAL: timeout_ms is below -1; or the error of creating the thread's loop
 * @emits   everything that the loop delivers meanwhile
 * @thread  loop
 * @source  libevent event_base_loop, EVLOOP_ONCE
 * @since   0.1
 */
TOCSIN_API int tocsin_loop_turn(int64_t timeout_ms);

/**
 * Returns a descriptor that is readable while a turn has something to do, also if a timer is due.
 * The program watches this descriptor in another event loop, and calls tocsin_loop_turn(0) when it
 * is readable.
 *
 * @owner   the descriptor is the loop's: do not read from it or close it
 * @return  the descriptor; -errno of epoll_create1 or timerfd_create; -ENOTSUP: the loop uses an
 *          adopted base; or the error of creating the thread's loop
 * @emits   none
 * @thread  loop
 * @source  POSIX poll(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_loop_fd(void);

/**
 * Ends the thread's loop (O7). It lifts all blocks, delivers pending emissions, cancels the
 * operations that run, and announces their ends. During this, starts return -ESHUTDOWN. In a
 * handler, this function returns immediately, and the loop is freed when the outermost delivery has
 * ended. A thread with a loop should call this function before it ends. Otherwise the ends of its
 * operations are not announced on this loop (T6).
 *
 * @owner   handlers are disconnected, and their drop is called
 * @return  the number of objects that were left: operations that ran, results that were not taken,
 *          queues, sources and blocks. A fiber that has returned is not counted, even if its end
 *          is announced only now. 0: none; or the thread has no loop; or called in a handler
 * @emits   the pending emissions; the terminal signals of the operations that ran
 * @thread  loop
 * @source  O7
 * @since   0.1
 */
TOCSIN_API int tocsin_loop_free(void);

/**
 * Creates the thread's loop on an event_base of the program (an adopted base). tocsin_run and
 * tocsin_loop_turn also serve the program's own events on this base.
 *
 * If the program dispatches the base itself (event_base_dispatch, event_base_loop), a callback of
 * libevent runs the turns of the loop. Such a turn calls handlers and notifies, and resumes fibers.
 * tocsin_run, tocsin_loop_turn and, outside a fiber, tocsin_wait return -EDEADLK in such a
 * callback. tocsin_stop and tocsin_drain affect tocsin_run only, so such a program ends its
 * dispatch by event_base_loopbreak. Such a program may call tocsin_loop_turn between dispatches,
 * but need not.
 *
 * @owner   base stays the program's. It must outlive the loop, or, without tocsin_loop_free, the
 *          thread (T6)
 * @return  0; -EBUSY: the thread has a loop already; -ESHUTDOWN: that loop is being freed;
 *          -EINVAL: base is NULL; -ENOMEM; -EMFILE, -ENFILE: no descriptors are left
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_loop_adopt(struct event_base *base);

/**
 * Returns the time of the loop's clock, in microseconds. The clock is monotonic, and its start is
 * unspecified. After tocsin_clock_move the clock stands still.
 *
 * @owner   none
 * @return  the time
 * @emits   none
 * @thread  any; a thread without a loop gets CLOCK_MONOTONIC
 * @source  POSIX clock_gettime(2)
 * @since   0.1
 */
TOCSIN_API int64_t tocsin_now(void);

/**
 * For tests. Stops the loop's clock and moves it forward by `ms` milliseconds. Timers that become
 * due in this time fire in their order, each at its own time. Then the function runs turns until
 * there is nothing to do, and waits for running tasks of tocsin_work. If `ms` is 0, it only runs
 * the turns.
 *
 * @owner   none
 * @return  0; -EINVAL: ms is negative; -EDEADLK: the call was made in a handler or a fiber; or the
 *          error of creating the thread's loop
 * @emits   everything that the loop delivers meanwhile
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_clock_move(int64_t ms);

/**
 * Returns the loop of the calling thread.
 *
 * @owner   none
 * @return  the loop; zero: the thread has none
 * @emits   none
 * @thread  any
 * @source  POSIX pthread_self(3)
 * @since   0.1
 */
TOCSIN_API struct tocsin_loop tocsin_loop_current(void);

/**
 * Returns the main loop, which is the oldest loop (T7). The main loop takes the default action of
 * signals without handlers.
 *
 * @owner   none
 * @return  the loop; zero: there is no loop
 * @emits   none
 * @thread  any, async-signal-safe
 * @source  none
 * @since   0.1
 */
TOCSIN_API struct tocsin_loop tocsin_loop_main(void);

/**
 * Requests that a loop calls task(arg) in its next turn, with no handler on its stack. The loop may
 * belong to another thread or to this one. The task may connect, start or cancel something on that
 * loop. Tasks and posts of the calling thread keep their order. The result of the task is ignored.
 * After the task, the loop calls drop(arg); `drop` may be NULL.
 *
 * @owner   arg is lent until drop is called; it stays the caller's if this fails
 * @return  0; -EAGAIN: the inbox of the loop is full; -EDQUOT: the owner has reached its limit of
 *          tasks; -ESHUTDOWN: the loop was freed, or is about to be; -EINVAL: task is NULL, or
 *          loop is zero; or the error that loop carries. A loop that is freed first calls the
 *          tasks that it has accepted
 * @emits   none
 * @thread  any, async-signal-safe
 * @source  GLib g_main_context_invoke
 * @since   0.1
 */
TOCSIN_API int tocsin_loop_call(struct tocsin_loop loop, tocsin_task task, void *arg,
                                tocsin_drop drop);

/**
 * In the child of a fork, makes the calling thread's loop usable again (T8). Before this call, each
 * call to the loop returns -EOWNERDEAD. The loop keeps its handlers, sources, blocks, ignored
 * signals, queues with their entries, and kept results. All its descriptors are new, also the
 * descriptor of tocsin_loop_fd. Pending emissions and messages are discarded. Operations are
 * discarded, too: their drop is called, their terminal signal is not emitted, and fibers do not
 * continue. On an adopted base this function calls event_reinit.
 *
 * A child that only executes another program, or ends by _exit, need not call this function. Before
 * this call, the child must not close descriptors of the loop by their numbers. It may close
 * descriptors that it watches.
 *
 * @owner   none
 * @return  0, also if there is nothing to do; -EDEADLK: a handler, a turn or a fiber of the parent
 *          is on the stack: return from it first; -ENOMEM; -EMFILE, -ENFILE: no descriptors are
 *          left. After -ENOMEM, -EMFILE or -ENFILE call this again, or tocsin_loop_free
 * @emits   none
 * @thread  the thread that forked; other threads do not exist in the child, and calls to their
 *          loops return -EOWNERDEAD for ever
 * @source  T8; POSIX fork(2), pthread_atfork(3); libevent event_reinit
 * @since   0.1
 */
TOCSIN_API int tocsin_after_fork(void) TOCSIN_CHECKED;

/**
 * Names the calling thread's loop for messages. The watchdog, tocsin_still_running and the line
 * about a crash then call it "loop NAME". Without a name, the loop is "loop main", or "loop" with a
 * number.
 *
 * @owner   name is copied, at most 31 bytes
 * @return  0; -EINVAL: name is NULL or empty; -ENODEV: the thread has no loop
 * @emits   none
 * @thread  loop
 * @source  pthread_setname_np(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_loop_name(const char *name);

/* Statistics of a loop since its creation. */
struct tocsin_loop_facts {
    struct tocsin_loop loop;
    bool main;           /* the loop is the main loop */
    uint64_t turns;      /* number of turns that did something or waited */
    uint64_t received;   /* number of messages taken out of the inbox */
    uint64_t refused;    /* number of posts and emissions of other loops for which the inbox had no
                            room */
    uint64_t missed;     /* number of emissions that the loop's observers did not receive, because
                          * there was no room (E18) */
    uint64_t wakeups;    /* how often another thread woke the loop */
    int64_t lag_us;      /* how long the last turn worked; during this time the loop served nothing
                            else */
    int64_t lag_most_us; /* how long the longest turn worked */
    int64_t busy_us;     /* how long all turns worked; the rest of the time the loop waited */
};

/**
 * Reads the statistics of the calling thread's loop.
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
