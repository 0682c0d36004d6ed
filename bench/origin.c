#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* for accept4() */
#endif
#include "origin.h"
#include "bench.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DESCRIPTORS = 1024, EVENTS = 64 };

static char reply[ORIGIN_BODY_BYTES + 512];
static size_t reply_size;
/* For each descriptor: how many bytes of the empty line at the end of a request have arrived. */
static unsigned char matched[DESCRIPTORS];

static void make_reply(void)
{
    int length = snprintf(
        reply, sizeof reply,
        "HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nContent-Length: "
        "%d\r\n\r\n",
        ORIGIN_BODY_BYTES);

    memset(reply + length, 'x', ORIGIN_BODY_BYTES);
    reply_size = (size_t)length + ORIGIN_BODY_BYTES;
}

static void accept_one(int poll, int listener)
{
    int on = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

    if (fd < 0)
        return;
    if (fd >= DESCRIPTORS || epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event)) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    matched[fd] = 0;
}

/* Returns the number of requests that end in these bytes. A GET request ends with an empty line. */
static int requests_in(int fd, const char *bytes, ssize_t size)
{
    int requests = 0;

    for (ssize_t i = 0; i < size; i++) {
        if (bytes[i] == "\r\n\r\n"[matched[fd]])
            matched[fd]++;
        else
            matched[fd] = bytes[i] == '\r';
        if (matched[fd] == 4)
            matched[fd] = 0, requests++;
    }
    return requests;
}

/* Replies to the requests that have arrived. If the client reads its replies, a reply always fits
   into the buffer of the socket. */
static void serve(int fd)
{
    char bytes[4096];
    ssize_t size = recv(fd, bytes, sizeof bytes, 0);
    int requests;

    if (size < 0 && errno == EAGAIN)
        return;
    requests = size > 0 ? requests_in(fd, bytes, size) : -1;
    while (requests > 0 && send(fd, reply, reply_size, MSG_NOSIGNAL) == (ssize_t)reply_size)
        requests--;
    if (requests)
        close(fd);
}

static void serve_for_ever(int listener)
{
    struct epoll_event events[EVENTS], event = { .events = EPOLLIN, .data.fd = listener };
    int poll = epoll_create1(EPOLL_CLOEXEC), count;

    if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event))
        _exit(1);
    while ((count = epoll_wait(poll, events, EVENTS, -1)) >= 0 || errno == EINTR)
        for (int i = 0; i < count; i++)
            if (events[i].data.fd == listener)
                accept_one(poll, listener);
            else
                serve(events[i].data.fd);
    _exit(1);
}

static int listen_on_loopback(int *ret_port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err;

    if (listener < 0)
        return -errno;
    if (!bind(listener, (struct sockaddr *)&address, size) && !listen(listener, 512) &&
        !getsockname(listener, (struct sockaddr *)&address, &size)) {
        *ret_port = ntohs(address.sin_port);
        return listener;
    }
    err = -errno;
    close(listener);
    return err;
}

int origin_start(struct origin *ret_origin)
{
    int listener = listen_on_loopback(&ret_origin->port);

    if (listener < 0)
        return listener;
    make_reply();
    ret_origin->pid = bench_fork();
    if (ret_origin->pid == 0) {
        alarm(0); /* The alarm is cancelled, since the origin lives as long as its parent. */
        serve_for_ever(listener);
    }
    close(listener);
    return ret_origin->pid < 0 ? -EAGAIN : 0;
}

void origin_stop(struct origin *origin)
{
    if (origin->pid > 0) {
        kill(origin->pid, SIGKILL);
        waitpid(origin->pid, NULL, 0);
    }
    origin->pid = 0;
}
