/* Real signals of the operating system, as emissions: os.sighup, os.sigterm, … os.sigrt0
   (SIGRTMIN), os.sigrt1, … */
#ifndef TOCSIN_OS_H
#define TOCSIN_OS_H

#include <tocsin/info.h>

TOCSIN__BEGIN

/* The payload of every os.*: the members of siginfo_t, without si_ (some of those names are
   macros). Members that this kind of signal does not have are 0. value is the pointer of si_value;
   a number that was sent is (int)value. The code of the info is TOCSIN_OS. */
#define TOCSIN_OS_SIGNAL(F) \
    F(i32, number) \
    F(i32, code) \
    F(i32, error) \
    F(i32, pid) \
    F(u32, uid) \
    F(i32, status) \
    F(i64, value) F(i64, utime) F(i64, stime) F(i64, band) F(i32, fd) F(i32, timer) F(i32, overrun)
TOCSIN_LAYOUT(tocsin_os_signal, TOCSIN_OS_SIGNAL);

/* Contracts of real signals.

   S1  Signals 1 to 31 coalesce, as in the kernel: on each loop the newest one waits and counts the
       others (overrun). They cannot be lost. Real-time signals are queued. When an inbox is nearly
       full, they are blocked on the thread that received the last one; the kernel then queues
       them, and refuses their sender when its own queue is full. When the loop has caught up, its
       thread unblocks them for itself. Other threads that have blocked them unblock them in the
       next turn of their loop; or, without a loop, with tocsin_os_unblock_here; or, on a pool
       thread (<tocsin/work.h>), before the next task. While there is no room, tasks begin with
       these signals blocked. A program that is executed meanwhile inherits the mask of the thread,
       unless it is started with a mask of its own (POSIX posix_spawnattr_setsigmask(3)).

   S2  The library's own threads block every signal, except that a pool thread blocks none while it
       runs a task. The kernel chooses the thread that receives a real signal; the loops that
       listen deliver it. Real-time signals keep their order while exactly one thread leaves them
       unblocked and no task runs: see tocsin_os_unblock_here.

   S3  The first handler of an os.* takes the real signal over: the library installs its own
       handler, with SA_RESTART. When the last one is disconnected, on any loop, or its loop begins
       to end, the previous disposition is restored, unless other code has changed it meanwhile. If
       another handler is installed, connecting returns -EBUSY, unless the action has
       TOCSIN_REPLACE. An ignored signal (nohup) counts as free.

       SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP and SIGSYS cannot wait, and SIGKILL and SIGSTOP
       cannot be caught: connecting to these returns -EINVAL. A pattern takes over the signals that
       it can, if the part of it that matches begins with "os.". Patterns such as "**" and
       "*.sigterm", and observers, take over nothing, and receive the signals that others have
       taken over.

   S4  Neither SIGPIPE nor SIGXFSZ (RLIMIT_FSIZE) ends a program that uses tocsin: write returns -1
       with errno EPIPE or EFBIG. The first loop that runs, and each load or check of a plugin,
       installs an empty handler for both if they have the default action. exec resets them to the
       default.

   T7  While the main loop runs (tocsin_run), SIGINT and SIGTERM are taken over if they have their
       default disposition; their default action stops that loop. */

/**
 * Returns the signo of the os.* signal of a real signal whose number is known at run time only,
 * such as SIGRTMIN + 3.
 *
 * @owner   none
 * @return  the signo; -EINVAL: the real signal does not exist, or cannot be handled (S3); -ENOSPC:
 *          the process has TOCSIN_SIGNALS_MAX names; -ENOMEM
 * @emits   none
 * @thread  any
 * @source  POSIX signal.h(0P)
 * @since   0.1
 */
TOCSIN_API int tocsin_os_signo(int number) TOCSIN_CHECKED;

/**
 * S2. Unblocks the real-time signals that are taken over now on the calling thread. For this
 * thread to receive all of them, block them on all other threads: a new thread inherits the mask
 * of its creator, so block them (pthread_sigmask) before creating threads, then call this on the
 * receiving thread, after connecting and not in a task. From the first call on, new tasks of
 * tocsin_work begin with them blocked; a task that runs already may receive some until it ends.
 *
 * @owner   none
 * @return  0; or -errno of pthread_sigmask
 * @emits   none
 * @thread  any
 * @source  POSIX pthread_sigmask(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_os_unblock_here(void);

TOCSIN__END
#endif
