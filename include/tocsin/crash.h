/* Crashes: the library can report a crash in one line. The line names the signal, the place, and
   the handler and plugin that ran. */
#ifndef TOCSIN_CRASH_H
#define TOCSIN_CRASH_H

#include <tocsin/base.h>

TOCSIN__BEGIN

/* The function that receives the line about a crash. The line ends with a newline. The function is
   called in the real signal handler, so it must be async-signal-safe and must not block. It may use
   write(2), perhaps after poll(2). */
typedef void (*tocsin_crash_fn)(const char *line, size_t size);

/**
 * Makes the library call `fn` once, with a line of text, when the process crashes by SIGSEGV,
 * SIGBUS, SIGFPE, SIGILL or SIGABRT. The line names the signal, the address, the loop, and the
 * handler, task, fiber or init with its plugin. Then the signal has its previous effect: by
 * default, the process ends with a core dump. If `fn` is NULL, the line is written to the standard
 * error.
 *
 * The signal handlers run on a separate stack, so a stack overflow is reported, too. Each thread
 * with a loop and each pool thread have such a stack. A thread that a plugin creates itself has
 * none. If another handler for one of these signals is installed later, it replaces the library's
 * handler.
 *
 * @owner   none
 * @return  0, also if a further call changes fn; -ENOMEM; or -errno of sigaction
 * @emits   none
 * @thread  any
 * @source  POSIX sigaction(2), sigaltstack(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_crash_tell(tocsin_crash_fn fn);

TOCSIN__END
#endif
