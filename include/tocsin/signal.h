/* Signals: names that are declared once, with documentation and the layout of what they carry. */
#ifndef TOCSIN_SIGNAL_H
#define TOCSIN_SIGNAL_H

#include <tocsin/info.h>

TOCSIN__BEGIN

enum {
    TOCSIN_NAME_MAX = 255,                /* bytes of a name */
    TOCSIN_SIGNALS_MAX = 1 << 20          /* names in a process */
};

/* What becomes of an emission that cannot be delivered at once, because the signal is blocked, or its own handlers are running (E5, E10). */
enum tocsin_kind {
    TOCSIN_QUEUED,                        /* pended, first in first out, up to the limit: POSIX's real-time signals */
    TOCSIN_COALESCE,                      /* one waits for each source, the newest, and counts what it replaced: POSIX's standard signals */
    TOCSIN_DIRECT                         /* E17: a question, put with tocsin_ask, answered at once, never emitted */
};

enum {
    TOCSIN_ASYNC = 1                      /* T3: it can be posted from a real signal handler: a flat payload of at most TOCSIN_ASYNC_MAX bytes */
};
enum { TOCSIN_ASYNC_MAX = 64 };           /* sizeof of its struct: numbers, booleans, errors, operations; no text, bytes, descriptor, object */

/* The default action: what is done, once, if nobody handled it (E9). */
enum tocsin_unhandled { TOCSIN_IGNORE, TOCSIN_STOP_LOOP, TOCSIN_ABORT };

struct tocsin_spec {
    const char *name;                     /* "chat.said": [A-Za-z0-9_-] in segments, parted by single dots */
    const char *doc;                      /* one line for whoever reads the catalogue */
    const struct tocsin_layout *layout;   /* NULL: it carries nothing */
    enum tocsin_kind kind;
    enum tocsin_unhandled unhandled;
    int (*unhandled_fn)(const struct tocsin_info *info, void *arg);   /* if set, it is the default action; arg is NULL */
    int rank;                             /* E10: of several signals that are unblocked at once, the lowest comes first */
    unsigned flags;
    size_t limit, limit_bytes;            /* of what is pended on one loop: entries, bytes of payload. 0: 1,024 and 1 MiB */
    uintptr_t spare[4];                   /* zero */
};

/**
 * Declares a signal. The same declaration again answers the same signo: two files of a program may both make it.
 * "The same" is name, layout text, kind, default action, rank, flags and limits; documentation may differ, the first stands.
 *
 * @owner   all of spec is copied; unhandled_fn is called for as long as the program runs
 * @return  the signo, 1 or more; -EINVAL: name, layout or a number is malformed, a spare word is set, the layout holds a
 *          TOCSIN_LOCAL and the kind is not TOCSIN_DIRECT, or TOCSIN_ASYNC is set and the layout is not flat, too large, or the kind is TOCSIN_DIRECT; -EEXIST: it is declared otherwise; -ENOSPC: as many names as
 *          tocsin_names_limit allows; -ENOMEM
 * @emits   none
 * @thread  any
 * @source  E14; POSIX signal.h(0P)
 * @since   0.1
 */
TOCSIN_API int tocsin_declare(const struct tocsin_spec *spec) TOCSIN_CHECKED;

/**
 * The signo of a name that is declared.
 *
 * @owner   none
 * @return  the signo; -ENOENT: nobody declared it; -EINVAL: malformed, or NULL
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_find(const char *name) TOCSIN_CHECKED;

/**
 * Whether an emission of the signal would be noticed by anybody: handlers, observers, queues, or its default action, on
 * any loop. Ask it before preparing a payload that is expensive.
 *
 * @owner   none
 * @return  1: yes; 0: no, and tocsin_emit would do nothing; -EINVAL: no such signo
 * @emits   none
 * @thread  any, async-signal-safe
 * @source  E12; kill(2) with signal 0
 * @since   0.1
 */
TOCSIN_API int tocsin_heard(int signo);

/**
 * Ignores all signals that match a pattern, on the calling thread's loop, also those that are named later: an emission of one is
 * discarded, its handlers are not called and its default action is not taken, until tocsin_default is called. What is
 * pended of it is dropped. The pattern has no "!". If it is blocked it is pended all the same, and a TOCSIN_TAKE queue can take it; what is left then is
 * dropped when it is unblocked. Observers see it, and the notify of an operation is called (O9). Handlers stay connected.
 *
 * @owner   none
 * @return  0; -EINVAL: the pattern is malformed, has a "!", or names a question; -ENOENT: a plain name that nobody declared (misspelt?);
 *          -ENOMEM: nothing has changed; -ESHUTDOWN: the loop is being freed; or what making the thread's loop answered
 * @emits   none
 * @thread  loop
 * @source  POSIX sigaction(2): SIG_IGN
 * @since   0.1
 */
TOCSIN_API int tocsin_ignore(const char *pattern);

/**
 * Takes back tocsin_ignore for all signals that match a pattern, also for those that are named later: their handlers are called again,
 * and where there is none their default action is taken. Of an ignore and a default that match the same name, the later one holds.
 *
 * @owner   none
 * @return  as tocsin_ignore
 * @emits   none
 * @thread  loop
 * @source  POSIX sigaction(2): SIG_DFL
 * @since   0.1
 */
TOCSIN_API int tocsin_default(const char *pattern);

/**
 * Whether a name matches a pattern: POSIX's sigismember.
 *
 * @owner   none
 * @return  1; 0; -EINVAL: one of them is malformed (the pattern "" is the empty set), or NULL
 * @emits   none
 * @thread  any
 * @source  POSIX sigismember(3); E13
 * @since   0.1
 */
TOCSIN_API int tocsin_match(const char *pattern, const char *name);

/**
 * Limits the names in the process, for a program that lets others name signals: what would make one more answers -ENOSPC.
 * A name that was given is never taken back.
 *
 * @owner   none
 * @return  the limit until now, TOCSIN_SIGNALS_MAX - 1 at the beginning; -EINVAL: most is below 1 or above that
 * @emits   none
 * @thread  any
 * @source  POSIX getrlimit(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_names_limit(int most);

TOCSIN__END
#endif
