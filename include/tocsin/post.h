/* Posting: emitting later, on other loops, from any thread, and from a real signal handler. POSIX's sigqueue. */
#ifndef TOCSIN_POST_H
#define TOCSIN_POST_H

#include <tocsin/emit.h>

TOCSIN__BEGIN

enum {
    TOCSIN_INBOX = 1024,                  /* entries of a loop's inbox; the last 128 are for real signals */
    TOCSIN_INBOX_BYTES = 1 << 24          /* of payloads that are not flat, or larger than TOCSIN_ASYNC_MAX */
};

/* Contracts of what crosses threads.
   T2  tocsin_emit reaches every loop that listens: first it reserves a place in the inbox of each other one, and fails with nothing
       done if one refuses; then it places the copies; then it runs the handlers of its own. STOP is of one loop. What comes out of an inbox is
       not handed on. What one thread sends to one loop arrives there in the order in which it was sent.
   T3  A post of a TOCSIN_ASYNC signal takes no lock, allocates nothing, keeps errno: it may be made in a real signal handler.
   T5  What is posted during a turn of the loop waits for the next.
   T6  A loop that is gone answers -ESHUTDOWN; what it had accepted it delivers before it goes.
   T7  A post that nobody listens to is nothing, unless the signal has a default action: that is taken on the main loop, the oldest one, once.
   E11 TOCSIN_COALESCE: while one waits in the inbox, the newest takes its place, which is counted, and is not refused for room. What comes from a source (tocsin_emit_from, an
       operation) coalesces by source where it is pended; in an inbox it has a place each.
       What a loop has accepted and cannot deliver, since the signal is blocked, is pended there; when that reaches the signal's limit
       the next post is refused (what was on its way by then is taken in: an inbox more, at most). */

/**
 * Posts a signal to all loops that listen to it, the calling thread's own included, and returns: each delivers it in its next turn.
 * payload is NULL for a signal that was declared without a layout. Needs no loop.
 *
 * @owner   payload is borrowed until this returns; it is copied, once, unless it is flat and small: then into each inbox
 * @return  TOCSIN_PENDED: it is on its way; TOCSIN_NOBODY: nobody listens, and there is no default action; -EAGAIN: the inbox of one who listens
 *          is full, or what it has pended of the signal has reached its limit; nothing was done; -EINVAL: no such signo, or it is for
 *          questions; -EPROTO: another layout than the declared one; -ESHUTDOWN: there is a
 *          default action, and no loop at all; -ENOMEM; -errno of duplicating a descriptor
 * @emits   the signal, on each of the loops
 * @thread  any; async-signal-safe for a signal that was declared TOCSIN_ASYNC
 * @source  POSIX sigqueue(3); T2, T3, T5, T7
 * @since   0.1
 */
TOCSIN_API int tocsin_post(int signo, const struct tocsin_payload *payload);

/**
 * Posts a signal to one loop, whether it listens or not: POSIX's thread-directed signal. If nobody listens there, its default action is taken
 * on the main loop.
 *
 * @owner   as tocsin_post
 * @return  as tocsin_post; -ESHUTDOWN: the loop is gone, or about to be; -EINVAL: loop is zero; or the error that loop carries
 * @emits   the signal, on that loop
 * @thread  as tocsin_post
 * @source  POSIX pthread_sigqueue(3); T6
 * @since   0.1
 */
TOCSIN_API int tocsin_post_to(struct tocsin_loop loop, int signo, const struct tocsin_payload *payload);

/**
 * Posts a signal as tocsin_post does, and waits while there is no room, for at most timeout_ms milliseconds (-1: without limit). For threads
 * without a loop: a loop that waits for another one is a deadlock in the making.
 *
 * @owner   as tocsin_post
 * @return  as tocsin_post; -ETIMEDOUT instead of -EAGAIN; -EDEADLK: the thread has a loop; -EINVAL: timeout_ms is below -1
 * @emits   the signal, on each of the loops
 * @thread  any without a loop
 * @source  POSIX mq_timedsend(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_post_wait(int signo, const struct tocsin_payload *payload, int64_t timeout_ms) TOCSIN_CHECKED;

TOCSIN__END
#endif
