/* System calls on the descriptor of a stream. */
#define _GNU_SOURCE /* MSG_CMSG_CLOEXEC */
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cancel.h"
#include "io/stream/medium.h"
#include "io/stream/wire.h"

/* Adds received descriptors to the list. If there is no memory, closes these descriptors. */
static void passed_keep(struct tocsin__busy *busy, const int *fds, uint32_t count)
{
    uint32_t had = busy->passed.count;
    int *all = tocsin__resize(busy->passed.fds, (had + count) * sizeof *all);

    for (uint32_t i = 0; i < count && !all; i++)
        tocsin__fd_close(fds[i]);
    if (!all)
        return;
    memcpy(all + had, fds, count * sizeof *all);
    busy->passed.fds = all;
    busy->passed.count = had + count;
}

void tocsin__wire_drop_passed(struct tocsin__busy *busy)
{
    for (; busy->passed.at < busy->passed.count; busy->passed.at++)
        tocsin__fd_close(busy->passed.fds[busy->passed.at]);
    tocsin__release(busy->passed.fds);
    busy->passed.fds = NULL;
    busy->passed.count = busy->passed.at = 0;
}

static ssize_t receive_message(struct tocsin__stream *stream, void *buffer, size_t size)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(TOCSIN__PASSED_MOST * sizeof(int))];
    struct iovec piece = { buffer, size };
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
    };
    ssize_t count = recvmsg(stream->readiness.fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (count < 0)
        return count;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
        int fds[TOCSIN__PASSED_MOST];
        size_t bytes = part->cmsg_len - CMSG_LEN(0);

        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        memcpy(fds, CMSG_DATA(part), bytes);
        passed_keep(stream->busy, fds, (uint32_t)(bytes / sizeof fds[0]));
    }
    return count;
}

static ssize_t receive_once(struct tocsin__stream *stream, void *buffer, size_t size)
{
    if (tocsin__fault())
        return errno = ECONNRESET, -1;
    if (tocsin__stream_is(stream, TOCSIN__STREAM_UNIX))
        return receive_message(stream, buffer, size);
    if (tocsin__stream_is(stream, TOCSIN__STREAM_SOCKET))
        return recv(stream->readiness.fd, buffer, size, MSG_DONTWAIT);
    return read(stream->readiness.fd, buffer, size);
}

/* A terminal reports by EIO that its other side was closed, so EIO means the end here. */
ssize_t tocsin__wire_receive(struct tocsin__stream *stream, void *buffer, size_t size)
{
    const struct tocsin__medium *medium = tocsin__medium_of(stream);
    ssize_t count;
    int cancel;

    if (medium)
        return medium->receive(stream, buffer, size);
    cancel = tocsin__cancel_off();
    do
        count = receive_once(stream, buffer, size);
    while (count < 0 && errno == EINTR);
    tocsin__cancel_back(cancel);
    if (count >= 0)
        return count;
    if (errno == EIO && isatty(stream->readiness.fd))
        return 0;
    return -errno;
}

static ssize_t send_message(struct tocsin__stream *stream, struct iovec *pieces, int count,
                            const int *fds, uint32_t fds_count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(TOCSIN__PASSED_MOST * sizeof(int))];
    struct msghdr message = { .msg_iov = pieces, .msg_iovlen = (size_t)count };
    struct cmsghdr *part = (struct cmsghdr *)control;

    if (count == 1 && !fds_count)
        return send(stream->readiness.fd, pieces->iov_base, pieces->iov_len,
                    MSG_DONTWAIT | MSG_NOSIGNAL);
    if (fds_count) {
        memset(control, 0, sizeof control);
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(fds_count * sizeof(int));
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(fds_count * sizeof(int));
        memcpy(CMSG_DATA(part), fds, fds_count * sizeof(int));
    }
    return sendmsg(stream->readiness.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

ssize_t tocsin__wire_send(struct tocsin__stream *stream, struct iovec *pieces, int count,
                          const int *fds, uint32_t fds_count)
{
    const struct tocsin__medium *medium = tocsin__medium_of(stream);
    ssize_t sent;
    int cancel;

    if (medium)
        return medium->send(stream, pieces, count);
    cancel = tocsin__cancel_off();
    do
        sent = tocsin__fault() ? (errno = ECONNRESET, -1)
               : tocsin__stream_is(stream, TOCSIN__STREAM_SOCKET)
                   ? send_message(stream, pieces, count, fds, fds_count)
                   : writev(stream->readiness.fd, pieces, count);
    while (sent < 0 && errno == EINTR);
    tocsin__cancel_back(cancel);
    return sent < 0 ? -errno : sent;
}

int tocsin__wire_peek(struct tocsin__stream *stream)
{
    const struct tocsin__medium *medium = tocsin__medium_of(stream);
    int count = 0;
    ssize_t seen;
    char byte;

    if (medium)
        return medium->peek ? medium->peek(stream) : 1;
    if (tocsin__fault())
        return -ECONNRESET;
    if (tocsin__stream_is(stream, TOCSIN__STREAM_SOCKET)) {
        seen = recv(stream->readiness.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        return seen < 0 ? -errno : (int)seen;
    }
    return ioctl(stream->readiness.fd, FIONREAD, &count) < 0 ? -errno : count > 0;
}

int tocsin__wire_take_error(struct tocsin__stream *stream)
{
    socklen_t size = sizeof(int);
    int err = 0;

    if (tocsin__stream_is(stream, TOCSIN__STREAM_SOCKET))
        getsockopt(stream->readiness.fd, SOL_SOCKET, SO_ERROR, &err, &size);
    return -err;
}

int tocsin__wire_error(struct tocsin__stream *stream)
{
    int err = tocsin__wire_take_error(stream);

    return err < 0 ? err : -EPIPE;
}

int tocsin__wire_finish(struct tocsin__stream *stream)
{
    const struct tocsin__medium *medium = tocsin__medium_of(stream);

    return medium ? medium->finish(stream) : 0;
}

int tocsin__wire_shutdown(struct tocsin__stream *stream)
{
    int err = tocsin__wire_finish(stream);

    if (err == 0 && tocsin__stream_is(stream, TOCSIN__STREAM_SOCKET))
        shutdown(stream->readiness.fd, SHUT_WR);
    return err;
}

void tocsin__wire_describe(const struct tocsin__stream *stream, struct tocsin_stream_facts *facts)
{
    const struct tocsin__medium *medium = tocsin__medium_of(stream);

    if (medium)
        medium->describe(stream, facts);
}

/* Clears O_NONBLOCK if the stream has set it, since other processes may share the open file
   description. */
void tocsin__wire_close(struct tocsin__stream *stream)
{
    struct tocsin__engine *engine = tocsin__stream_engine(stream);
    const struct tocsin__medium *medium = tocsin__medium_of(stream);
    int fd = stream->readiness.fd;

    if (medium && medium->is_queued && stream->readiness.place != TOCSIN__PLACE_CLOSED)
        tocsin__readiness_release(engine, &stream->readiness);
    if (medium)
        medium->close(stream);
    if (stream->readiness.place == TOCSIN__PLACE_CLOSED)
        return;
    if (tocsin__stream_is(stream, TOCSIN__STREAM_NONBLOCK) && !tocsin__inherited(engine->loop))
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    if (tocsin__stream_is(stream, TOCSIN__STREAM_RESETS) &&
        tocsin__stream_is(stream, TOCSIN__STREAM_SOCKET))
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
    tocsin__readiness_close(engine, &stream->readiness);
}
