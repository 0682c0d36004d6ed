/* Masks hold signals back on the calling thread's loop for a while. The emissions of these signals
 * are not lost. */
#ifndef TOCSIN_MASK_H
#define TOCSIN_MASK_H

#include <tocsin/info.h>

TOCSIN__BEGIN

/* Emissions of a blocked signal are pending (E10): the loop keeps them, up to the limit of the
 * signal. Beyond the limit an emission returns -EAGAIN. The end of an operation always finds room,
 * and its notify is called even while the signal is blocked (O9). Questions cannot be blocked.
 *
 * Before a call that unblocks a signal returns, it delivers the emissions that were pending when
 * the call began. Signals of the lowest rank come first, within a rank the oldest emission. Each
 * delivery ends before the next one begins, unless a handler unblocks its own signal.
 *
 * Emissions that become pending during such a flush wait for the next turn, unless one of these
 * delivers them earlier: an emission of the same signal (the older ones are delivered first), an
 * unblocking of the signal, or a TOCSIN_TAKE queue.
 *
 * A signal can be blocked while it has no listeners. Its pending emissions are delivered to the
 * handlers that are connected when it is unblocked. While a progress signal is blocked and only
 * handlers want the progress, the operation pauses. Progress that it has announced already is
 * delivered when the signal is unblocked. The end of the operation follows after this progress, so
 * a wait for the operation, or a drain without a limit, also lasts until then. All pending ticks of
 * a timer are one emission.
 *
 * "**" also blocks tocsin.*, for example tocsin.queue.full; "**, !tocsin.**" does not. */

/**
 * Blocks all signals that match a pattern, including signals that are named later. A signal is
 * blocked until every block of it has been undone with tocsin_unblock. `where` is the place of the
 * call; the macro passes it.
 *
 * @owner   the block is the caller's, who ends it with tocsin_unblock
 * @return  0 and ret_block set; -EINVAL: the pattern is malformed or names a question, or
 *          ret_block is NULL; -ENOENT: a plain name in the pattern is not declared; -EDQUOT: the
 *          owner has reached its limit of blocks; -ENOMEM; -ESHUTDOWN: the loop is being freed; or
 *          the error of creating the thread's loop. On failure nothing is blocked, and ret_block
 *          carries the error
 * @emits   none
 * @thread  loop
 * @source  POSIX pthread_sigmask(3), SIG_BLOCK; E10
 * @since   0.1
 */
#define tocsin_block(...) tocsin_block_at(TOCSIN__HERE, __VA_ARGS__)
TOCSIN_API int tocsin_block_at(const char *where, const char *pattern,
                               struct tocsin_block *ret_block);

/**
 * Undoes one block, and delivers the emissions that only this block held back. Any handler may call
 * this. If a handler of the signal itself calls this, the signal stays blocked until its delivery
 * has ended.
 *
 * @owner   the block does not exist any longer
 * @return  0; -ENOENT: the block does not exist, or has been undone; -EXDEV: the block belongs to
 *          the loop of another thread; or the error that block carries
 * @emits   the pending emissions
 * @thread  loop
 * @source  POSIX pthread_sigmask(3), SIG_UNBLOCK; E10
 * @since   0.1
 */
TOCSIN_API int tocsin_unblock(struct tocsin_block block);

/**
 * Returns the number of emissions that are pending on the calling thread's loop, of all signals
 * that match a pattern. If `pattern` is NULL, counts all signals. A coalesced emission counts once.
 * For one signal, see tocsin_signal_get and tocsin_pending_peek in <tocsin/inspect.h>.
 *
 * @owner   none
 * @return  the number, 0 or more; 0 if the thread has no loop; -EINVAL: the pattern is malformed
 * @emits   none
 * @thread  loop
 * @source  POSIX sigpending(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_pending_count(const char *pattern);

/* The payload of tocsin.queue.full: the pending emissions of a signal, or a queue, have reached
 * a limit, and an emission was refused. The signal is emitted once for each overflow. The
 * overflow ends when half of the room is free again. queue is the id of the queue, or 0 for the
 * pending emissions of the signal. refused is the number of emissions refused so far, including
 * this one. */
#define TOCSIN_QUEUE_FULL(F) \
    F(string, signal) \
    F(u64, queue) F(u64, entries) F(u64, bytes) F(u64, limit) F(u64, limit_bytes) F(u64, refused)
TOCSIN_LAYOUT(tocsin_queue_full, TOCSIN_QUEUE_FULL);

TOCSIN__END
#endif
