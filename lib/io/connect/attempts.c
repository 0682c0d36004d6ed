/* Connecting the socket of a stream. */
#define _GNU_SOURCE /* SOCK_NONBLOCK */
#include <sys/socket.h>

#include "base/cancel.h"
#include "io/connect/attempts.h"

enum { RETRY_US = 20000 };

/* Opens a socket and begins to connect it. 0: it is connected; -EINPROGRESS; another -errno. */
static int connect_one(struct tocsin__stream *stream, const struct tocsin__endpoint *to)
{
    const struct tocsin__endpoint *local = &stream->busy->connecting->local;
    int fd = tocsin__fault()
                 ? (errno = EMFILE, -1)
                 : socket(to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
        err;

    if (fd < 0)
        return -errno;
    tocsin__stream_mark(stream, TOCSIN__STREAM_SOCKET);
    if (to->any.sa_family == AF_UNIX)
        tocsin__stream_mark(stream, TOCSIN__STREAM_UNIX);
    tocsin__connecting_set_options(stream, fd);
    err = local->size && bind(fd, &local->any, local->size) < 0 ? -errno : 0;
    if (err == 0 &&
        (tocsin__fault() ? (errno = ECONNREFUSED, -1) : connect(fd, &to->any, to->size)) < 0)
        err = -errno;
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

static void on_retry(struct tocsin__timer *timer)
{
    tocsin__stream_wake(tocsin__container(timer, struct tocsin__connecting, retry)->stream);
}

static void retry_later(struct tocsin__stream *stream)
{
    struct tocsin__engine *engine = tocsin__stream_engine(stream);

    stream->busy->connecting->retry.fire = on_retry;
    tocsin__timer_arm(engine, &stream->busy->connecting->retry, tocsin__now(engine) + RETRY_US);
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
            tocsin__connecting_connected(stream);
        if (err == 0)
            return;
        tocsin__readiness_close(tocsin__stream_engine(stream), &stream->readiness);
        connecting->error = err;
    }
    tocsin__stream_fail(stream, connecting->error);
}

void tocsin__attempts_serve(struct tocsin__stream *stream)
{
    struct tocsin__connecting *connecting = stream->busy->connecting;
    socklen_t size = sizeof(int);
    int err = 0;

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
        tocsin__connecting_connected(stream);
        return;
    }
    tocsin__readiness_close(tocsin__stream_engine(stream), &stream->readiness);
    tocsin__stream_unmark(stream, TOCSIN__STREAM_WRITABLE | TOCSIN__STREAM_SHOCKED |
                                      TOCSIN__STREAM_READABLE | TOCSIN__STREAM_LEFT);
    connecting->error = -err;
    connecting->at++;
    connect_next(stream);
}

void tocsin__attempts_drop(struct tocsin__connecting *connecting)
{
    tocsin__timer_disarm(tocsin__stream_engine(connecting->stream), &connecting->retry);
}
