/* Listeners accept the streams that peers open.

   I8  A listener accepts while listener.accepted is wanted, or its streams have a notify, or a
       handler of all streams wants stream.received; otherwise the kernel's backlog waits. Code
       takes an accepted stream: it sets the notify of the stream, connects to it, reads, writes or
       pipes it, or is a fiber that was called for it (TOCSIN_FIBERS). A stream that is not taken
       when listener.accepted has been delivered is closed, unless a handler of all streams wants
       stream.received. Without free descriptors a listener pauses, emits listener.refused once, and
       resumes when one is free. */
#ifndef TOCSIN_LISTEN_H
#define TOCSIN_LISTEN_H

#include <tocsin/stream.h>

TOCSIN__BEGIN

/* listener.accepted: stream is the new stream; peer is its address.
   listener.refused: a stream could not be accepted. An empty peer: the listener pauses, since there
   is no descriptor or no memory. It is emitted to the registry, not to the notify.
   listener.closed: the numbers of both. */
#define TOCSIN_LISTENER_ACCEPTED(F) F(op, stream) F(string, peer)
#define TOCSIN_LISTENER_REFUSED(F) F(string, peer) F(error, error) F(string, reason)
#define TOCSIN_LISTENER_CLOSED(F) F(u64, accepted) F(u64, refused)
TOCSIN_LAYOUT(tocsin_listener_accepted, TOCSIN_LISTENER_ACCEPTED);
TOCSIN_LAYOUT(tocsin_listener_refused, TOCSIN_LISTENER_REFUSED);
TOCSIN_LAYOUT(tocsin_listener_closed, TOCSIN_LISTENER_CLOSED);

/* Flags of a listener. */
enum {
    TOCSIN_LISTEN_SHARE = 1 /* other loops and processes may listen at the address, too:
                               SO_REUSEPORT */
};

/* Options of tocsin_listen. Members that are not set must be zero. */
struct tocsin_listen_options {
    const struct tocsin_stream_options *stream; /* of each accepted stream. NULL: all defaults */
    const struct tocsin_notify *notify; /* of each accepted stream, not TOCSIN_FUTURE. NULL: none */
    int backlog;                        /* 0: 4,096 */
    int most;                   /* streams at a time; further ones wait in the backlog. 0: no
                                   limit */
    int most_per_address;       /* streams of one address at a time, or of one user (Unix). Further
                                   ones are closed: listener.refused, -EUSERS. 0: no limit */
    unsigned mode;              /* unix: permissions of the path. 0: 0600 */
    unsigned flags;             /* TOCSIN_LISTEN_SHARE */
    uintptr_t spare[4];         /* zero */
};

/**
 * Listens. address: "tcp:HOST:PORT" (HOST is an address, or "*" for IPv4 and IPv6; PORT 0: any
 * port), "unix:/PATH", "unix:@NAME", "fd:N" (a listening socket), "systemd:NAME" (a socket that
 * systemd has passed). options NULL: all defaults. The listener is TOCSIN_PERSISTENT.
 *
 * @owner   options are copied once, and shared by all streams. The descriptor of "fd:N" belongs to
 *          the listener after success. A Unix path is removed at its end
 * @return  0; -EINVAL: address or options are malformed, or the descriptor does not listen;
 *          -ENOTSUP: the scheme is not supported; -EADDRINUSE, -EACCES and other errors of bind(2)
 *          and listen(2); -ENOENT: systemd has passed no socket of this name; else as
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
