/* Opens the descriptor of a datagram socket. */
#define _GNU_SOURCE /* SOCK_NONBLOCK, struct ip_mreqn */
#include <linux/sock_diag.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/refusal.h"
#include "io/datagram/bind.h"
#include "io/datagram/peer.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

enum { MODE = 0600 };

static int socket_open(int family)
{
    int fd = tocsin__fault() ? (errno = EMFILE, -1)
                             : socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    return fd < 0 ? -errno : fd;
}

static int option_set(int fd, int level, int option, int value)
{
    return tocsin__fault()                                           ? (errno = ENOBUFS, -errno)
           : setsockopt(fd, level, option, &value, sizeof value) < 0 ? -errno
                                                                     : 0;
}

/* Options before binding */

/* Requests reports of the network, joined datagrams, and no datagrams for groups that only other
   sockets have joined. Errors are ignored, since an old kernel may not know an option. */
static void set_usual(int fd, int family)
{
    option_set(fd, IPPROTO_IP, IP_RECVERR, 1);
    option_set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    option_set(fd, IPPROTO_UDP, UDP_GRO, 1);
    if (family == AF_INET6) {
        option_set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
        option_set(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
    }
}

static int set_shared(int fd, const struct tocsin__bind_options *options)
{
    int err = 0;

    if (options->flags & TOCSIN_DATAGRAM_SHARE)
        err = option_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (err == 0 && options->flags & TOCSIN_DATAGRAM_SHARE && options->group_count)
        err = option_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    return err;
}

static int set_multicast_interface(int fd, int family, unsigned interface)
{
    struct ip_mreqn request = { .imr_ifindex = (int)interface };
    int err = family == AF_INET6 ? option_set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)interface)
                                 : 0;

    if (err == 0 && (tocsin__fault() ? (errno = ENOBUFS, -1)
                                     : setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request,
                                                  sizeof request)) < 0)
        err = -errno;
    return err;
}

/* Sets the options of multicast, for an IPv6 socket also those of IPv4, since it can send to IPv4
   groups. */
static int set_multicast(int fd, int family, const struct tocsin__bind_options *options)
{
    int err = 0;

    if (options->ttl) {
        err = option_set(fd, IPPROTO_IP, IP_MULTICAST_TTL, options->ttl);
        if (err == 0 && family == AF_INET6)
            err = option_set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, options->ttl);
    }
    if (err == 0 && options->flags & TOCSIN_DATAGRAM_NO_LOOPBACK) {
        err = option_set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
        if (err == 0 && family == AF_INET6)
            err = option_set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
    }
    return err == 0 && options->interface ? set_multicast_interface(fd, family, options->interface)
                                          : err;
}

static int set_options(int fd, int family, bool is_dual, const struct tocsin__bind_options *options)
{
    int err = options->buffer_bytes
                  ? option_set(fd, SOL_SOCKET, SO_RCVBUF, (int)options->buffer_bytes)
                  : 0;

    if (err < 0 || family == AF_UNIX)
        return err;
    set_usual(fd, family);
    if (family == AF_INET6)
        err = option_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !is_dual);
    if (err == 0 && options->flags & TOCSIN_DATAGRAM_BROADCAST)
        err = option_set(fd, SOL_SOCKET, SO_BROADCAST, 1);
    if (err == 0)
        err = set_shared(fd, options);
    return err == 0 ? set_multicast(fd, family, options) : err;
}

/* Binding */

static int bind_at(int fd, const struct tocsin__endpoint *local)
{
    return tocsin__fault()                          ? (errno = EADDRINUSE, -errno)
           : bind(fd, &local->any, local->size) < 0 ? -errno
                                                    : 0;
}

/* If a later step fails, the path that was bound must be removed. */
static int bind_path(struct tocsin__socket *socket, int fd, const struct tocsin__endpoint *local,
                     unsigned mode)
{
    const char *path = local->un.sun_path;
    int err;

    fchmod(fd, mode); /* so that bind gives the path no more permissions than these */
    err = bind_at(fd, local);
    if (err == -EADDRINUSE && tocsin__unix_path_is_stale(local, SOCK_DGRAM) && unlink(path) == 0)
        err = bind_at(fd, local);
    if (err < 0)
        return err;
    err = tocsin__unix_path_note(&socket->path, path, mode);
    if (err < 0) {
        unlink(path);
        tocsin__unix_path_forget(&socket->path);
    }
    return err;
}

void tocsin__bind_undo(struct tocsin__socket *socket)
{
    if (tocsin__inherited(tocsin__socket_engine(socket)->loop))
        tocsin__unix_path_forget(&socket->path);
    tocsin__unix_path_remove(&socket->path);
}

/* Groups */

static int group_join(int fd, int family, const struct tocsin__group *group)
{
    struct ip_mreqn in = { .imr_multiaddr = group->address.in.sin_addr,
                           .imr_ifindex = (int)group->interface };
    struct ipv6_mreq in6 = { .ipv6mr_multiaddr = group->address.in6.sin6_addr,
                             .ipv6mr_interface = group->interface };
    bool is_ipv6 = group->address.any.sa_family == AF_INET6;
    int result;

    if (is_ipv6 && family != AF_INET6)
        return tocsin__because(-EAFNOSUPPORT, "an IPv4 socket cannot join an IPv6 group");
    result = tocsin__fault() ? (errno = ENOBUFS, -1)
             : is_ipv6       ? setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &in6, sizeof in6)
                             : setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &in, sizeof in);
    return result < 0 ? -errno : 0;
}

static int groups_join(int fd, int family, const struct tocsin__bind_options *options)
{
    int err = 0;

    for (size_t i = 0; i < options->group_count && err == 0; i++)
        err = group_join(fd, family, &options->groups[i]);
    return err;
}

/* The whole */

static int peer_connect(struct tocsin__socket *socket, int fd, const struct tocsin__endpoint *to)
{
    if (!to->size)
        return 0;
    if (tocsin__peer_is_unix(to)) {
        socket->peer = tocsin__alloc(sizeof *socket->peer);
        if (!socket->peer)
            return -ENOMEM;
        *socket->peer = *to;
    }
    return tocsin__fault()                       ? (errno = ENOBUFS, -errno)
           : connect(fd, &to->any, to->size) < 0 ? -errno
                                                 : 0;
}

static int bind_whole(struct tocsin__socket *socket, int fd, bool is_dual,
                      const struct tocsin__bind_options *options,
                      const struct tocsin__endpoint *local, const struct tocsin__endpoint *to)
{
    int family = local->any.sa_family, err = set_options(fd, family, is_dual, options);

    if (err == 0)
        err = family == AF_UNIX && local->size > offsetof(struct sockaddr_un, sun_path) &&
                      local->un.sun_path[0]
                  ? bind_path(socket, fd, local, options->mode ? options->mode : MODE)
                  : bind_at(fd, local);
    if (err == 0)
        err = groups_join(fd, family, options);
    return err == 0 ? peer_connect(socket, fd, to) : err;
}

static int bind_one(struct tocsin__socket *socket, bool is_dual,
                    const struct tocsin__bind_options *options,
                    const struct tocsin__endpoint *local, const struct tocsin__endpoint *to)
{
    int fd = socket_open(local->any.sa_family), err;

    if (fd < 0)
        return fd;
    err = bind_whole(socket, fd, is_dual, options, local, to);
    if (err == 0)
        err = tocsin__readiness_open(tocsin__socket_engine(socket), &socket->readiness, fd);
    if (err == 0) {
        if (local->any.sa_family == AF_INET6)
            tocsin__socket_mark(socket, TOCSIN__SOCKET_IPV6);
        return 0;
    }
    tocsin__bind_undo(socket);
    tocsin__release(socket->peer);
    socket->peer = NULL;
    if (socket->readiness.place != TOCSIN__PLACE_CLOSED)
        tocsin__readiness_close(tocsin__socket_engine(socket), &socket->readiness);
    else
        tocsin__fd_close(fd);
    return err;
}

static struct tocsin__endpoint any_of(int family, const struct tocsin__endpoint *local)
{
    struct tocsin__endpoint any = { .size = family == AF_INET6 ? sizeof any.in6 : sizeof any.in };

    any.any.sa_family = (sa_family_t)family;
    if (family == AF_INET6)
        any.in6.sin6_port = local->in.sin_port;
    else
        any.in.sin_port = local->in.sin_port;
    return any;
}

/* If the local host is "*", the socket has the address family of `to`. If there is no `to`, the
   socket serves IPv6 and IPv4, or only IPv4 if the system has no IPv6. */
int tocsin__bind(struct tocsin__socket *socket, const struct tocsin__bind_options *options,
                 const struct tocsin__endpoint *local, const struct tocsin__endpoint *to)
{
    struct tocsin__endpoint any;
    int err;

    if (local->size && to->size && local->any.sa_family != to->any.sa_family)
        return tocsin__because(-EAFNOSUPPORT, "the address and options.to are of different kinds");
    if (local->size)
        return bind_one(socket, false, options, local, to);
    any = any_of(to->size ? to->any.sa_family : AF_INET6, local);
    err = bind_one(socket, !to->size, options, &any, to);
    if ((err != -EAFNOSUPPORT && err != -EADDRNOTAVAIL) || to->size)
        return err;
    any = any_of(AF_INET, local);
    return bind_one(socket, false, options, &any, to);
}

int tocsin__bind_adopt(struct tocsin__socket *socket, int fd)
{
    struct tocsin__engine *engine = tocsin__socket_engine(socket);
    struct tocsin__endpoint peer;
    int type = 0, domain = 0, err;
    socklen_t size = sizeof(int);

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
        return errno == EBADF ? -EBADF : tocsin__because(-EINVAL, "descriptor %d is no socket", fd);
    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
    if (type != SOCK_DGRAM || (domain != AF_UNIX && domain != AF_INET && domain != AF_INET6))
        return tocsin__because(-EINVAL, "descriptor %d is no UDP or Unix datagram socket", fd);
    if (domain != AF_INET)
        tocsin__socket_mark(socket, domain == AF_UNIX ? TOCSIN__SOCKET_UNIX : TOCSIN__SOCKET_IPV6);
    tocsin__peer_of(fd, false, &peer);
    if (peer.size)
        tocsin__socket_mark(socket, TOCSIN__SOCKET_HAS_PEER);
    err = tocsin__readiness_open(engine, &socket->readiness, fd);
    if (err < 0 && socket->readiness.place != TOCSIN__PLACE_CLOSED)
        tocsin__readiness_release(engine, &socket->readiness);
    return err;
}

uint64_t tocsin__bind_drops(const struct tocsin__socket *socket)
{
    uint32_t values[SK_MEMINFO_VARS] = { 0 };
    socklen_t size = sizeof values;

    if (getsockopt(socket->readiness.fd, SOL_SOCKET, SO_MEMINFO, values, &size) < 0)
        return 0;
    return values[SK_MEMINFO_DROPS];
}
