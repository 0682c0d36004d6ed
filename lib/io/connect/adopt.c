/* Opens streams of descriptors that are open already, and of files. */
#define _GNU_SOURCE /* O_CLOEXEC, dup3 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/refusal.h"
#include "io/disk/disk.h"
#include "io/connect/adopt.h"
#include "io/connect/connecting.h"
#include "io/stream/limits.h"

/* Makes a descriptor that is not a socket non-blocking. Other processes may share its open file
   description (a terminal, standard input), so the file is opened again if possible, and only the
   new description gets O_NONBLOCK. */
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
    tocsin__connecting_set_options(stream, fd);
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

int tocsin__adopt(struct tocsin__stream *stream, int fd)
{
    struct tocsin__engine *engine = tocsin__stream_engine(stream);
    int err = adopt_kind(stream, fd);

    if (err == 0)
        err = tocsin__connecting_make(stream);
    if (err == 0)
        err = tocsin__readiness_open(engine, &stream->readiness, fd);
    if (err == 0 && tocsin__readiness_is_always(&stream->readiness))
        err = tocsin__disk_adopt(stream, fd);
    if (err < 0) {
        if (stream->readiness.place != TOCSIN__PLACE_CLOSED)
            tocsin__readiness_release(engine, &stream->readiness);
        return err;
    }
    tocsin__connecting_connected(stream);
    return 0;
}

/* Called when a file has been opened: the stream is connected. Returns 0 if the stream uses the
   descriptor itself, as for a FIFO or a terminal, which epoll can watch; 1 if the threads for files
   must serve it. */
static int opened(struct tocsin__stream *stream, int fd)
{
    int err = tocsin__readiness_open(tocsin__stream_engine(stream), &stream->readiness, fd);

    if (err < 0) {
        tocsin__readiness_release(tocsin__stream_engine(stream), &stream->readiness);
        tocsin__stream_fail(stream, err);
        return err;
    }
    tocsin__connecting_connected(stream);
    return tocsin__readiness_is_always(&stream->readiness);
}

int tocsin__adopt_file(struct tocsin__stream *stream, const struct tocsin__address *address)
{
    int err = tocsin__connecting_make(stream);

    if (err == 0)
        err = tocsin__limit_set(stream, stream->settings->open_ms, tocsin__connecting_timed_out);
    if (err < 0)
        return err;
    stream->readiness.place = TOCSIN__PLACE_CLOSED;
    tocsin__stream_set_state(stream, TOCSIN__STREAM_CONNECTING);
    return tocsin__disk_open(stream, address->path, stream->settings->flags, opened);
}
