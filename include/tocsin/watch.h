/* The readiness of a descriptor as an operation. */
#ifndef TOCSIN_WATCH_H
#define TOCSIN_WATCH_H

#include <tocsin/op.h>

TOCSIN__BEGIN

/* events: POLLIN, POLLOUT, as poll(2) has them. */
#define TOCSIN_FD_READY(F) F(i32, fd) F(i32, events)
#define TOCSIN_FD_DONE(F)  F(i32, fd)
TOCSIN_LAYOUT(tocsin_fd_ready, TOCSIN_FD_READY);
TOCSIN_LAYOUT(tocsin_fd_done, TOCSIN_FD_DONE);

/**
 * Watches a descriptor until it is cancelled: fd.ready in each turn in which it is ready (level-triggered), while somebody
 * wants to know. poll_events: POLLIN, POLLOUT or both; 0: none, until tocsin_watch_set. Errors and hang-ups count as
 * ready for what is watched. TOCSIN_STANDING.
 *
 * @owner   fd stays the caller's: cancel the watch before closing it
 * @return  0; -EBADF: fd is not open; -EPERM: it cannot be polled (a regular file); -EINVAL: other poll_events; else as tocsin_op_new. On
 *          failure ret_op carries the error
 * @emits   fd.ready while ready and wanted; fd.done exactly once, status -ECANCELED or -ETIMEDOUT; or, when it is wanted again,
 *          why it cannot be watched any more: -EBADF, -ENOMEM
 * @thread  loop
 * @source  POSIX poll(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_watch(int fd, short poll_events, const struct tocsin_notify *notify, struct tocsin_op *ret_op);

/**
 * Changes what a watch watches for; 0: nothing, until it is set again.
 *
 * @owner   none
 * @return  0; -EINVAL: other poll_events, or it is no watch; -EALREADY: it has ended; -ENOENT: there is no such operation, or not any
 *          more; -EXDEV: it belongs to the loop of another thread; -EBADF: fd is not open any more; -ENOMEM
 * @emits   none
 * @thread  loop
 * @source  POSIX poll(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_watch_set(struct tocsin_op watch, short poll_events);

TOCSIN__END
#endif
