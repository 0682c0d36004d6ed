/* Receives datagrams and announces them. */
#define _GNU_SOURCE /* POLLRDHUP */
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>

#include "base/cancel.h"
#include "io/datagram/arrival.h"
#include "io/datagram/lost.h"
#include "io/datagram/peer.h"
#include "io/datagram/receive.h"
#include "op/demand.h"
#include "op/pause.h"
#include "op/progress.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

bool tocsin__receive_is_wanted(struct tocsin__socket *socket)
{
    struct tocsin__op *op = tocsin__socket_op(socket);

    if (socket->state != TOCSIN__SOCKET_OPEN || socket->failure)
        return false;
    if (tocsin__op_progress_admission(op, TOCSIN__SOCKET_RECEIVED) == 1)
        return true;
    tocsin__op_pause(op);
    return false;
}

/* Reading */

/* Returns the size of each datagram that the kernel has joined; 0: there is only one datagram. */
static size_t joined_size(struct msghdr *message)
{
    int size = 0;

    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part))
        if (part->cmsg_level == IPPROTO_UDP && part->cmsg_type == UDP_GRO)
            memcpy(&size, CMSG_DATA(part), sizeof size);
    return size > 0 ? (size_t)size : 0;
}

/* Returns true if the program has called shutdown(2) for the descriptor of an "fd:" address. The
   descriptor of such a socket stays ready. Reads return -EAGAIN, or 0, which also means an empty
   datagram of a sender without a name. */
static bool is_shut_down(int fd)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLRDHUP };

    return poll(&poll_fd, 1, 0) == 1 && poll_fd.revents & (POLLRDHUP | POLLHUP);
}

/* Reads once into the arrival. 0, or -errno */
static int read_once(struct tocsin__socket *socket, struct tocsin__arrival *arrival)
{
    _Alignas(struct cmsghdr) char control[64];
    struct iovec piece = { arrival->data, arrival->capacity };
    struct msghdr message = { .msg_iov = &piece,
                              .msg_iovlen = 1,
                              .msg_name = &arrival->peer.any,
                              .msg_namelen = sizeof arrival->peer.un,
                              .msg_control = control,
                              .msg_controllen = tocsin__socket_is(socket, TOCSIN__SOCKET_UNIX)
                                                    ? 0
                                                    : sizeof control };
    int cancel = tocsin__cancel_off();
    ssize_t count;

    do
        count = tocsin__fault() ? (errno = ENOMEM, -1)
                                : recvmsg(socket->readiness.fd, &message, MSG_DONTWAIT | MSG_TRUNC);
    while (count < 0 && errno == EINTR);
    tocsin__cancel_back(cancel);
    if (count < 0)
        return -errno;
    if (count == 0 && !message.msg_namelen && is_shut_down(socket->readiness.fd))
        return -EPIPE;
    arrival->socket = socket;
    arrival->begin = 0;
    arrival->end = (size_t)count < arrival->capacity ? (size_t)count : arrival->capacity;
    arrival->truncated = (size_t)count - arrival->end;
    arrival->is_empty = count == 0;
    arrival->segment = joined_size(&message);
    if (!arrival->segment)
        arrival->segment = arrival->end;
    arrival->peer.size = message.msg_namelen;
    tocsin__peer_text(&arrival->peer, arrival->text);
    return 0;
}

/* Whether an error of reading means that the descriptor cannot be used. Other errors are about a
   datagram that was sent; the kernel returns each of them once. */
static bool is_fatal(int err)
{
    return err == -EPIPE || err == -EBADF || err == -ENOTSOCK || err == -EINVAL || err == -EFAULT ||
           err == -ENOTCONN;
}

static void read_failed(struct tocsin__socket *socket, int err)
{
    bool has_report = false;

    if (err == -EAGAIN) {
        tocsin__socket_unmark(socket, TOCSIN__SOCKET_READABLE);
        return;
    }
    if (is_fatal(err)) {
        tocsin__socket_fail(socket, err);
        return;
    }
    if (err == -ENOMEM || err == -ENOBUFS) {
        tocsin__socket_wake(socket); /* retries in the next turn */
        return;
    }
    while (tocsin__lost_take(socket))
        has_report = true;
    if (!has_report) /* a socket of "fd:" may lack IP_RECVERR, and so have no error queue */
        tocsin__lost_note(socket, NULL, err, 1);
}

/* Announcing */

/* Announces the datagrams of an arrival as long as they are wanted. Returns how many were
   announced. */
static int announce_all(struct tocsin__socket *socket, struct tocsin__arrival *arrival)
{
    struct tocsin__op *op = tocsin__socket_op(socket);
    int count = 0, err;

    while (arrival->socket == socket && tocsin__arrival_has(arrival) &&
           tocsin__receive_is_wanted(socket)) {
        struct tocsin_datagram_received received = tocsin__arrival_first(arrival, socket->size);

        socket->closed.received++;
        err = tocsin__op_progress_now(op, TOCSIN__SOCKET_RECEIVED, &received.tocsin);
        tocsin__arrival_pass(arrival, err >= 0);
        if (!tocsin__socket_is_alive(socket))
            return count;
        if (err < 0) {
            socket->closed.received--;
            return count;
        }
        count++;
    }
    return count;
}

/* Announces the datagrams that the socket has kept. Returns how many were announced. */
static int announce_kept(struct tocsin__socket *socket)
{
    int count = announce_all(socket, tocsin__arrival_restore(socket));

    if (tocsin__socket_is_alive(socket))
        tocsin__arrival_close(tocsin__socket_shared(socket)); /* the socket keeps the rest again */
    return count;
}

/* Reads once, and announces the datagrams. false: nothing more can be read now. */
static bool receive_once(struct tocsin__socket *socket, int *count)
{
    struct tocsin__arrival *arrival = tocsin__arrival_open(socket);
    int err = arrival ? read_once(socket, arrival) : -ENOMEM;

    /* an entry in the error queue has made the descriptor ready */
    if (err == -EAGAIN && *count == 0) {
        while (tocsin__lost_take(socket))
            continue;
        if (is_shut_down(socket->readiness.fd))
            err = -EPIPE;
    }
    if (err < 0) {
        read_failed(socket, err);
        return err != -EAGAIN && err != -ENOMEM && err != -ENOBUFS;
    }
    *count += announce_all(socket, arrival);
    if (!tocsin__socket_is_alive(socket))
        return false;
    tocsin__arrival_close(tocsin__socket_shared(socket));
    return true;
}

void tocsin__receive_serve(struct tocsin__socket *socket)
{
    int count = 0, reads = 0;

    /* a handler may have jumped out of the last announcement */
    tocsin__arrival_close(tocsin__socket_shared(socket));
    if (socket->busy && socket->busy->kept && tocsin__receive_is_wanted(socket))
        count = announce_kept(socket);
    while (tocsin__socket_is_alive(socket) && !(socket->busy && socket->busy->kept) &&
           count < socket->most && reads++ < socket->most &&
           tocsin__socket_is(socket, TOCSIN__SOCKET_READABLE) && tocsin__receive_is_wanted(socket))
        if (!receive_once(socket, &count))
            return;
}
