/* Datagrams: UDP and Unix datagram sockets.

   A datagram socket is an operation. It begins when it is opened, and ends once, with
   datagram.closed. The id of a socket is valid at once: datagrams may be sent before its host name
   is resolved. The operation is TOCSIN_PERSISTENT, so a drain cancels it.

   A socket is read only while there is a notify, queue or handler for datagram.received. Otherwise
   datagrams wait in the kernel. If the kernel's buffer is full, UDP datagrams are dropped, and the
   sender of a Unix datagram waits. Each datagram is announced alone, also if the kernel has
   delivered several in one call (UDP_GRO).

   An error that concerns one datagram does not end the socket. If tocsin_datagram_send finds the
   error, the function returns it. If the error is found later (an ICMP error, or a datagram that
   waited cannot be sent), datagram.lost announces it. */
#ifndef TOCSIN_DATAGRAM_H
#define TOCSIN_DATAGRAM_H

#include <tocsin/op.h>

TOCSIN__BEGIN

/* datagram.received: data is borrowed until the handler returns, with a NUL behind it. peer is the
   sender's address, to which a reply can be sent: "udp:192.0.2.7:53", "udp:[2001:db8::1]:53",
   "unix:/PATH", "unix:@NAME", or "unix:#HEX" for a Unix name that contains a NUL or begins with
   '#'; "": the sender has no name. peer is borrowed like data. truncated_bytes: how many bytes are
   missing at the end of a datagram that is longer than options.size; 0: none.
   datagram.lost: count datagrams to peer did not arrive. error: an error that the network has
   reported, such as -ECONNREFUSED or -EHOSTUNREACH, or an error of sending. If the announcement
   must wait, count is the sum of all losses, and error and peer are those of the last loss. The
   network reports only some losses.
   datagram.stalled: more than high_bytes wait to be sent.
   datagram.drained: fewer than low_bytes wait again, after stalled_us.
   datagram.closed: received: datagrams that were announced. sent: datagrams that the kernel has
   accepted. lost: the sum of all counts of datagram.lost, and the datagrams that still waited.
   dropped: datagrams that arrived and were not announced: the buffer of the kernel was full, or
   they had been read when the socket ended; several that the kernel drops together count as one.
   The status is 0 after tocsin_datagram_close; otherwise -ECANCELED, -ETIMEDOUT, -ENOMEM,
   TOCSIN_ENAME or another error of opening, or an error of the descriptor. */
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
    TOCSIN_DATAGRAM_SHARE = 1, /* other sockets may be bound to the same UDP port: SO_REUSEPORT;
                                  with groups to join also SO_REUSEADDR */
    /* datagrams may be sent to broadcast addresses; without the flag, sending there fails with
       -EACCES */
    TOCSIN_DATAGRAM_BROADCAST = 2,
    /* other sockets of this host do not receive the multicast datagrams that this socket sends */
    TOCSIN_DATAGRAM_NO_LOOPBACK = 4
};

/* Options of tocsin_datagram_open. Members that are not set must be zero. */
struct tocsin_datagram_options {
    /* address of the only peer: the socket is connected to it, and receives no datagrams of others.
       NULL: none */
    const char *to;
    /* array of multicast groups to join, which ends with NULL: "239.1.2.3", "ff02::fb%eth0" (with
       the name or number of an interface). NULL: none */
    const char *const *join;
    /* name or number of the interface that sends multicast datagrams. NULL: the kernel's routes
       decide */
    const char *interface;
    /* time to live of multicast datagrams, 1 to 255. With 1, they do not pass any router. 0: 1 */
    int ttl;
    /* the most datagrams to announce in one turn, so that other descriptors are served, too.
       Datagrams that the kernel has joined may exceed this number. 0: 64 */
    int most;
    /* the most bytes of a received datagram, up to 16 MiB; a longer datagram is truncated. 0:
       65,536 */
    size_t size;
    size_t high_bytes, low_bytes; /* limits for datagram.stalled and datagram.drained. 0: 64 KiB,
                                     and a quarter of high_bytes */
    /* limit of the queue of datagrams to send: each counts its data and 128 bytes. 0: 1 MiB */
    size_t limit_bytes;
    size_t buffer_bytes; /* the kernel's buffer for received datagrams: SO_RCVBUF. 0: the system's
                            default */
    unsigned mode;       /* permissions of the path of "unix:/PATH". 0: 0600 */
    unsigned flags;      /* set of TOCSIN_DATAGRAM_… */
    uintptr_t spare[4];  /* zero */
};

/**
 * Opens a datagram socket. `address` is the local address: "udp:HOST:PORT" (HOST "*": all
 * addresses, IPv4 and IPv6; PORT 0: any port), "unix:/PATH" (a path to which no process is bound
 * any more is replaced), "unix:@NAME", "unix:@" (any free abstract name), "fd:N" (an open datagram
 * socket). If `options` is NULL, the defaults are used. A host name is resolved on another thread;
 * later errors end the socket.
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
 * Sends one datagram at once, or queues a copy if the kernel has no room. peer: an address as in
 * datagram.received, without a host name. peer NULL or "": the peer that options.to names. Memory
 * is allocated only if the datagram is queued. A datagram larger than limit_bytes is accepted if
 * the queue is empty.
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
    const struct tocsin_bytes *parts; /* pieces of the data, in order; at most 64 */
    size_t count;
    /* size of each datagram: the data is divided into datagrams of this size, and the last one may
       be shorter. The kernel divides it if it can (UDP_SEGMENT). 0: one datagram */
    size_t segment;
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
 * Ends the socket after all queued datagrams were sent, or after 10 seconds, or at its deadline.
 * Nothing is received any more. tocsin_cancel ends a socket at once, and the queued datagrams are
 * lost.
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
    /* addresses as in datagram.received. local has the actual port. peer: the peer that options.to
       names. "": none or not known */
    char local[240], peer[240];
    uint64_t received, sent, lost, dropped; /* as in datagram.closed */
    uint64_t waiting_bytes;                 /* bytes of queued datagrams */
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
