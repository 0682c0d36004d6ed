/* Opens the sockets of listeners, and starts the listeners. */
#define _GNU_SOURCE /* SOCK_NONBLOCK */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/refusal.h"
#include "io/address.h"
#include "io/listen/acceptor.h"
#include "io/listen/handover.h"
#include "op/notify.h"

enum { BACKLOG = 4096, MODE = 0600, SYSTEMD_FIRST = 3 };

static int options_check(const struct tocsin_listen_options *options)
{
    if (options->flags & ~(unsigned)TOCSIN_LISTEN_SHARE || options->spare[0] || options->spare[1] ||
        options->spare[2] || options->spare[3])
        return tocsin__because(-EINVAL, "an unknown flag, or a spare word that is not zero");
    if (options->backlog < 0 || options->most < 0 || options->most_per_address < 0 ||
        options->mode & ~0777u)
        return tocsin__because(-EINVAL, "a number is negative, or mode is more than 0777");
    if (options->notify && options->notify->mode & TOCSIN_KEEP)
        return tocsin__because(-EINVAL, "the notify of accepted streams cannot be TOCSIN_FUTURE");
    return options->notify ? tocsin__notify_check(options->notify) : 0;
}

static int socket_open(int family)
{
    int fd = tocsin__fault() ? (errno = EMFILE, -1)
                             : socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    return fd < 0 ? -errno : fd;
}

static int socket_listen(int fd, const struct tocsin__endpoint *endpoint, int backlog)
{
    if (tocsin__fault() || bind(fd, &endpoint->any, endpoint->size) < 0)
        return errno ? -errno : -EADDRINUSE;
    if (tocsin__fault() || listen(fd, backlog) < 0)
        return errno ? -errno : -EADDRINUSE;
    return 0;
}

static int tcp_listen_at(const struct tocsin__endpoint *endpoint, bool is_dual,
                         const struct tocsin_listen_options *options)
{
    int fd = socket_open(endpoint->any.sa_family), on = 1, off = 0, err;

    if (fd < 0)
        return fd;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (options->flags & TOCSIN_LISTEN_SHARE)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (endpoint->any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, is_dual ? &off : &on, sizeof on);
    errno = 0;
    err = socket_listen(fd, endpoint, options->backlog ? options->backlog : BACKLOG);
    if (err == 0)
        return fd;
    tocsin__fd_close(fd);
    return err;
}

/* Opens a listening TCP socket. For the host "*", the socket serves IPv6 and IPv4, or only IPv4 if
   the system has no IPv6. */
static int tcp_listen(const struct tocsin__address *address,
                      const struct tocsin_listen_options *options)
{
    struct tocsin__endpoint any = { .size = sizeof any.in6 };
    int fd;

    if (!address->endpoint.size)
        return tocsin__because(
            -EINVAL, "'%s' is a name: a listener needs an address, such as 127.0.0.1, or *",
            address->name);
    if (!address->is_any)
        return tcp_listen_at(&address->endpoint, false, options);
    any.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
                                     .sin6_port = htons((uint16_t)address->port) };
    fd = tcp_listen_at(&any, true, options);
    return fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL
               ? tcp_listen_at(&address->endpoint, false, options)
               : fd;
}

static bool is_bound(int fd)
{
    struct tocsin__endpoint endpoint = { .size = sizeof endpoint.un };

    return getsockname(fd, &endpoint.any, &endpoint.size) == 0 &&
           endpoint.size > offsetof(struct sockaddr_un, sun_path);
}

/* Once the path is bound, only its removal undoes that. */
static int unix_listen(struct tocsin__acceptor *listener, const struct tocsin__address *address,
                       const struct tocsin_listen_options *options)
{
    const struct tocsin__endpoint *endpoint = &address->endpoint;
    bool is_path = endpoint->un.sun_path[0];
    unsigned mode = options->mode ? options->mode : MODE;
    int fd = socket_open(AF_UNIX), err, backlog = options->backlog ? options->backlog : BACKLOG;

    if (fd < 0)
        return fd;
    if (is_path)
        fchmod(fd, mode); /* so that bind gives the path no more permissions than these */
    errno = 0;
    err = socket_listen(fd, endpoint, backlog);
    if (err == -EADDRINUSE && is_path && tocsin__unix_path_is_stale(endpoint, SOCK_STREAM) &&
        unlink(endpoint->un.sun_path) == 0)
        err = socket_listen(fd, endpoint, backlog);
    if (err == 0 && is_path)
        err = tocsin__unix_path_note(&listener->path, endpoint->un.sun_path, mode);
    if (err == 0)
        return fd;
    if (is_path && is_bound(fd))
        unlink(endpoint->un.sun_path);
    tocsin__fd_close(fd);
    return err;
}

/* Checks a descriptor that listens already, and makes it non-blocking. */
static int adopt(int fd)
{
    int listens = 0, type = 0;
    socklen_t size = sizeof(int);

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0)
        return -errno;
    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
    if (!listens || type != SOCK_STREAM)
        return tocsin__because(-EINVAL, "descriptor %d does not listen for connections", fd);
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    return fd;
}

/* Returns the descriptor that systemd has passed under this name (sd_listen_fds_with_names).
   -ENOENT: there is none */
static int systemd_find(const char *name)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS"),
               *names = getenv("LISTEN_FDNAMES");
    size_t size = strlen(name);

    if (!pid || !count || !names || strtol(pid, NULL, 10) != getpid())
        return -ENOENT;
    for (int i = 0; i < atoi(count) && *names; i++) {
        size_t length = strcspn(names, ":");

        if (length == size && memcmp(names, name, size) == 0)
            return SYSTEMD_FIRST + i;
        names += length + (names[length] == ':');
    }
    return -ENOENT;
}

static int listen_fd(struct tocsin__acceptor *listener, const struct tocsin__address *address,
                     const struct tocsin_listen_options *options)
{
    int fd;

    switch (address->scheme) {
    case TOCSIN__SCHEME_TCP: return tcp_listen(address, options);
    case TOCSIN__SCHEME_UNIX: return unix_listen(listener, address, options);
    case TOCSIN__SCHEME_UDP: return -ENOTSUP;
    case TOCSIN__SCHEME_FD: return adopt(address->fd);
    case TOCSIN__SCHEME_FILE: return tocsin__because(-ENOTSUP, "nobody can listen at a file");
    case TOCSIN__SCHEME_SYSTEMD: fd = systemd_find(address->name); return fd < 0 ? fd : adopt(fd);
    }
    return -EINVAL;
}

static bool is_ours(const struct tocsin__address *address)
{
    return address->scheme == TOCSIN__SCHEME_TCP || address->scheme == TOCSIN__SCHEME_UNIX;
}

static int domain_of(int fd)
{
    int domain = 0;
    socklen_t size = sizeof domain;

    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
    return domain;
}

/* A new version of a plugin gets the socket that the former one had at this address. */
static int own_socket(struct tocsin__acceptor *listener, const char *text,
                      const struct tocsin__address *address,
                      const struct tocsin_listen_options *options)
{
    int err = tocsin__handover_note(listener, text), fd = -ENOENT;

    if (err == 0)
        fd = tocsin__handover_take(listener, text);
    return err < 0 ? err : fd >= 0 ? fd : listen_fd(listener, address, options);
}

static int listen_begin(struct tocsin__acceptor *listener, const char *text,
                        const struct tocsin__address *address,
                        const struct tocsin_listen_options *options)
{
    int fd = is_ours(address) ? own_socket(listener, text, address, options)
                              : listen_fd(listener, address, options),
        err;

    if (fd < 0)
        return fd;
    listener->is_unix = domain_of(fd) == AF_UNIX;
    listener->most = options->most;
    listener->most_per_address = options->most_per_address;
    if (options->notify)
        listener->notify = *options->notify;
    err = tocsin__acceptor_begin(listener, fd);
    if (err < 0 && is_ours(address))
        tocsin__fd_close(fd);
    return err;
}

static int listen_with(const char *text, const struct tocsin__address *address,
                       const struct tocsin_listen_options *options,
                       struct tocsin__settings *settings, const struct tocsin_notify *notify,
                       struct tocsin_op *ret_listener)
{
    struct tocsin__acceptor *listener = NULL;
    int err = tocsin__acceptor_make(settings, notify, &listener);

    if (!listener)
        return tocsin__op_failed(err, ret_listener);
    if (err == 0)
        err = listen_begin(listener, text, address, options);
    return tocsin__op_started(tocsin__op_of_state(listener), err, ret_listener);
}

int tocsin_listen(const char *text, const struct tocsin_listen_options *options,
                  const struct tocsin_notify *notify, struct tocsin_op *ret_listener)
{
    static const struct tocsin_listen_options plain;
    struct tocsin__address address;
    struct tocsin__settings *settings;
    int err = tocsin__address_parse(text, &address);

    options = options ? options : &plain;
    if (err == 0 && (address.layer || (options->stream && options->stream->tls.id)))
        err = tocsin__because(-ENOTSUP, "a listener has no layer yet");
    if (err == 0)
        err = options_check(options);
    if (err == 0)
        err = tocsin__settings_new(options->stream, &settings);
    if (err < 0)
        return tocsin__traced(tocsin__op_failed(err, ret_listener));
    err = listen_with(text, &address, options, settings, notify, ret_listener);
    tocsin__settings_unref(settings);
    return tocsin__traced(err);
}
