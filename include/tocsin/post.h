/* Posts: emissions that other loops deliver later, from any thread and from a real signal handler.
   POSIX's sigqueue. */
#ifndef TOCSIN_POST_H
#define TOCSIN_POST_H

#include <tocsin/emit.h>

TOCSIN__BEGIN

enum {
    TOCSIN_INBOX = 1024,         /* entries of a loop's inbox; the last 128 are for real signals */
    TOCSIN_INBOX_BYTES = 1 << 24 /* bytes of its payloads that are not flat, or larger than
                                    TOCSIN_ASYNC_MAX */
};

/* Contracts of everything that crosses threads. An inbox is the mailbox of a loop: other threads
   put messages into it, and the loop takes them out in its turns.

   T2  tocsin_emit reaches every loop that listens. It first reserves an entry in the inbox of each
       other loop, and fails with nothing done if one is full; then it fills the entries; then it
       calls the handlers of its own loop. TOCSIN_STOP affects one loop only. A loop does not
       forward what it receives. The messages of one thread to one loop arrive in the order in
       which they were sent.

   T3  A post of a TOCSIN_ASYNC signal takes no lock, allocates nothing, and preserves errno, so a
       real signal handler may make it.

   T5  A message that is posted during a turn of the receiving loop waits for its next turn.

   T6  A post to a loop that was freed, or is about to be, returns -ESHUTDOWN. A loop that is freed
       first delivers the messages that it has accepted.

   T7  A loop listens to a signal if it has a handler, an observer or a queue of the signal, or
       blocks it; a blocked signal is pending there. A post without listeners is discarded, unless
       the signal has a default action: the main loop, which is the oldest one, takes that once.

   E11 TOCSIN_COALESCE: a newer message replaces the one that waits in the inbox, which is counted,
       and is never refused for lack of room. Emissions that have a source (tocsin_emit_from, ends
       of operations) have an entry each in an inbox, and coalesce by source where they are
       pending. A signal's pending emissions on a loop may reach their limit; the next post is
       refused then, and messages that are in the inbox already are accepted, up to one inbox
       beyond the limit. */

/**
 * Posts a signal to all loops that listen, the calling thread's own included, and returns. Each
 * loop delivers it in its next turn. payload is NULL for a signal that was declared without a
 * layout. The calling thread needs no loop.
 *
 * @owner   payload is borrowed until this returns. It is copied once, or, if it is flat and small,
 *          into each inbox
 * @return  TOCSIN_PENDED: the message is in the inboxes; TOCSIN_NOBODY: there are no listeners,
 *          and no default action; -EAGAIN: the inbox of a loop that listens is full, or its
 *          pending emissions of the signal have reached their limit, and nothing was done;
 *          -EDQUOT: the owner has reached its limit of pending emissions; -EINVAL: the signo does
 *          not exist, or is a question's; -EPROTO: the payload has another layout than the
 *          declared one; -ESHUTDOWN: the signal has a default action, and there is no loop;
 *          -ENOMEM; or -errno of duplicating a descriptor
 * @emits   the signal, on each of the loops
 * @thread  any; async-signal-safe for a signal that was declared TOCSIN_ASYNC
 * @source  POSIX sigqueue(3); T2, T3, T5, T7
 * @since   0.1
 */
TOCSIN_API int tocsin_post(int signo, const struct tocsin_payload *payload);

/**
 * Posts a signal to one loop, whether or not it listens. If it has no handler for the signal, the
 * main loop takes the default action.
 *
 * @owner   as tocsin_post
 * @return  as tocsin_post; -ESHUTDOWN: the loop was freed, or is about to be; -EINVAL: loop is
 *          zero; or the error that loop carries
 * @emits   the signal, on that loop
 * @thread  as tocsin_post
 * @source  POSIX pthread_sigqueue(3); T6
 * @since   0.1
 */
TOCSIN_API int tocsin_post_to(struct tocsin_loop loop, int signo,
                              const struct tocsin_payload *payload);

/**
 * Posts a signal as tocsin_post does, and waits while there is no room, for at most timeout_ms
 * milliseconds (-1: without limit). Only a thread without a loop may call this, since two loops
 * that wait for each other would never return.
 *
 * @owner   as tocsin_post
 * @return  as tocsin_post; -ETIMEDOUT: there was no room in time; -EDEADLK: the calling thread has
 *          a loop; -EINVAL: timeout_ms is below -1
 * @emits   the signal, on each of the loops
 * @thread  any without a loop
 * @source  POSIX mq_timedsend(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_post_wait(int signo, const struct tocsin_payload *payload,
                                int64_t timeout_ms) TOCSIN_CHECKED;

TOCSIN__END
#endif
