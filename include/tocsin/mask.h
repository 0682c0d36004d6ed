/* Masks: signals of the calling thread's loop that are held back for a while, and nothing of them lost. */
#ifndef TOCSIN_MASK_H
#define TOCSIN_MASK_H

#include <tocsin/info.h>

TOCSIN__BEGIN

/* E10. A blocked signal is pended: emissions of it wait, up to its limit, then -EAGAIN; the end of an operation always finds
   room, and its notify is called all the same (O9). Unblocking delivers what was pended when the flush began, before it returns: the lowest
   rank first, and within a rank the oldest, each to its end. What those pend is for the next turn. Questions cannot be blocked.
   While progress of an operation is blocked and only handlers want it, the operation pauses; what it has announced already is told when it is
   unblocked, and its end, its wait and a drain without a limit come after that. Ticks of a timer are pended, one for all.
   "**" blocks tocsin.* as well, tocsin.queue.full among them: "**, !tocsin.**" does not. */

/**
 * Blocks all signals that match a pattern, also those that are named later. Blocks are counted: a signal is blocked until each
 * of them has been undone with the token that it gave.
 *
 * @owner   the block is the caller's, who ends it with tocsin_unblock; where, which the macro passes, is the place for a report
 * @return  0 and ret_mask set; -EINVAL: the pattern is malformed or names a question, or ret_mask is NULL; -ENOENT: a plain name that nobody
 *          declared (misspelt?); -ENOMEM: nothing is blocked; -ESHUTDOWN: the loop is being freed; or what making the
 *          thread's loop answered. On failure ret_mask carries the error
 * @emits   none
 * @thread  loop
 * @source  POSIX pthread_sigmask(3), SIG_BLOCK; E10
 * @since   0.1
 */
#define tocsin_block(...) tocsin_block_at(TOCSIN__HERE, __VA_ARGS__)
TOCSIN_API int tocsin_block_at(const char *where, const char *pattern, struct tocsin_mask *ret_mask);

/**
 * Undoes one block, once, and delivers what it alone has held back. Legal in any handler; the signal whose handler
 * calls stays blocked by that until its delivery has ended.
 *
 * @owner   the block is gone
 * @return  0; -ENOENT: there is no such block, or not any more; -EXDEV: it belongs to the loop of another thread; or the
 *          error that mask carries
 * @emits   what was held back
 * @thread  loop
 * @source  POSIX pthread_sigmask(3), SIG_UNBLOCK; E10
 * @since   0.1
 */
TOCSIN_API int tocsin_unblock(struct tocsin_mask mask);

/* What tocsin_sigmask does with the loop's own set of blocked signals. */
enum tocsin_how { TOCSIN_BLOCK, TOCSIN_UNBLOCK, TOCSIN_SETMASK };

/**
 * sigprocmask: each loop has one set of blocked signals, to which a pattern is added, from which it is taken, or which it replaces.
 * It does not count, and has nothing to do with the tokens of tocsin_block: a signal is blocked if it is in the set or a token
 * holds it. The set is a pattern, too ("**, !chat.said"; "": empty), and is given back as text; what is added or taken has no "!". Taken out of the set in one of its own handlers,
 * or never put into it by SETMASK, a signal is unblocked for the rest of that delivery: an emission of it nests, as in POSIX; the same for what an action.mask
 * holds back. An old set that is given back in a handler ends in "@handlers", which stands for these: putting it back leaves them blocked.
 *
 * @owner   ret_old is the caller's, of size bytes, and filled as by snprintf; NULL if size is 0. pattern NULL changes nothing
 * @return  the length of the old set's text, without its NUL: size or more means that it was cut off, and the change was made; -EINVAL: how or
 *          the pattern is wrong, or ret_old is NULL and size is not 0; -ENOENT: a plain name that nobody declared; -ENOMEM: nothing has
 *          changed; -ESHUTDOWN: the loop is being freed; or what making the thread's loop answered
 * @emits   what was held back and is not any more
 * @thread  loop
 * @source  POSIX pthread_sigmask(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_sigmask(enum tocsin_how how, const char *pattern, char *ret_old, size_t size);

/**
 * sigsuspend: replaces the loop's set (tocsin_sigmask) by another one, waits until a handler or the notify of an operation
 * has run (an observer or a default action does not end it), at most timeout_ms milliseconds (0: not at all; -1: without limit), and puts the set back. Nothing is missed between the two: what
 * the new set unblocks and was pended is delivered first, and ends the wait. On a fiber, by suspending it; the set is the loop's meanwhile.
 *
 * @owner   none
 * @return  0: one has run, also while the set was put back; -ETIMEDOUT; -EDEADLK: it would block in a handler; -EBUSY: the loop is suspended already; -ECANCELED: the fiber that waits is cancelled, or the loop
 *          was freed meanwhile; -EINVAL: timeout_ms is below -1, or the pattern is malformed; or as tocsin_sigmask
 * @emits   whatever falls due meanwhile
 * @thread  loop
 * @source  POSIX sigsuspend(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_suspend(const char *pattern, int64_t timeout_ms) TOCSIN_CHECKED;

/**
 * How many emissions are pended on the calling thread's loop, of all signals that match a pattern; NULL: of all. A coalesced one
 * counts once. What a single signal has pended, tocsin_signal_get and tocsin_pended tell.
 *
 * @owner   none
 * @return  how many, 0 or more; also if the thread has no loop; -EINVAL: the pattern is malformed
 * @emits   none
 * @thread  loop
 * @source  POSIX sigpending(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_pending(const char *pattern);

/* tocsin.queue.full: what is pended of a signal, or a queue, has refused an emission. Once for each overflow: it is over when half of the
   room is free again. queue: 0, what is pended of the signal; else the id of the queue. refused: how many have been so far, this one included. */
#define TOCSIN_QUEUE_FULL(F) \
    F(string, signal) F(u64, queue) F(u64, entries) F(u64, bytes) F(u64, limit) F(u64, limit_bytes) F(u64, refused)
TOCSIN_LAYOUT(tocsin_queue_full, TOCSIN_QUEUE_FULL);

TOCSIN__END
#endif
