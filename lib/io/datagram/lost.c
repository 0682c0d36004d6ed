/* Datagrams that did not arrive. With IP_RECVERR the kernel keeps the reports of the network in the
   error queue of the socket, with the address that each is about. */
#include <string.h>
#include <time.h>

#include <linux/errqueue.h>

#include "base/cancel.h"
#include "io/datagram/lost.h"

void tocsin__lost_note(struct tocsin__socket *socket, const struct tocsin__endpoint *peer, int err,
                       uint64_t count)
{
    if (!count)
        return;
    socket->closed.lost += count;
    socket->lost_untold += count;
    socket->lost_error = err;
    if (tocsin__socket_occupy(socket) == 0) {
        socket->busy->lost_peer.size = 0;
        if (peer)
            socket->busy->lost_peer = *peer;
    }
    tocsin__socket_wake(socket);
}

/* The report among the control messages; NULL: there is none. */
static const struct sock_extended_err *report_of(struct msghdr *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part))
        if ((part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
            (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR))
            return (const struct sock_extended_err *)CMSG_DATA(part);
    return NULL;
}

/* Errors of the own host (SO_EE_ORIGIN_LOCAL) were returned by the call that has sent. */
bool tocsin__lost_take(struct tocsin__socket *socket)
{
    struct tocsin__endpoint peer;
    _Alignas(struct cmsghdr) char control[512];
    char byte;
    struct iovec piece = { &byte, 1 };
    struct msghdr message = { .msg_iov = &piece,
                              .msg_iovlen = 1,
                              .msg_name = &peer.any,
                              .msg_namelen = sizeof peer.un,
                              .msg_control = control,
                              .msg_controllen = sizeof control };
    const struct sock_extended_err *report;
    int cancel = tocsin__cancel_off();
    ssize_t count;

    do
        count = tocsin__fault()
                    ? (errno = EAGAIN, -1)
                    : recvmsg(socket->readiness.fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
    while (count < 0 && errno == EINTR);
    tocsin__cancel_back(cancel);
    if (count < 0)
        return false;
    report = report_of(&message);
    peer.size = message.msg_namelen;
    if (report &&
        (report->ee_origin == SO_EE_ORIGIN_ICMP || report->ee_origin == SO_EE_ORIGIN_ICMP6))
        tocsin__lost_note(socket, &peer, -(int)report->ee_errno, 1);
    return true;
}
