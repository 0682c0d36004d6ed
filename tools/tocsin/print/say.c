/* Prints without blocking. A pipe or a terminal is opened a second time with O_NONBLOCK. The flag
   is not set on descriptor 2 itself, since the shell shares its open file description. If the
   second open fails, poll(2) checks for room. For a socket, each send gets MSG_DONTWAIT. */
#define _GNU_SOURCE /* makes the headers declare pwritev2() */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <tocsin/text.h>

#include "print/say.h"

enum { PATIENCE_MS = 200 };

static enum { SHARED, OWN, SOCKET, PLAIN } kind;
static int fd = STDERR_FILENO;
/* The result of fstat() for fd. It shows whether fd is still the same file: if a plugin closes fd,
   another file may get its number. */
static struct stat identity;

static bool can_stall(const struct stat *stat)
{
    return S_ISFIFO(stat->st_mode) || S_ISCHR(stat->st_mode);
}

void say_begin(void)
{
    int own;

    if (fstat(STDERR_FILENO, &identity) < 0)
        return;
    own = can_stall(&identity)
              ? open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
              : -1;
    kind = own >= 0                     ? OWN
           : S_ISSOCK(identity.st_mode) ? SOCKET
           : can_stall(&identity)       ? SHARED
                                        : PLAIN;
    if (own < 0)
        own = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (own >= 0)
        fd = own;
}

static bool is_unchanged(int at)
{
    struct stat now;

    return fstat(at, &now) == 0 && now.st_dev == identity.st_dev && now.st_ino == identity.st_ino;
}

static bool has_room(int to, int wait_ms)
{
    struct pollfd one = { .fd = to, .events = POLLOUT };

    return poll(&one, 1, wait_ms) == 1 && one.revents & POLLOUT;
}

/* Writes to a shared pipe or terminal. Older kernels do not support RWF_NOWAIT there. */
static ssize_t put_shared(int to, const char *text, size_t size)
{
    ssize_t done = pwritev2(to, &(struct iovec){ (void *)text, size }, 1, -1, RWF_NOWAIT);

    if (done >= 0 || errno != EOPNOTSUPP)
        return done;
    if (has_room(to, 0))
        return write(to, text, size);
    errno = EAGAIN;
    return -1;
}

/* Writes to the system log. This is used if a plugin has closed the standard error and its copy. */
static ssize_t put_log(const char *text, size_t size)
{
    static const struct sockaddr_un log = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
    /* "<27>" is a syslog priority: facility daemon, level error */
    struct iovec parts[2] = { { (void *)"<27>", 4 }, { (void *)text, size - 1 } };
    const struct msghdr message = {
        .msg_name = (void *)&log,
        .msg_namelen = sizeof log,
        .msg_iov = parts,
        .msg_iovlen = 2,
    };
    int to = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ssize_t done = to < 0 ? -1 : sendmsg(to, &message, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (to >= 0)
        close(to);
    if (done > 0)
        return (ssize_t)size;
    errno = EBADF;
    return -1;
}

static ssize_t put(const char *text, size_t size)
{
    if (!is_unchanged(fd))
        return is_unchanged(STDERR_FILENO) ? put_shared(STDERR_FILENO, text, size)
                                           : put_log(text, size);
    if (kind == SOCKET)
        return send(fd, text, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    return kind == SHARED ? put_shared(fd, text, size) : write(fd, text, size);
}

void say_line(const char *line, size_t size)
{
    int was = errno;

    for (int tries = 0; size && tries < 3; tries++) {
        ssize_t done = put(line, size);

        line += done > 0 ? done : 0;
        size -= done > 0 ? (size_t)done : 0;
        if (done < 0 && errno != EINTR && (errno != EAGAIN || !has_room(fd, PATIENCE_MS)))
            break;
    }
    errno = was;
}

void say(const char *format, ...)
{
    char text[LINE_MOST], line[LINE_MOST] = "tocsin: ";
    size_t head = strlen(line), room = sizeof line - head - 1;
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size = size < 0 ? 0 : size < LINE_MOST ? size : LINE_MOST - 1;
    tocsin_text_plain(text, (size_t)size, line + head, room);
    head = strlen(line);
    line[head] = '\n';
    say_line(line, head + 1);
}
