/* A signal is a name that a program declares once, with documentation and the layout of its
   payload. */
#ifndef TOCSIN_SIGNAL_H
#define TOCSIN_SIGNAL_H

#include <tocsin/info.h>

TOCSIN__BEGIN

enum {
    TOCSIN_NAME_MAX = 255,       /* the most bytes of a name */
    TOCSIN_SIGNALS_MAX = 1 << 20 /* the most names in a process */
};

/* The kind of a signal: what happens to an emission that cannot be delivered immediately, because
   the signal is blocked or its handlers are running (E5, E10). */
enum tocsin_kind {
    TOCSIN_QUEUED,   /* all emissions are pending, in their order, up to the limit, like a real-time
                      * signal */
    TOCSIN_COALESCE, /* of each source, only the newest emission is pending, and it counts the
                      * emissions that it replaced, like a standard signal */
    TOCSIN_DIRECT    /* the signal is a question (E17), which is asked with tocsin_ask and is never
                      * pending */
};

/* The flags of a signal. */
enum {
    TOCSIN_ASYNC = 1 /* a real signal handler may post the signal (T3). Its payload is flat
                      * (numbers, booleans, errors, operations), and has at most TOCSIN_ASYNC_MAX
                      * bytes */
};
enum { TOCSIN_ASYNC_MAX = 64 };

/* The default action: what the main loop does, once, if no handler was called (E9). */
enum tocsin_unhandled { TOCSIN_IGNORE, TOCSIN_STOP_LOOP, TOCSIN_ABORT };

/* The declaration of a signal. Members that are not set must be zero. */
struct tocsin_signal_spec {
    const char *name; /* a name such as "chat.said": segments of [A-Za-z0-9_-] with single dots
                       * between them */
    const char *doc;  /* one line of documentation, shown in lists of signals */
    const struct tocsin_layout *layout; /* layout of the payload; NULL: the signal has no payload */
    enum tocsin_kind kind;
    enum tocsin_unhandled unhandled; /* the default action */
    /* A function that is the default action, or NULL. Its `arg` is NULL. It must exist as long as
     * the program runs. */
    int (*unhandled_fn)(const struct tocsin_info *info, void *arg);
    int rank; /* Order of the signals that are unblocked at the same time: the lowest rank comes
               * first (E10). */
    unsigned flags;            /* TOCSIN_ASYNC or 0 */
    size_t limit, limit_bytes; /* limits of the pending emissions on one loop: their number, and the
                                  bytes of their payloads. 0: 1,024 and 1 MiB */
    uintptr_t spare[4];        /* must be zero */
};

/**
 * Declares a signal. A second declaration that is the same returns the same signo, so two files of
 * a program may both declare it. Name, layout text, kind, default action, rank, flags and limits
 * must be the same. The documentation may differ; the documentation of the first declaration is
 * kept.
 *
 * @owner   spec is copied
 * @return  the signo, 1 or more; -EINVAL: the name, the layout or a number is malformed, a spare
 *          word is set, the layout has a TOCSIN_LOCAL and the kind is not TOCSIN_DIRECT, or
 *          TOCSIN_ASYNC is set and the layout is not flat or too large, or the kind is
 *          TOCSIN_DIRECT; -EEXIST: the signal is declared differently; -EDQUOT: the owner has
 *          reached its limit of signals; -ENOSPC: the process has TOCSIN_SIGNALS_MAX names;
 *          -ENOMEM
 * @emits   none
 * @thread  any
 * @source  E14; POSIX signal.h(0P)
 * @since   0.1
 */
TOCSIN_API int tocsin_declare(const struct tocsin_signal_spec *spec) TOCSIN_CHECKED;

/**
 * Returns the signo of a declared name.
 *
 * @owner   none
 * @return  the signo; -ENOENT: the name is not declared; -EINVAL: the name is malformed or NULL
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_find(const char *name) TOCSIN_CHECKED;

/**
 * Returns whether an emission of a signal would have an effect on any loop. It has an effect if the
 * signal has handlers, observers, queues or a default action, or if it is blocked: handlers may be
 * connected later. A disconnected handler does not count, even while it runs. A program calls this
 * before it prepares an expensive payload.
 *
 * @owner   none
 * @return  1: it would have an effect; 0: tocsin_emit would do nothing; -EINVAL: the signo does
 *          not exist
 * @emits   none
 * @thread  any, async-signal-safe
 * @source  E12; kill(2) with signal 0
 * @since   0.1
 */
TOCSIN_API int tocsin_has_listeners(int signo);

/**
 * Ignores all signals that match a pattern on the calling thread's loop, also those that are named
 * later, until tocsin_unignore. Emissions are discarded: no handler is called, and no default
 * action is taken. Pending emissions are discarded, too. Handlers stay connected. Observers and the
 * notify of an operation are still called (O9).
 *
 * If an ignored signal is also blocked, its emissions are pending, and a TOCSIN_TAKE queue can take
 * them. When the signal is unblocked, the emissions that were not taken are discarded.
 *
 * @owner   none
 * @return  0; -EINVAL: the pattern is malformed, has a "!", or names a question; -ENOENT: a plain
 *          name in the pattern is not declared; -ENOMEM; -ESHUTDOWN: the loop is being freed; or
 *          the error of creating the thread's loop. On failure nothing has changed
 * @emits   none
 * @thread  loop
 * @source  POSIX sigaction(2): SIG_IGN
 * @since   0.1
 */
TOCSIN_API int tocsin_ignore(const char *pattern);

/**
 * Undoes tocsin_ignore for all signals that match a pattern, also for those that are named later.
 * If a tocsin_ignore and a tocsin_unignore match the same name, the later call decides.
 * Emissions of a signal that was ignored and blocked stay pending.
 *
 * @owner   none
 * @return  as tocsin_ignore
 * @emits   none
 * @thread  loop
 * @source  POSIX sigaction(2): SIG_DFL
 * @since   0.1
 */
TOCSIN_API int tocsin_unignore(const char *pattern);

/**
 * Returns whether a name matches a pattern. The pattern "" matches nothing.
 *
 * @owner   none
 * @return  1; 0; -EINVAL: the pattern or the name is malformed, or NULL
 * @emits   none
 * @thread  any
 * @source  POSIX sigismember(3); E13
 * @since   0.1
 */
TOCSIN_API int tocsin_match(const char *pattern, const char *name);

TOCSIN__END
#endif
