/* Connecting a stream. */
#define _GNU_SOURCE /* SOCK_NONBLOCK, O_CLOEXEC */
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/refusal.h"
#include "io/disk/disk.h"
#include "io/stream/connect.h"
#include "io/stream/limits.h"
#include "io/stream/reason.h"
#include "io/resolve.h"
#include "io/stream/wire.h"
#include "loop/clock.h"

enum { RETRY_US = 20000 };

struct tocsin__connecting {
    struct tocsin__stream *stream;
    struct tocsin__timer retry; /* the backlog of a Unix socket was full */
    struct tocsin_op resolving; /* zero: no name is being resolved */
    int64_t began_us, resolved_us, connected_us;
    struct tocsin__endpoint local; /* size 0: any */
    int error;                     /* of the last address */
    const char *step;              /* what has failed with it */
    char host[256];                /* the name that is resolved; "": none */
    int count, at;                 /* addresses; which one is tried */
    struct tocsin__endpoint endpoints[TOCSIN__ENDPOINTS_MOST];
};

void tocsin__connecting_free(struct tocsin__busy *busy)
{
    struct tocsin__connecting *connecting = busy->connecting;

    if (!connecting)
        return;
    busy->connecting = NULL;
    tocsin__timer_disarm(tocsin__stream_engine(connecting->stream), &connecting->retry);
    if (connecting->resolving.source.id)
        tocsin_cancel(connecting->resolving);
    tocsin__release(connecting);
}

void tocsin__connecting_times(const struct tocsin__stream *stream,
                              struct tocsin_stream_connected *ret_connected)
{
    const struct tocsin__connecting *connecting = stream->busy ? stream->busy->connecting : NULL;

    if (!connecting)
        return;
    ret_connected->names_us = connecting->resolved_us - connecting->began_us;
    ret_connected->connect_us = connecting->connected_us - connecting->resolved_us;
}

static int64_t now_of(const struct tocsin__stream *stream)
{
    return tocsin__now(tocsin__stream_engine(stream));
}

static void connected(struct tocsin__stream *stream)
{
    tocsin__limit_end(stream);
    stream->busy->connecting->connected_us = now_of(stream);
    tocsin__stream_set_state(stream, TOCSIN__STREAM_OPEN);
    tocsin__limit_idle_begin(stream);
    tocsin__stream_mark(stream, TOCSIN__STREAM_TELL_CONNECTED | TOCSIN__STREAM_WRITABLE);
    tocsin__stream_unmark(stream,
                          TOCSIN__STREAM_READABLE | TOCSIN__STREAM_LEFT | TOCSIN__STREAM_SHOCKED);
    if (tocsin__stream_is(stream, TOCSIN__STREAM_CLOSE_LATER)) {
        tocsin__limit_close(stream); /* without memory it has no limit */
        tocsin__stream_mark(stream, TOCSIN__STREAM_READABLE);
        tocsin__stream_set_state(stream, TOCSIN__STREAM_CLOSING);
    }
    tocsin__stream_wake(stream);
}

static void set_socket_options(const struct tocsin__stream *stream, int fd)
{
    unsigned flags = stream->settings->flags;
    int on = 1;

    if (tocsin__stream_is(stream, TOCSIN__STREAM_UNIX))
        return;
    if (!(flags & TOCSIN_STREAM_GATHER))
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (flags & TOCSIN_STREAM_PROBE)
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

/* Opens a socket and begins to connect it. 0: it is connected; -EINPROGRESS; another -errno. */
static int connect_one(struct tocsin__stream *stream, const struct tocsin__endpoint *to)
{
    const struct tocsin__endpoint *local = &stream->busy->connecting->local;
    int fd = tocsin__fault()
                 ? (errno = EMFILE, -1)
                 : socket(to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
        err;

    stream->busy->connecting->step = "open a socket for";
    if (fd < 0)
        return -errno;
    tocsin__stream_mark(stream, TOCSIN__STREAM_SOCKET);
    if (to->any.sa_family == AF_UNIX)
        tocsin__stream_mark(stream, TOCSIN__STREAM_UNIX);
    set_socket_options(stream, fd);
    err = local->size && bind(fd, &local->any, local->size) < 0 ? -errno : 0;
    stream->busy->connecting->step = err < 0 ? "bind to" : "connect to";
    if (err == 0 &&
        (tocsin__fault() ? (errno = ECONNREFUSED, -1) : connect(fd, &to->any, to->size)) < 0)
        err = errno == EINTR ? -EINPROGRESS : -errno; /* POSIX: the attempt continues */
    if (err < 0 && err != -EINPROGRESS) {
        tocsin__fd_close(fd);
        return err;
    }
    if (tocsin__readiness_open(tocsin__stream_engine(stream), &stream->readiness, fd) < 0) {
        tocsin__readiness_close(tocsin__stream_engine(stream), &stream->readiness);
        return -ENOMEM;
    }
    return err;
}

static void retry_later(struct tocsin__stream *stream)
{
    struct tocsin__engine *engine = tocsin__stream_engine(stream);

    tocsin__timer_arm(engine, &stream->busy->connecting->retry, tocsin__now(engine) + RETRY_US);
}

static void on_retry(struct tocsin__timer *timer)
{
    tocsin__stream_wake(tocsin__container(timer, struct tocsin__connecting, retry)->stream);
}

/* Writes ", the last of N addresses of HOST" if there were several, or ", an address of HOST". */
static void host_text(const struct tocsin__connecting *connecting, char *buffer, size_t size)
{
    *buffer = 0;
    if (*connecting->host && connecting->count > 1)
        snprintf(buffer, size, ", the last of %d addresses of %s", connecting->count,
                 connecting->host);
    else if (*connecting->host)
        snprintf(buffer, size, ", the address of %s", connecting->host);
}

/* No address could be connected. */
static void connect_failed(struct tocsin__stream *stream)
{
    const struct tocsin__connecting *connecting = stream->busy->connecting;
    const char *error = tocsin__reason_text(connecting->error);
    char address[112], host[300];

    if (!connecting->count) {
        tocsin__reason_set(stream, "resolve %s: it has no address", connecting->host);
    } else {
        tocsin__address_text(strcmp(connecting->step, "bind to") == 0
                                 ? &connecting->local
                                 : &connecting->endpoints[connecting->count - 1],
                             address, sizeof address);
        host_text(connecting, host, sizeof host);
        tocsin__reason_set(stream, "%s %s%s: %s", connecting->step, address, host, error);
    }
    tocsin__stream_fail(stream, connecting->error);
}

static void open_timed_out(struct tocsin__stream *stream)
{
    const struct tocsin__connecting *connecting = stream->busy->connecting;
    long long ms = stream->settings->open_ms;
    char address[112];

    if (stream->state == TOCSIN__STREAM_RESOLVING) {
        tocsin__reason_set(stream, "resolve %s: not resolved within %lld ms (open_ms)",
                           connecting->host, ms);
    } else if (connecting->at < connecting->count) {
        tocsin__address_text(&connecting->endpoints[connecting->at], address, sizeof address);
        tocsin__reason_set(stream, "connect to %s: not connected within %lld ms (open_ms)", address,
                           ms);
    }
}

/* Tries the addresses, from the current one on. */
static void connect_next(struct tocsin__stream *stream)
{
    struct tocsin__connecting *connecting = stream->busy->connecting;
    int err;

    for (; connecting->at < connecting->count; connecting->at++) {
        err = connect_one(stream, &connecting->endpoints[connecting->at]);
        if (err == -EAGAIN && tocsin__stream_is(stream, TOCSIN__STREAM_UNIX)) {
            retry_later(stream);
            return;
        }
        if (err == -EINPROGRESS)
            err = tocsin__readiness_want(tocsin__stream_engine(stream), &stream->readiness,
                                         TOCSIN__READY_OUT);
        else if (err == 0)
            connected(stream);
        if (err == 0)
            return;
        tocsin__readiness_close(tocsin__stream_engine(stream), &stream->readiness);
        connecting->error = err;
    }
    connect_failed(stream);
}

void tocsin__connecting_serve(struct tocsin__stream *stream)
{
    struct tocsin__connecting *connecting = stream->busy->connecting;
    socklen_t size = sizeof(int);
    int err = 0;

    if (tocsin__medium_of(stream))
        return; /* the file is being opened */
    if (stream->readiness.place == TOCSIN__PLACE_CLOSED) {
        if (!tocsin__timer_armed(&connecting->retry))
            connect_next(stream);
        return;
    }
    if (!tocsin__stream_is(stream, TOCSIN__STREAM_WRITABLE | TOCSIN__STREAM_SHOCKED))
        return;
    if (tocsin__fault() || getsockopt(stream->readiness.fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
        err = ECONNRESET;
    if (err == 0) {
        connected(stream);
        return;
    }
    tocsin__readiness_close(tocsin__stream_engine(stream), &stream->readiness);
    tocsin__stream_unmark(stream, TOCSIN__STREAM_WRITABLE | TOCSIN__STREAM_SHOCKED |
                                      TOCSIN__STREAM_READABLE | TOCSIN__STREAM_LEFT);
    connecting->error = -err;
    connecting->at++;
    connect_next(stream);
}

/* The notify of the work that resolves the name. */
static void on_resolved(struct tocsin__resolve *resolve)
{
    struct tocsin__stream *stream;
    struct tocsin__connecting *connecting;

    if (tocsin__stream_find((struct tocsin_op){ { resolve->stream } }, &stream) < 0 ||
        stream->state != TOCSIN__STREAM_RESOLVING)
        return;
    connecting = stream->busy->connecting;
    connecting->resolving.source.id = 0;
    connecting->resolved_us = now_of(stream);
    connecting->count = resolve->count;
    memcpy(connecting->endpoints, resolve->found,
           (size_t)resolve->count * sizeof resolve->found[0]);
    connecting->error = TOCSIN_ENAME;
    if (resolve->error < 0) {
        tocsin__reason_set(stream, "resolve %s: %s", connecting->host, resolve->why);
        tocsin__stream_fail(stream, resolve->error);
        return;
    }
    tocsin__stream_set_state(stream, TOCSIN__STREAM_CONNECTING);
    tocsin__stream_wake(stream);
}

static int connecting_make(struct tocsin__stream *stream)
{
    struct tocsin__connecting *connecting = tocsin__stream_occupy(stream) == 0
                                                ? tocsin__alloc(sizeof *connecting)
                                                : NULL;

    if (!connecting)
        return -ENOMEM;
    connecting->stream = stream;
    connecting->retry.fire = on_retry;
    connecting->began_us = connecting->resolved_us = now_of(stream);
    stream->busy->connecting = connecting;
    return 0;
}

/* Connects in the next turn, so that the result is announced after the start has returned. */
int tocsin__connect_begin(struct tocsin__stream *stream, const struct tocsin__address *address,
                          const struct tocsin__address *local)
{
    struct tocsin__connecting *connecting;
    int err = connecting_make(stream);

    if (err == 0)
        err = tocsin__limit_set(stream, stream->settings->open_ms, open_timed_out);
    if (err < 0)
        return err;
    connecting = stream->busy->connecting;
    if (local)
        connecting->local = local->endpoint;
    stream->readiness.place = TOCSIN__PLACE_CLOSED;
    if (!address->endpoint.size) {
        strcpy(connecting->host, address->name);
        err = tocsin__resolve_start(address->name, address->port,
                                    tocsin__op_id(tocsin__stream_op(stream)), on_resolved,
                                    &connecting->resolving);
        if (err < 0)
            connecting->resolving.source.id = 0;
        else
            tocsin__stream_set_state(stream, TOCSIN__STREAM_RESOLVING);
        return err;
    }
    connecting->endpoints[0] = address->endpoint;
    connecting->count = 1;
    tocsin__stream_set_state(stream, TOCSIN__STREAM_CONNECTING);
    tocsin__stream_wake(stream);
    return 0;
}

/* Makes a descriptor that is not a socket non-blocking. Other processes may share its open file
   description (a terminal, standard input), so it is opened anew if possible. */
static int adopt_nonblocking(struct tocsin__stream *stream, int fd, int flags)
{
    int bits = fcntl(fd, F_GETFD), fresh;
    char path[32];

    if (flags & O_NONBLOCK)
        return 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    fresh = tocsin__fault() ? -1
                            : open(path, (flags & O_ACCMODE) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fresh >= 0) {
        bool is_replaced = dup3(fresh, fd, bits & FD_CLOEXEC ? O_CLOEXEC : 0) >= 0;

        tocsin__fd_close(fresh);
        if (is_replaced)
            return 0;
    }
    if (tocsin__fault() || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    tocsin__stream_mark(stream, TOCSIN__STREAM_NONBLOCK);
    return 0;
}

static int adopt_socket(struct tocsin__stream *stream, int fd)
{
    int type = 0, domain = 0, listens = 0;
    socklen_t size = sizeof(int);

    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
    if (type != SOCK_STREAM || listens)
        return tocsin__because(-EINVAL, "descriptor %d is not a connected stream socket", fd);
    tocsin__stream_mark(stream, TOCSIN__STREAM_SOCKET);
    if (domain == AF_UNIX)
        tocsin__stream_mark(stream, TOCSIN__STREAM_UNIX);
    set_socket_options(stream, fd);
    return 0;
}

static int adopt_kind(struct tocsin__stream *stream, int fd)
{
    struct stat stat;
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fstat(fd, &stat) < 0)
        return -EBADF;
    if (S_ISDIR(stat.st_mode))
        return -EISDIR;
    if ((flags & O_ACCMODE) == O_RDONLY)
        stream->out = TOCSIN__SIDE_NONE;
    if ((flags & O_ACCMODE) == O_WRONLY)
        stream->in = TOCSIN__SIDE_NONE;
    if (S_ISSOCK(stat.st_mode))
        return adopt_socket(stream, fd);
    return S_ISREG(stat.st_mode) ? 0 : adopt_nonblocking(stream, fd, flags);
}

int tocsin__connect_adopt(struct tocsin__stream *stream, int fd)
{
    struct tocsin__engine *engine = tocsin__stream_engine(stream);
    int err = adopt_kind(stream, fd);

    if (err == 0)
        err = connecting_make(stream);
    if (err == 0)
        err = tocsin__readiness_open(engine, &stream->readiness, fd);
    if (err == 0 && tocsin__readiness_is_always(&stream->readiness))
        err = tocsin__disk_adopt(stream, fd);
    if (err < 0) {
        if (stream->readiness.place != TOCSIN__PLACE_CLOSED)
            tocsin__readiness_release(engine, &stream->readiness);
        return err;
    }
    connected(stream);
    return 0;
}

/* The file is open: the stream is connected. A FIFO or a terminal needs no thread: epoll reports
   it. */
static int opened(struct tocsin__stream *stream, int fd)
{
    int err = tocsin__readiness_open(tocsin__stream_engine(stream), &stream->readiness, fd);

    if (err < 0) {
        tocsin__readiness_release(tocsin__stream_engine(stream), &stream->readiness);
        tocsin__stream_fail(stream, err);
        return err;
    }
    connected(stream);
    return tocsin__readiness_is_always(&stream->readiness);
}

int tocsin__connect_file(struct tocsin__stream *stream, const struct tocsin__address *address)
{
    int err = connecting_make(stream);

    if (err == 0)
        err = tocsin__limit_set(stream, stream->settings->open_ms, open_timed_out);
    if (err < 0)
        return err;
    stream->readiness.place = TOCSIN__PLACE_CLOSED;
    tocsin__stream_set_state(stream, TOCSIN__STREAM_CONNECTING);
    return tocsin__disk_open(stream, address->path, stream->settings->flags, opened);
}
