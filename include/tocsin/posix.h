/* sigprocmask and sigsuspend for a loop. This header is for programs whose authors think in the
   terms of POSIX. tocsin_block (<tocsin/mask.h>) and tocsin_queue_wait (<tocsin/queue.h>) are
   simpler. */
#ifndef TOCSIN_POSIX_H
#define TOCSIN_POSIX_H

#include <tocsin/mask.h>

TOCSIN__BEGIN

/* The ways in which tocsin_sigmask changes the loop's set of blocked signals. */
enum tocsin_how { TOCSIN_BLOCK, TOCSIN_UNBLOCK, TOCSIN_SETMASK };

/**
 * Changes the set of blocked signals of the calling thread's loop. TOCSIN_BLOCK adds the signals
 * that match a pattern, TOCSIN_UNBLOCK removes them, and TOCSIN_SETMASK replaces the set. The set
 * does not count how often a signal was added. The set is independent of tocsin_block: a signal is
 * blocked if it is in the set, or if a block matches it.
 *
 * The set is a pattern (such as "**, !chat.said"; "" is the empty set). The old set is written to
 * `ret_old` as text. A pattern that is added or removed must have no "!". Adding or removing ""
 * changes nothing. If `pattern` is NULL, nothing changes either.
 *
 * In a handler, a running signal is unblocked for the rest of its delivery if it is removed from
 * the set, or if TOCSIN_SETMASK sets a set without it. Then an emission of the signal nests, as in
 * POSIX. The same is true for the signals that an action.mask blocks. In a handler, the text of the
 * old set ends in "@handlers", which stands for all these signals. If a handler restores this old
 * set, these signals are blocked again.
 *
 * @owner   ret_old is the caller's, with room for size bytes; NULL if size is 0
 * @return  the length of the old set's text, without its NUL: the text is cut off if this is size
 *          or more, and the change was made; -EINVAL: how is wrong, the pattern is malformed, or
 *          ret_old is NULL and size is not 0; -ENOENT: a plain name in the pattern is not
 *          declared; -ENOMEM; -ESHUTDOWN: the loop is being freed; or the error of creating the
 *          thread's loop. On failure nothing has changed
 * @emits   the pending emissions of signals that are not blocked any longer
 * @thread  loop
 * @source  POSIX pthread_sigmask(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_sigmask(enum tocsin_how how, const char *pattern, char *ret_old, size_t size);

/**
 * Replaces the loop's set (tocsin_sigmask) by another set, waits until a handler or the notify of
 * an operation has run, and restores the set. It waits for at most timeout_ms milliseconds (0: not
 * at all; -1: without limit). An observer or a default action does not end the wait. No emission is
 * missed: pending emissions that the new set unblocks are delivered first, and end the wait. On a
 * fiber, the call suspends the fiber, and the new set then applies to the whole loop.
 *
 * @owner   none
 * @return  0: a handler or notify has run, perhaps while the set was restored; -ETIMEDOUT;
 *          -EDEADLK: the call would block in a handler; -EBUSY: the loop is suspended already;
 *          -ECANCELED: the waiting fiber was cancelled, or the loop was freed meanwhile; -EINVAL:
 *          timeout_ms is below -1, or the pattern is malformed; or as tocsin_sigmask
 * @emits   everything that the loop delivers meanwhile
 * @thread  loop
 * @source  POSIX sigsuspend(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_suspend(const char *pattern, int64_t timeout_ms) TOCSIN_CHECKED;

TOCSIN__END
#endif
