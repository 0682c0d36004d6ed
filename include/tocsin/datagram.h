/* Datagrams: UDP and Unix datagram sockets.

   A datagram socket is an operation: it begins when it is opened, and ends once, with
   datagram.closed. Its id is valid at once: datagrams may be sent before a host name was resolved.
   It is TOCSIN_PERSISTENT, so a drain cancels it.

   Reading is demand, as for streams: while nobody wants datagram.received, nothing is read. Further
   datagrams then wait in the kernel. If its buffer is full, UDP drops them, and the sender of a
   Unix datagram waits. Each datagram is announced alone, also if the kernel has delivered several
   in one call (UDP_GRO).

   An error that concerns one datagram does not end the socket. If tocsin_datagram_send finds the
   error, it returns it. If the error is found later (an ICMP error, or a datagram that waited
   cannot be sent), datagram.lost announces it. */
#ifndef TOCSIN_DATAGRAM_H
#define TOCSIN_DATAGRAM_H

#include <tocsin/op.h>

TOCSIN__BEGIN

/* datagram.received: data is borrowed until the handler returns, with a NUL behind it. peer is the
   sender's address, to which a reply can be sent: "udp:192.0.2.7:53", "udp:[2001:db8::1]:53",
   "unix:/PATH", "unix:@NAME", or "unix:#HEX" for a Unix name that contains a NUL or begins with
   '#'; "": the sender has no name. It is borrowed, too. truncated_bytes: how many bytes at the end
   of the datagram are missing, because it is longer than options.size; 0: none.
   datagram.lost: count datagrams to peer did not arrive. error: -ECONNREFUSED, -EHOSTUNREACH and
   the like, which the network reported; or the error of sending. While nobody can take the
   announcement, later errors are added to count, and error and peer are those of the last one.
   Whether the network reports a loss is up to the network.
   datagram.stalled: more than high_bytes wait to be sent. datagram.drained: fewer than low_bytes
   wait again, after stalled_us.
   datagram.closed: received: datagrams that were announced. sent: datagrams that the kernel has
   accepted. lost: the sum of all counts of datagram.lost, and the datagrams that still waited.
   dropped: datagrams that arrived and were not announced: the buffer of the kernel was full, or
   they had been read when the socket ended. The status is 0 after tocsin_datagram_close; otherwise
   -ECANCELED, -ETIMEDOUT, -ENOMEM, TOCSIN_ENAME or another error of opening, or an error of the
   descriptor. */
#define TOCSIN_DATAGRAM_RECEIVED(F) F(bytes, data) F(string, peer) F(u64, truncated_bytes)
#define TOCSIN_DATAGRAM_LOST(F) F(string, peer) F(error, error) F(u64, count)
#define TOCSIN_DATAGRAM_STALLED(F) F(u64, waiting_bytes)
#define TOCSIN_DATAGRAM_DRAINED(F) F(u64, waiting_bytes) F(i64, stalled_us)
#define TOCSIN_DATAGRAM_CLOSED(F) F(u64, received) F(u64, sent) F(u64, lost) F(u64, dropped)
TOCSIN_LAYOUT(tocsin_datagram_received, TOCSIN_DATAGRAM_RECEIVED);
TOCSIN_LAYOUT(tocsin_datagram_lost, TOCSIN_DATAGRAM_LOST);
TOCSIN_LAYOUT(tocsin_datagram_stalled, TOCSIN_DATAGRAM_STALLED);
TOCSIN_LAYOUT(tocsin_datagram_drained, TOCSIN_DATAGRAM_DRAINED);
TOCSIN_LAYOUT(tocsin_datagram_closed, TOCSIN_DATAGRAM_CLOSED);

/* Flags of a datagram socket. */
enum {
    TOCSIN_DATAGRAM_SHARE = 1,     /* other sockets may be bound to the same UDP port: SO_REUSEPORT;
                                      with groups to join also SO_REUSEADDR */
    TOCSIN_DATAGRAM_BROADCAST = 2, /* datagrams may be sent to broadcast addresses; otherwise that
                                      is refused with -EACCES */
    TOCSIN_DATAGRAM_NO_LOOPBACK = 4 /* sockets of this host do not receive the multicast datagrams
                                       that are sent */
};

/* Options of tocsin_datagram_open. Members that are not set must be zero. */
struct tocsin_datagram_options {
    const char *to;          /* the only peer: datagrams of others are not received. NULL: none */
    const char *const *join; /* multicast groups, and NULL: "239.1.2.3", "ff02::fb%eth0" (the
                                interface by name or number). NULL: none */
    const char *interface;   /* from which multicast datagrams leave: a name or a number. NULL: as
                                the kernel's routes say */
    int ttl;                 /* how many routers a multicast datagram may pass, 1 to 255, and 1 is:
                                none. 0: 1 */
    int most;    /* datagrams to announce in one turn, so that other descriptors are served, too.
                    What one call of the kernel has delivered is announced whole. 0: 64 */
    size_t size; /* of the longest datagram to receive, at most 16 MiB; a longer one is truncated.
                    0: 65,536 */
    size_t high_bytes, low_bytes; /* limits for datagram.stalled and datagram.drained. 0: 64 KiB,
                                     and a quarter of high_bytes */
    size_t limit_bytes; /* of datagrams that wait to be sent: each counts its data and 128 bytes. 0:
                           1 MiB */
    size_t buffer_bytes; /* the kernel's buffer for received datagrams: SO_RCVBUF. 0: the system's
                            default */
    unsigned mode;       /* unix: permissions of the path. 0: 0600 */
    unsigned flags;      /* TOCSIN_DATAGRAM_… */
    uintptr_t spare[4];  /* zero */
};

/**
 * Opens a datagram socket. address, where it receives: "udp:HOST:PORT" (HOST "*": all addresses,
 * IPv4 and IPv6; PORT 0: any), "unix:/PATH" (a path at which no process is bound any more is
 * replaced), "unix:@NAME", "unix:@" (any free abstract name), "fd:N" (a datagram socket). options
 * NULL: all defaults. Host names are resolved on a thread; then errors of binding end the socket.
 *
 * @owner   address and options are copied. The descriptor of "fd:N" belongs to the socket after
 *          success. A Unix path is removed at its end
 * @return  0; -EINVAL: address or options are malformed, the descriptor is no datagram socket, or
 *          an option is not for this scheme; -ENOTSUP: the scheme is not supported; -EBADF: the
 *          descriptor of "fd:N" is not open; -ENODEV: there is no such interface; -EADDRINUSE,
 *          -EACCES, -EADDRNOTAVAIL and other errors of bind(2) and of joining a group; -ENOENT,
 *          -ECONNREFUSED: no process is bound to the Unix name options.to; -EMFILE, -ENOSPC: no
 *          descriptor, or no room in the kernel's tables; else as tocsin_op_new. On failure
 *          ret_socket carries the error
 * @emits   datagram.received, datagram.lost, datagram.stalled and datagram.drained while they are
 *          wanted; datagram.closed exactly once
 * @thread  loop
 * @source  POSIX socket(3), bind(3); udp(7), unix(7), ip(7), ipv6(7)
 * @since   0.1
 */
TOCSIN_API int tocsin_datagram_open(const char *address,
                                    const struct tocsin_datagram_options *options,
                                    const struct tocsin_notify *notify,
                                    struct tocsin_op *ret_socket);

/**
 * Sends one datagram at once; if the kernel has no room, a copy waits. peer: an address as in
 * datagram.received; "udp:HOST:PORT" with HOST a name is not resolved here. peer NULL or "":
 * options.to. Nothing is allocated if the datagram need not wait. A datagram larger than
 * limit_bytes is accepted if no other waits.
 *
 * @owner   peer and data are borrowed until this returns
 * @return  0; 1: accepted, and the socket is stalled: continue after datagram.drained; -EAGAIN:
 * more than limit_bytes would wait; -EMSGSIZE: the datagram is too long; -EDESTADDRREQ: there is no
 * peer; -EAFNOSUPPORT: the peer's address is of another kind than the socket's; -EACCES: a
 * broadcast address without TOCSIN_DATAGRAM_BROADCAST; -EPIPE: the socket is being closed, or has
 * ended; -ENETUNREACH, and other errors of sendmsg(2); -ECONNREFUSED, -ENOENT: no process is bound
 * to that Unix name; -EINVAL: the peer is malformed or a name that must be resolved, data is NULL,
 * or the operation is no datagram socket; -ENOENT: the socket does not exist; -EXDEV: it belongs to
 * the loop of another thread; -ENOMEM. After an error nothing was sent
 * @emits   datagram.stalled, from the loop
 * @thread  loop
 * @source  POSIX sendto(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_datagram_send(struct tocsin_op socket, const char *peer, const void *data,
                                    size_t size);

/* The data for tocsin_datagram_send_with. Members that are not set must be zero. */
struct tocsin_datagram_outgoing {
    const char *peer;                 /* as for tocsin_datagram_send */
    const struct tocsin_bytes *parts; /* one after the other; at most 64 */
    size_t count;
    size_t segment;     /* the data is several datagrams of this size, and the last one may be
                           shorter; the kernel cuts it if it can (UDP_SEGMENT). 0: one datagram */
    uintptr_t spare[2]; /* zero */
};

/**
 * Sends one datagram that consists of several pieces, or several datagrams of one size.
 *
 * @owner   peer and pieces are borrowed until this returns
 * @return  as tocsin_datagram_send; -EINVAL also: outgoing is NULL or malformed. If a part of
 *          several datagrams was sent before an error, the result is as if all were accepted, and
 *          datagram.lost announces the others
 * @emits   datagram.stalled, from the loop
 * @thread  loop
 * @source  POSIX sendmsg(3); udp(7), UDP_SEGMENT
 * @since   0.1
 */
TOCSIN_API int tocsin_datagram_send_with(struct tocsin_op socket,
                                         const struct tocsin_datagram_outgoing *outgoing);

/**
 * Ends the socket after all waiting datagrams were sent, within 10 seconds, or within its deadline.
 * Nothing is received any more. tocsin_cancel ends a socket at once; what waits is lost.
 *
 * @owner   the id is invalid after datagram.closed
 * @return  0; -EALREADY: the socket is being closed, or has ended; -EINVAL: the operation is no
 *          datagram socket; -ENOENT: the socket does not exist; -EXDEV: it belongs to the loop of
 *          another thread; -ENOMEM
 * @emits   datagram.closed, from the loop; with -ETIMEDOUT if datagrams still waited
 * @thread  loop
 * @source  POSIX close(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_datagram_close(struct tocsin_op socket);

/* The facts of a datagram socket. */
struct tocsin_datagram_facts {
    char local[240], peer[240];             /* in the form of addresses, with the port that the
                                               socket got; "": not known, or no only peer */
    uint64_t received, sent, lost, dropped; /* as in datagram.closed */
    uint64_t waiting_bytes;                 /* of datagrams that wait to be sent */
};

/**
 * Gets the facts of a datagram socket.
 *
 * @owner   none
 * @return  0 and ret_facts set; -EINVAL: ret_facts is NULL, or the operation is no datagram socket;
 *          -ENOENT: the socket does not exist; -EXDEV: it belongs to the loop of another thread
 * @emits   none
 * @thread  loop
 * @source  POSIX getsockname(3), getpeername(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_datagram_get(struct tocsin_op socket,
                                   struct tocsin_datagram_facts *ret_facts);

TOCSIN__END
#endif
