/* A listener accepts the connections that peers open. Each connection becomes a stream.

   I8  A listener accepts connections only while they are wanted: listener.accepted has a notify or
       handlers, the streams have a notify, or there is a handler for stream.received of all
       streams. Otherwise connections wait in the kernel's backlog. The program takes an accepted
       stream when it sets the stream's notify, connects a handler to the stream, reads, writes or
       pipes the stream, or handles it in a fiber (TOCSIN_FIBERS). A stream that is not taken when
       listener.accepted has been delivered is closed, unless there is a handler for stream.received
       of all streams. If the process has no free descriptor, a listener pauses, emits
       listener.refused once, and resumes when a descriptor is free. */
#ifndef TOCSIN_LISTEN_H
#define TOCSIN_LISTEN_H

#include <tocsin/stream.h>

TOCSIN__BEGIN

/* The payloads of a listener's signals.
 * listener.accepted: stream is the new stream; peer is its address.
 * listener.refused: a stream could not be accepted. If peer is empty, the listener pauses, because
 * there is no descriptor or no memory. Only handlers receive this signal; the notify of the
 * listener is not called.
 * listener.closed: how many streams were accepted, and how many were refused. */
#define TOCSIN_LISTENER_ACCEPTED(F) F(op, stream) F(string, peer)
#define TOCSIN_LISTENER_REFUSED(F) F(string, peer) F(error, error) F(string, reason)
#define TOCSIN_LISTENER_CLOSED(F) F(u64, accepted) F(u64, refused)
TOCSIN_LAYOUT(tocsin_listener_accepted, TOCSIN_LISTENER_ACCEPTED);
TOCSIN_LAYOUT(tocsin_listener_refused, TOCSIN_LISTENER_REFUSED);
TOCSIN_LAYOUT(tocsin_listener_closed, TOCSIN_LISTENER_CLOSED);

/* Flags of a listener. */
enum {
    TOCSIN_LISTEN_SHARE = 1 /* other loops and processes may listen at the same address
                             * (SO_REUSEPORT) */
};

/* Options of tocsin_listen. Members that are not set must be zero. */
struct tocsin_listen_options {
    const struct tocsin_stream_options *stream; /* options of each accepted stream; NULL: the
                                                 * defaults */
    const struct tocsin_notify *notify; /* notify of each accepted stream, but not TOCSIN_FUTURE;
                                         * NULL: none */
    int backlog;                        /* the most connections that wait in the kernel; 0: 4,096 */
    int most;             /* the most streams at the same time; further connections wait in
                           * the backlog. 0: no limit */
    int most_per_address; /* the most streams of one address, or of one user (Unix), at the
                           * same time. Further streams are closed, and listener.refused has
                           * the error -EUSERS. 0: no limit */
    unsigned mode;        /* permissions of the path of a Unix socket; 0: 0600 */
    unsigned flags;       /* TOCSIN_LISTEN_SHARE or 0 */
    uintptr_t spare[4];   /* must be zero */
};

/**
 * Starts a listener, which is TOCSIN_PERSISTENT. `address` is one of "tcp:HOST:PORT" (HOST is an
 * address, or "*" for IPv4 and IPv6; PORT 0: any port), "unix:/PATH", "unix:@NAME", "fd:N" (a
 * listening socket) and "systemd:NAME" (a socket that systemd has passed). If `options` is NULL,
 * the defaults are used.
 *
 * @owner   options are copied once, and shared by all streams. The descriptor of "fd:N" belongs to
 *          the listener after success. A Unix path is removed at its end. If a plugin is reloaded,
 *          and the new version listens at the same address, it gets the same socket
 * @return  0; -EINVAL: address or options are malformed, or the descriptor does not listen;
 *          -ENOTSUP: the scheme is not supported; -EADDRINUSE, -EACCES and other errors of bind(2)
 *          and listen(2); -ENOENT: systemd has passed no socket of this name, or a rate does not
 *          exist; -EXDEV: a rate belongs to the loop of another thread; else as
 *          tocsin_op_new. On failure ret_listener carries the error
 * @emits   listener.accepted while it is wanted; listener.refused; listener.closed exactly once,
 *          with -ECANCELED or -ETIMEDOUT
 * @thread  loop
 * @source  POSIX listen(3), accept(3); sd_listen_fds(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_listen(const char *address, const struct tocsin_listen_options *options,
                             const struct tocsin_notify *notify, struct tocsin_op *ret_listener);

TOCSIN__END
#endif
