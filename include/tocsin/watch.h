/* A watch is an operation that reports the readiness of a descriptor as its progress. */
#ifndef TOCSIN_WATCH_H
#define TOCSIN_WATCH_H

#include <tocsin/op.h>

TOCSIN__BEGIN

/* The payloads of fd.ready and fd.done. events is a set of POLLIN and POLLOUT, as in poll(2). */
#define TOCSIN_FD_READY(F) F(i32, fd) F(i32, events)
#define TOCSIN_FD_DONE(F) F(i32, fd)
TOCSIN_LAYOUT(tocsin_fd_ready, TOCSIN_FD_READY);
TOCSIN_LAYOUT(tocsin_fd_done, TOCSIN_FD_DONE);

/**
 * Watches a descriptor until the watch is cancelled (TOCSIN_PERSISTENT). While there are listeners,
 * the watch emits fd.ready in each turn in which the descriptor is ready (level-triggered).
 * poll_events is POLLIN, POLLOUT or both; with 0, the watch waits for nothing until
 * tocsin_watch_set. Errors and hang-ups count as ready.
 *
 * @owner   fd stays the caller's: cancel the watch before closing it. If fd is closed first, the
 *          watch ends with -EBADF when the number is watched again, or when its progress is wanted
 *          again
 * @return  0; -EBADF: fd is not open; -EPERM: fd cannot be polled (it is a regular file); -EINVAL:
 *          poll_events has other bits; -EBUSY: an earlier watch of this number was not cancelled
 *          before the close, and a duplicate of the closed descriptor is still open; else as
 *          tocsin_op_new. On failure ret_op carries the error
 * @emits   fd.ready while fd is ready and there are listeners; fd.done exactly once, with status
 *          -ECANCELED or -ETIMEDOUT, or with -EBADF or -ENOMEM if fd can no longer be watched
 * @thread  loop
 * @source  POSIX poll(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_watch(int fd, short poll_events, const struct tocsin_notify *notify,
                            struct tocsin_op *ret_op);

/**
 * Changes the events of a watch. With 0, the watch waits for nothing until the events are set
 * again.
 *
 * @owner   none
 * @return  0; -EINVAL: poll_events has other bits, or the operation is not a watch; -EALREADY: the
 *          watch has ended; -ENOENT: the watch does not exist; -EXDEV: the watch belongs to the
 *          loop of another thread; -EBADF: the descriptor is not open any longer; -ENOMEM
 * @emits   none
 * @thread  loop
 * @source  POSIX poll(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_watch_set(struct tocsin_op watch, short poll_events);

TOCSIN__END
#endif
