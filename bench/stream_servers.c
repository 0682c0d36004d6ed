/* The servers of bench/stream and bench/idle: tocsin, plain epoll, libevent's bufferevent. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* for accept4() */
#endif
#include "bench.h"
#include "peer_stream.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <tocsin/io.h>
#include <unistd.h>

static char block[STREAM_BLOCK];
static enum stream_mode mode;
static bool is_unix;

static void set_nodelay(int fd)
{
    int on = 1;

    if (!is_unix)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* tocsin */

static int on_received(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);

    (void)arg;
    return came && mode == STREAM_ECHO
               ? tocsin_stream_write(tocsin_info_op(info), came->data.data, came->data.size)
               : 0;
}

static void on_sent(void *arg)
{
    (void)arg; /* the block is never freed */
}

/* Lends the block, as uv_write does. */
static int on_writable(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op stream = arg ? tocsin_listener_accepted_of(info)->stream
                                  : tocsin_info_op(info);
    const struct tocsin_bytes part = { block, sizeof block };
    const struct tocsin_outgoing outgoing = { .parts = &part, .count = 1, .drop = on_sent };
    int queued = 0;

    while (queued == 0)
        queued = tocsin_stream_write_with(stream, &outgoing);
    return 0;
}

static void tocsin_serve(int listener, enum stream_mode how, bool is_local)
{
    static int is_accepted;
    struct tocsin_stream_options stream = { .high_bytes = STREAM_QUEUED - STREAM_BLOCK };
    struct tocsin_listen_options options = { .stream = &stream,
                                             .notify = TOCSIN_EACH(on_received, NULL) };
    char address[32];

    mode = how;
    is_unix = is_local;
    snprintf(address, sizeof address, "fd:%d", listener);
    if (how == STREAM_SOURCE && (tocsin_on("stream.drained", on_writable, NULL) < 0 ||
                                 tocsin_on("listener.accepted", on_writable, &is_accepted) < 0))
        stream_die("tocsin_on");
    if (tocsin_listen(address, &options, NULL, NULL) < 0 || tocsin_run() < 0)
        stream_die("tocsin");
}

/* Plain epoll: what a careful programmer writes for this job alone. A stream of the mode source
   writes until the socket is full. */

static void epoll_accept(int poll, int listener)
{
    struct epoll_event event = { .events = mode == STREAM_SOURCE ? EPOLLOUT : EPOLLIN };

    for (int i = 0; i < 64; i++) {
        event.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (event.data.fd < 0)
            return;
        set_nodelay(event.data.fd);
        if (epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event))
            stream_die("epoll_ctl");
    }
}

static void epoll_serve_one(int fd)
{
    static char bytes[STREAM_BLOCK];
    ssize_t size;

    if (mode == STREAM_SOURCE) {
        do
            size = send(fd, block, sizeof block, MSG_NOSIGNAL);
        while (size == sizeof block);
    } else {
        size = recv(fd, bytes, sizeof bytes, 0);
        if (size > 0 && mode == STREAM_ECHO)
            size = send(fd, bytes, (size_t)size, MSG_NOSIGNAL);
    }
    if (size == 0 || (size < 0 && errno != EAGAIN))
        close(fd);
}

static void epoll_serve(int listener, enum stream_mode how, bool is_local)
{
    struct epoll_event events[64], event = { .events = EPOLLIN, .data.fd = listener };
    int poll = epoll_create1(EPOLL_CLOEXEC), count;

    mode = how;
    is_unix = is_local;
    if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event))
        stream_die("epoll");
    while ((count = epoll_wait(poll, events, 64, -1)) >= 0)
        for (int i = 0; i < count; i++)
            if (events[i].data.fd == listener)
                epoll_accept(poll, listener);
            else
                epoll_serve_one(events[i].data.fd);
}

/* libevent */

static void on_buffer_read(struct bufferevent *buffer, void *arg)
{
    struct evbuffer *input = bufferevent_get_input(buffer);

    (void)arg;
    if (mode == STREAM_ECHO)
        evbuffer_add_buffer(bufferevent_get_output(buffer), input);
    else
        evbuffer_drain(input, evbuffer_get_length(input));
}

static void on_buffer_write(struct bufferevent *buffer, void *arg)
{
    (void)arg;
    while (evbuffer_get_length(bufferevent_get_output(buffer)) < STREAM_QUEUED)
        bufferevent_write(buffer, block, sizeof block);
}

static void on_buffer_event(struct bufferevent *buffer, short what, void *arg)
{
    (void)arg;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        bufferevent_free(buffer);
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
                          struct sockaddr *peer, int size, void *base)
{
    struct bufferevent *buffer = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);

    (void)listener, (void)peer, (void)size;
    if (!buffer)
        stream_die("bufferevent_socket_new");
    set_nodelay(fd);
    bufferevent_setcb(buffer, on_buffer_read, mode == STREAM_SOURCE ? on_buffer_write : NULL,
                      on_buffer_event, NULL);
    bufferevent_enable(buffer, EV_READ | EV_WRITE);
    if (mode == STREAM_SOURCE)
        on_buffer_write(buffer, NULL);
}

/* Without descriptors, libevent would print a warning for each pass of its loop. */
static void on_warning(int severity, const char *text)
{
    (void)severity, (void)text;
}

static void libevent_serve(int listener, enum stream_mode how, bool is_local)
{
    struct event_base *base = event_base_new();

    mode = how;
    is_unix = is_local;
    signal(SIGPIPE, SIG_IGN);
    event_set_log_callback(on_warning);
    if (!base || !evconnlistener_new(base, on_connection, base, LEV_OPT_CLOSE_ON_FREE, 0, listener))
        stream_die("evconnlistener_new");
    event_base_dispatch(base);
}

const char *const stream_names[STREAM_SERVERS] = { "tocsin", "epoll", "libevent", "libuv" };

void stream_servers_find(struct stream_server servers[STREAM_SERVERS])
{
    static const stream_serve serve[STREAM_SERVERS] = { tocsin_serve, epoll_serve, libevent_serve };

    for (int i = 0; i < STREAM_SERVERS; i++)
        servers[i] = (struct stream_server){ stream_names[i], serve[i], NULL };
    servers[3].program = bench_find("peer_stream_libuv");
    if (!servers[3].program)
        bench_remark("libuv: not built: libuv1-dev was not installed");
}
