/* Real signals of the operating system, as emissions: os.sighup, os.sigterm, … os.sigrt0 (SIGRTMIN), os.sigrt1, … */
#ifndef TOCSIN_OS_H
#define TOCSIN_OS_H

#include <tocsin/info.h>

TOCSIN__BEGIN

/* All of siginfo_t, without its si_ (some of those names are macros); the fields that the kind of signal does not have are 0. value is the pointer of its
   union; of a number that was sent, (int)value. The code of the info is TOCSIN_OS. */
#define TOCSIN_OS_SIGNAL(F) F(i32, number) F(i32, code) F(i32, error) F(i32, pid) F(u32, uid) F(i32, status) F(i64, value) \
    F(i64, utime) F(i64, stime) F(i64, band) F(i32, fd) F(i32, timer) F(i32, overrun)
TOCSIN_LAYOUT(tocsin_os_signal, TOCSIN_OS_SIGNAL);                /* of every os.* */

/* Contracts of real signals.
   S1  Signals 1 to 31 coalesce, as in the kernel: one waits on each loop, the newest, and counts the others (overrun). It cannot be lost. Real-time
       ones are queued; where an inbox is nearly full they are blocked on the thread that got the last one, so that the kernel goes on
       queueing, and refuses their sender, until the loop has caught up; then the loop's thread unblocks them for itself, and other threads that have
       blocked them so do it in their loop's next turn, or, without a loop, with tocsin_os_here.
   S2  The library's own threads block every signal. Real signals are taken on whichever thread the kernel chooses, and delivered by the loops that listen. The
       order among real-time signals holds while one thread of the process leaves them unblocked: tocsin_os_here.
   S3  The first handler of an os.* takes the real signal over, with SA_RESTART; when the last one goes, on any loop, or its loop begins to end, what was
       there before is put back, unless somebody else has changed it meanwhile. A foreign handler that is there answers -EBUSY, unless the action says
       TOCSIN_REPLACE; one that is ignored (nohup) is no foreign handler. SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, which cannot wait, and SIGKILL
       and SIGSTOP, which cannot be caught, answer -EINVAL. A pattern takes over those that it can, if the part of it that matches begins with "os.";
       "**" and "*.sigterm", and observers, take over nothing: they hear what is taken over.
   S4  No peer can raise SIGPIPE in a program that uses tocsin: the first engine gives it a handler that does nothing, if it had the default.
   T7  While the main loop runs (tocsin_run), SIGINT and SIGTERM are taken over if they have their default disposition; their default action stops that loop. */

/**
 * The signo of a real signal's os.* signal, to be used where its number is known only at run time: SIGRTMIN + 3.
 *
 * @owner   none
 * @return  the signo; -EINVAL: there is no such signal, or it cannot be handled (S3); -ENOSPC: as many names as tocsin_names_limit allows; -ENOMEM
 * @emits   none
 * @thread  any
 * @source  POSIX signal.h(0P)
 * @since   0.1
 */
TOCSIN_API int tocsin_os_signo(int number) TOCSIN_CHECKED;

/**
 * S2. Has the calling thread take real-time signals: unblocks, on it, those that are taken over now. It alone does, if the others have them blocked: those that
 * are made with tocsin_work have; threads that the program makes inherit what the one that makes them has, so block them (pthread_sigmask) before
 * making any, then call this on the one that is to have them, after connecting.
 *
 * @owner   none
 * @return  0; -errno of pthread_sigmask
 * @emits   none
 * @thread  any
 * @source  POSIX pthread_sigmask(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_os_here(void);

TOCSIN__END
#endif
