/* Posts: emissions that other loops deliver later. Any thread and real signal handlers may post.
   This is like POSIX's sigqueue. */
#ifndef TOCSIN_POST_H
#define TOCSIN_POST_H

#include <tocsin/emit.h>

TOCSIN__BEGIN

enum {
    TOCSIN_INBOX = 1024,         /* number of messages in the inbox of a loop; the last 128 are for
                                    real signals */
    TOCSIN_INBOX_BYTES = 1 << 24 /* the most bytes of an inbox's payloads that are not flat, or are
                                  * larger than TOCSIN_ASYNC_MAX */
};

/* The contracts of everything that crosses threads. An inbox is the mailbox of a loop: other
   threads put messages into it, and the loop takes them out in its turns.

   T2  tocsin_emit reaches every loop that listens. It first reserves an entry in the inbox of each
       other loop. If one inbox is full, it fails, and nothing is done. Then it fills the entries,
       and then it calls the handlers of its own loop. TOCSIN_STOP affects one loop only. A loop
       does not forward what it receives. The messages of one thread to one loop arrive in the order
       in which they were sent.

   T3  A post of a TOCSIN_ASYNC signal takes no lock, allocates nothing, and preserves errno, so a
       real signal handler may make it.

   T5  A message that is posted during a turn of the receiving loop waits for its next turn.

   T6  A post to a loop that was freed, or is about to be, returns -ESHUTDOWN. A loop that is freed
       first delivers the messages that it has accepted.

   T7  A loop listens to a signal if it has a handler, an observer or a queue of the signal. A loop
       that blocks the signal listens, too, and its emissions are pending there. A post without
       listeners is discarded, unless the signal has a default action. The main loop, which is the
       oldest loop, takes the default action once.

   E11 For a TOCSIN_COALESCE signal, a newer message replaces the message that waits in the inbox.
       The replaced message is counted, and the newer one is never refused for lack of room.
       Emissions that have a source (tocsin_emit_from, ends of operations) have one entry each in an
       inbox. They coalesce by source when they are pending. When a signal's pending emissions on a
       loop have reached their limit, the next post is refused. Messages that are in the inbox
       already are accepted, up to one inbox beyond the limit. */

/**
 * Posts a signal to all loops that listen, also to the calling thread's own loop, and returns. Each
 * of these loops delivers the signal in its next turn. `payload` is NULL for a signal that was
 * declared without a layout. The calling thread needs no loop.
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
 * Posts a signal to one loop, whether or not this loop listens. If the loop has no handler for the
 * signal, the main loop takes the default action.
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
 * Posts a signal as tocsin_post does. If there is no room, waits for at most timeout_ms
 * milliseconds (-1: without limit). Only a thread without a loop may call this, because two loops
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
