/* Crashes: a line that names the signal, the place, and the handler and plugin that ran. */
#ifndef TOCSIN_CRASH_H
#define TOCSIN_CRASH_H

#include <tocsin/base.h>

TOCSIN__BEGIN

/* Called in the real signal handler, with a line that ends with a newline. It must be
   async-signal-safe and must not block: write(2), perhaps after poll(2). */
typedef void (*tocsin_crash_fn)(const char *line, size_t size);

/**
 * Makes the library call fn once when the process crashes by SIGSEGV, SIGBUS, SIGFPE, SIGILL or
 * SIGABRT. The line names the signal, the address, the loop, and the handler, task, fiber or init
 * with its plugin. Then the signal has its previous effect, by default the end with a core dump.
 * fn NULL: the line is written to the standard error.
 *
 * The signal handlers run on a separate stack, so a stack overflow is reported, too. Each thread
 * with a loop, and each pool thread, has such a stack; a thread that a plugin creates itself has
 * none. A handler for one of these signals that is installed later replaces that of the library.
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
