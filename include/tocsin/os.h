/* Real signals of the operating system, as emissions. Their names are os.sighup, os.sigterm, …, and
   os.sigrt0 (SIGRTMIN), os.sigrt1, … for real-time signals. */
#ifndef TOCSIN_OS_H
#define TOCSIN_OS_H

#include <tocsin/info.h>

TOCSIN__BEGIN

/* The payload of every os.* signal. Its fields are the members of siginfo_t without "si_", because
   some of those names are macros. Members that this kind of signal does not have are 0. value is
   the pointer of si_value; if a number was sent, it is (int)value. The code of the info is
   TOCSIN_OS. */
#define TOCSIN_OS_SIGNAL(F) \
    F(i32, number) \
    F(i32, code) \
    F(i32, error) \
    F(i32, pid) \
    F(u32, uid) \
    F(i32, status) \
    F(i64, value) F(i64, utime) F(i64, stime) F(i64, band) F(i32, fd) F(i32, timer) F(i32, overrun)
TOCSIN_LAYOUT(tocsin_os_signal, TOCSIN_OS_SIGNAL);

/* The contracts of real signals:

   S1  Signals 1 to 31 coalesce, as in the kernel. On each loop the newest signal waits, and its
       overrun counts the signals that it replaced. These signals cannot be lost. Real-time signals
       are queued. When an inbox is nearly full, they are blocked on the thread that received the
       last of them. Then the kernel queues them, and refuses their sender when its own queue is
       full. When the loop has room again, its thread unblocks them for itself. Other threads that
       have blocked them unblock them in the next turn of their own loop. A thread without a loop
       does so with tocsin_os_unblock_here, a pool thread (<tocsin/work.h>) before its next task.
       While there is no room, tasks begin with these signals blocked. A program that is executed
       during this time inherits the mask of the thread, unless it is started with its own mask
       (POSIX posix_spawnattr_setsigmask(3)).

   S2  The library's own threads block every signal, but a pool thread blocks none while it runs a
       task. The kernel chooses the thread that receives a real signal. The loops that listen
       deliver the signal. Real-time signals keep their order while exactly one thread has them
       unblocked and no task runs: see tocsin_os_unblock_here.

   S3  The first handler of an os.* signal takes over the real signal: the library installs its own
       handler, with SA_RESTART. When the last handler on all loops is disconnected, or its loop
       begins to end, the previous disposition is restored. But if other code has changed the
       disposition meanwhile, it stays. If the program itself has installed a handler, connecting
       returns -EBUSY, unless the action has TOCSIN_REPLACE. A real signal that is ignored (nohup)
       may be taken over.

       SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP and SIGSYS cannot wait, and SIGKILL and SIGSTOP
       cannot be caught. So connecting to one of these returns -EINVAL. A pattern such as "os.*"
       takes over the signals that it can: the matching part of the pattern must begin with "os.".
       Patterns such as "**" and "*.sigterm" take over nothing, and neither do observers. They
       receive the signals that other handlers have taken over.

   S4  Neither SIGPIPE nor SIGXFSZ (RLIMIT_FSIZE) ends a program that uses tocsin: write returns -1
       with errno EPIPE or EFBIG. The first loop that runs, and each load or check of a plugin,
       installs an empty handler for both if they have the default action. exec resets them to the
       default.

   T7  While the main loop runs (tocsin_run), SIGINT and SIGTERM are taken over if they have their
       default disposition. The default action of these two signals stops that loop. */

/**
 * Returns the signo of the os.* signal of a real signal. It is for real signals whose number is
 * only known at run time, such as SIGRTMIN + 3.
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
 * Unblocks on the calling thread (S2) the real-time signals that are taken over now. If this thread
 * must receive all of them, all other threads must block them. A new thread inherits the mask of
 * its creator. So the program blocks them (pthread_sigmask) before it creates threads. Then the
 * receiving thread calls this function, after it has connected its handlers, and not in a task.
 *
 * From the first call on, new tasks of tocsin_work begin with these signals blocked. A task that
 * runs already may receive some of them until it ends.
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
