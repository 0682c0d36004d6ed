/* Gives datagrams to the kernel: each in a call of its own, or several of one size in one call
   (UDP_SEGMENT). */
#include <netinet/udp.h>
#include <string.h>

#include "base/cancel.h"
#include "io/datagram/lost.h"
#include "io/datagram/transmit.h"
#include "loop/clock.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
    SEGMENTS_MOST = 64,           /* of one call */
    SEGMENTED_BYTES_MOST = 65000, /* of one call: less than 64 KiB with all headers */
    RETRY_LEAST_US = 2000,
    RETRY_MOST_US = 64000
};

/* Calls */

static int pieces_of(const struct tocsin__sending *sending, size_t at, size_t size,
                     struct iovec *pieces)
{
    int count = 0;

    for (size_t i = 0; i < sending->count && size; i++) {
        size_t have = sending->parts[i].size, skip = at < have ? at : have,
               take = have - skip < size ? have - skip : size;

        at -= skip;
        size -= take;
        if (take)
            pieces[count++] = (struct iovec){ (char *)sending->parts[i].data + skip, take };
    }
    return count;
}

/* The address in the family of the socket: an IPv6 socket sends to mapped IPv4 addresses. */
static int endpoint_adapt(const struct tocsin__socket *socket, const struct tocsin__endpoint *to,
                          struct tocsin__endpoint *ret_adapted)
{
    bool is_ipv6 = tocsin__socket_is(socket, TOCSIN__SOCKET_IPV6);

    if (to->any.sa_family == AF_INET && is_ipv6) {
        *ret_adapted = (struct tocsin__endpoint){ .size = sizeof ret_adapted->in6 };
        ret_adapted->in6.sin6_family = AF_INET6;
        ret_adapted->in6.sin6_port = to->in.sin_port;
        memset(&ret_adapted->in6.sin6_addr.s6_addr[10], 0xff, 2);
        memcpy(&ret_adapted->in6.sin6_addr.s6_addr[12], &to->in.sin_addr, 4);
        return 0;
    }
    if (to->any.sa_family == AF_INET6 && !is_ipv6)
        return -EAFNOSUPPORT;
    *ret_adapted = *to;
    return 0;
}

static int send_once(const struct tocsin__socket *socket, const struct msghdr *message)
{
    int cancel = tocsin__cancel_off();
    ssize_t sent;

    do
        sent = tocsin__fault()
                   ? (errno = ENOBUFS, -1)
                   : sendmsg(socket->readiness.fd, message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    tocsin__cancel_back(cancel);
    return sent < 0 ? -errno : 0;
}

/* The process behind the only peer was replaced: the new one may be bound to the same name. */
static bool unix_reconnect(const struct tocsin__socket *socket)
{
    return socket->peer && !tocsin__fault() &&
           connect(socket->readiness.fd, &socket->peer->any, socket->peer->size) == 0;
}

/* Whether an error of sending is, or may be, a report about an earlier datagram. The kernel returns
   each such report once, instead of sending. */
static bool is_report(const struct tocsin__socket *socket, int err)
{
    return !tocsin__socket_is(socket, TOCSIN__SOCKET_UNIX) &&
           (err == -ECONNREFUSED || err == -EHOSTUNREACH || err == -ENETUNREACH ||
            err == -EHOSTDOWN || err == -ENOPROTOOPT || err == -EPROTO || err == -EACCES ||
            err == -EOPNOTSUPP || err == -EMSGSIZE || err == -ENONET || err == -ETIMEDOUT);
}

/* Takes all reports. Returns whether one was about a datagram that the network has lost. */
static bool reports_take(struct tocsin__socket *socket)
{
    uint64_t before = socket->closed.lost;

    while (tocsin__lost_take(socket))
        continue;
    return socket->closed.lost != before;
}

/* A socket of "fd:" may have no IP_RECVERR: then -ECONNREFUSED is the report itself. */
static int send_message(struct tocsin__socket *socket, const struct msghdr *message)
{
    int err = send_once(socket, message);
    bool has_report = err < 0 && is_report(socket, err) && reports_take(socket);

    if (!has_report && err == -ECONNREFUSED && is_report(socket, err))
        tocsin__lost_note(socket, NULL, err, 1);
    else if (!has_report)
        return err;
    err = send_once(socket, message);
    if (err < 0 && is_report(socket, err))
        reports_take(socket);
    return err;
}

/* Segments */

/* Old kernels would send all segments as one datagram, so they are asked. */
static bool can_segment(struct tocsin__socket *socket)
{
    int value = 0;
    socklen_t size = sizeof value;

    if (tocsin__socket_is(socket, TOCSIN__SOCKET_UNIX))
        return false;
    if (!tocsin__socket_is(socket, TOCSIN__SOCKET_ASKED_SEGMENTS)) {
        tocsin__socket_mark(socket, TOCSIN__SOCKET_ASKED_SEGMENTS);
        if (!tocsin__fault() &&
            getsockopt(socket->readiness.fd, IPPROTO_UDP, UDP_SEGMENT, &value, &size) == 0)
            tocsin__socket_mark(socket, TOCSIN__SOCKET_SEGMENTS);
    }
    return tocsin__socket_is(socket, TOCSIN__SOCKET_SEGMENTS);
}

/* Whether the kernel, or the device, does not cut these datagrams: they are too long for it, the
   socket has no checksums, and so on. The datagrams are then sent alone, and errors that are not
   about cutting come back. */
static bool is_segment_refusal(struct tocsin__socket *socket, int err)
{
    if (err == -EIO || err == -EOPNOTSUPP || err == -ENOPROTOOPT)
        tocsin__socket_unmark(socket, TOCSIN__SOCKET_SEGMENTS);
    return err == -EIO || err == -EOPNOTSUPP || err == -ENOPROTOOPT || err == -EINVAL ||
           err == -EMSGSIZE;
}

static void segment_set(struct msghdr *message, void *control, size_t segment)
{
    struct cmsghdr *part = control;
    uint16_t value = (uint16_t)segment;

    memset(control, 0, CMSG_SPACE(sizeof value));
    part->cmsg_level = IPPROTO_UDP;
    part->cmsg_type = UDP_SEGMENT;
    part->cmsg_len = CMSG_LEN(sizeof value);
    memcpy(CMSG_DATA(part), &value, sizeof value);
    message->msg_control = control;
    message->msg_controllen = CMSG_SPACE(sizeof value);
}

/* Bytes of the next call. */
static size_t step_of(const struct tocsin__sending *sending, size_t at, bool is_cut)
{
    size_t left = sending->size - at, segment = sending->segment, most;

    if (!segment || left <= segment)
        return left;
    most = segment <= SEGMENTED_BYTES_MOST ? SEGMENTED_BYTES_MOST / segment : 1;
    most = !is_cut ? 1 : most < SEGMENTS_MOST ? most : SEGMENTS_MOST;
    return left < most * segment ? left : most * segment;
}

static int send_step(struct tocsin__socket *socket, const struct tocsin__sending *sending,
                     size_t at, size_t step)
{
    struct iovec pieces[TOCSIN__DATAGRAM_PARTS];
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint16_t))];
    struct msghdr message = { .msg_iov = pieces };
    struct tocsin__endpoint to;
    int err = sending->to ? endpoint_adapt(socket, sending->to, &to) : 0;

    if (err < 0)
        return err;
    if (sending->to) {
        message.msg_name = &to.any;
        message.msg_namelen = to.size;
    }
    message.msg_iovlen = (size_t)pieces_of(sending, at, step, pieces);
    if (sending->segment && step > sending->segment)
        segment_set(&message, control, sending->segment);
    err = send_message(socket, &message);
    if ((err == -ECONNREFUSED || err == -ENOTCONN) && !sending->to &&
        tocsin__socket_is(socket, TOCSIN__SOCKET_UNIX) && unix_reconnect(socket))
        err = send_once(socket, &message);
    return err;
}

int tocsin__transmit(struct tocsin__socket *socket, const struct tocsin__sending *sending,
                     size_t *at)
{
    bool is_cut = sending->segment && sending->size > sending->segment && can_segment(socket);

    do {
        size_t step = step_of(sending, *at, is_cut);
        int err = send_step(socket, sending, *at, step);

        if (err < 0 && sending->segment && step > sending->segment &&
            is_segment_refusal(socket, err)) {
            is_cut = false;
            continue;
        }
        if (err < 0)
            return err;
        socket->closed.sent += step && sending->segment
                                   ? (step + sending->segment - 1) / sending->segment
                                   : 1;
        *at += step;
    } while (*at < sending->size);
    return 0;
}

void tocsin__transmit_pause(struct tocsin__socket *socket)
{
    struct tocsin__engine *engine = tocsin__socket_engine(socket);
    struct tocsin__socket_busy *busy = socket->busy;

    busy->retry_us = !busy->retry_us                  ? RETRY_LEAST_US
                     : busy->retry_us < RETRY_MOST_US ? 2 * busy->retry_us
                                                      : RETRY_MOST_US;
    tocsin__timer_arm(engine, &busy->retry, tocsin__now(engine) + busy->retry_us);
}
