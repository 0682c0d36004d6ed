#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "origin.h"

#include <arpa/inet.h>
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
#include <sys/socket.h>
#include <unistd.h>

#include "process.h"

enum { REQUEST_MAX = 8192 };

struct connection {
    struct bufferevent *stream;
    struct event *delay;
    int page, follow_up, closing;
};

static struct event_base *base;
static struct origin_counts counts;
static int delay_ms, port;

/* Functions that choose how the server answers a request for a page */

enum origin_fate origin_fate(int page)
{
    switch (page % 200) {
    case 8: return ORIGIN_NEVER;
    case 50:
    case 150: return ORIGIN_ERROR;
    case 70:
    case 170: return ORIGIN_RESETS;
    case 110: return ORIGIN_CUTS;
    default: return ORIGIN_ANSWERS;
    }
}

int64_t origin_delay_us(int page, int follow_up, int base_ms)
{
    int64_t us = (int64_t)base_ms * 10 * (75 + (page * 37 + follow_up * 23) % 51);
    int place = (page - 1) % 200 + 1;

    if (!follow_up && place <= 120 && page % 5 == 3)
        return us * 6;
    return place > 160 ? us / 2 : us;
}

int origin_has_follow_up(int page)
{
    return page % 25 != 24;
}

int origin_deadline_ms(int base_ms)
{
    return base_ms > 20 ? base_ms * 20 : 400;
}

/* Functions that send replies */

/* Adds the links of a page. A page names its follow-up in one of three ways. Each page also has a
   link that the client must not follow. */
static void add_links(const struct connection *c, struct evbuffer *header, struct evbuffer *body)
{
    if (c->follow_up || !origin_has_follow_up(c->page))
        evbuffer_add_printf(body, "<a href=\"https://elsewhere.example/\">elsewhere</a>\n");
    else if (c->page % 3 == 0) {
        evbuffer_add_printf(header, "Link: </page/1>; rel=\"first\", </page/%d/next>; rel=next\r\n",
                            c->page);
        evbuffer_add_printf(body, "<a href=\"/page/1\">first</a>\n");
    } else if (c->page % 3 == 1)
        evbuffer_add_printf(body,
                            "<a href=\"https://elsewhere.example/\">elsewhere</a>\n"
                            "<a href=\"http://127.0.0.1:%d/page/%d/next\">next</a>\n",
                            port, c->page);
    else
        evbuffer_add_printf(body, "<a class=link href='%d/next'>next</a>\n", c->page);
    if (c->follow_up)
        evbuffer_add_printf(body, "<a href=\"/page/%d\">back</a>\n", c->page);
}

static void add_body(const struct connection *c, struct evbuffer *header, struct evbuffer *body)
{
    size_t size = 1000 + (size_t)(c->page * 991 + c->follow_up * 613) % 7000;

    evbuffer_add_printf(body, "<!doctype html>\n<title>Page %d</title>\n", c->page);
    add_links(c, header, body);
    while (evbuffer_get_length(body) < size)
        evbuffer_add_printf(body, "<p>Line %zu of a page that says nothing else.\n",
                            evbuffer_get_length(body));
}

static void send_reply(struct connection *c, const char *status, size_t missing)
{
    struct evbuffer *out = bufferevent_get_output(c->stream), *body = evbuffer_new();

    evbuffer_add_printf(out, "HTTP/1.1 %s\r\nContent-Type: text/html\r\n", status);
    add_body(c, out, body);
    evbuffer_add_printf(out, "Content-Length: %zu\r\n\r\n", evbuffer_get_length(body) + missing);
    if (!missing)
        counts.bytes += (int64_t)evbuffer_get_length(body);
    evbuffer_add_buffer(out, body);
    evbuffer_free(body);
}

static void connection_free(struct connection *c)
{
    event_free(c->delay);
    bufferevent_free(c->stream);
    free(c);
}

static void reset(struct connection *c)
{
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(bufferevent_getfd(c->stream), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    connection_free(c);
}

static void on_delay_over(evutil_socket_t fd, short what, void *arg)
{
    struct connection *c = arg;

    (void)fd, (void)what;
    switch (c->follow_up ? ORIGIN_ANSWERS : origin_fate(c->page)) {
    case ORIGIN_ANSWERS: send_reply(c, c->page ? "200 OK" : "404 Not Found", 0); break;
    case ORIGIN_ERROR: send_reply(c, "500 Internal Server Error", 0); break;
    case ORIGIN_CUTS:
        send_reply(c, "200 OK", 1000);
        c->closing = 1;
        break;
    case ORIGIN_RESETS: reset(c); break;
    case ORIGIN_NEVER: break;
    }
}

/* Functions that read requests */

/* Parses a line such as "GET /page/17/next HTTP/1.1". For any other request, the page number is
   0. */
static void read_request(struct connection *c, const char *line)
{
    int end = 0;

    c->follow_up = 0;
    if (sscanf(line, "GET /page/%8d HTTP/1.%n", &c->page, &end) == 1 && end && c->page > 0)
        return;
    if (sscanf(line, "GET /page/%8d/next HTTP/1.%n", &c->page, &end) == 1 && end && c->page > 0)
        c->follow_up = 1;
    else
        c->page = 0;
}

static void on_readable(struct bufferevent *stream, void *arg)
{
    struct evbuffer *in = bufferevent_get_input(stream);
    struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
    struct connection *c = arg;

    if (end.pos < 0) {
        if (evbuffer_get_length(in) > REQUEST_MAX)
            connection_free(c);
        return;
    }
    char *line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF);
    read_request(c, line ? line : "");
    evbuffer_drain(in, (size_t)end.pos + 4 - (line ? strlen(line) + 2 : 0));
    free(line);

    enum origin_fate fate = c->follow_up ? ORIGIN_ANSWERS : origin_fate(c->page);
    int64_t delay_us = c->page ? origin_delay_us(c->page, c->follow_up, delay_ms) : 0;

    counts.requests++;
    counts.failures += fate != ORIGIN_ANSWERS || !c->page;
    /* Some bytes are sent before the reset. If no byte arrives, a client may repeat the request. */
    if (fate == ORIGIN_RESETS)
        bufferevent_write(stream, "HTTP/1.1 200 OK\r\nContent-", 25);
    event_add(c->delay,
              &(struct timeval){ .tv_sec = delay_us / 1000000, .tv_usec = delay_us % 1000000 });
}

static void on_written(struct bufferevent *stream, void *arg)
{
    struct connection *c = arg;

    (void)stream;
    if (c->closing)
        connection_free(c);
}

static void on_gone(struct bufferevent *stream, short what, void *arg)
{
    (void)stream, (void)what;
    connection_free(arg);
}

static void on_connected(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
                         int peer_size, void *arg)
{
    struct connection *c = calloc(1, sizeof *c);

    (void)listener, (void)peer, (void)peer_size, (void)arg;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    c->stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    c->delay = evtimer_new(base, on_delay_over, c);
    bufferevent_setcb(c->stream, on_readable, on_written, on_gone, c);
    bufferevent_enable(c->stream, EV_READ | EV_WRITE);
}

/* Functions that run the process of the origin */

static void on_asked(evutil_socket_t fd, short what, void *arg)
{
    char any;

    (void)what, (void)arg;
    if (read(fd, &any, 1) != 1 || write(fd, &counts, sizeof counts) != sizeof counts)
        event_base_loopbreak(base); /* the parent has ended, so the origin must end, too */
    memset(&counts, 0, sizeof counts);
}

static int serve(int listening, int control)
{
    struct event_config *config = event_config_new();

    signal(SIGPIPE, SIG_IGN);
    /* without this flag, each delay would be rounded up to a millisecond */
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    base = event_base_new_with_config(config);
    event_add(event_new(base, control, EV_READ | EV_PERSIST, on_asked, NULL), NULL);
    evconnlistener_new(base, on_connected, NULL, LEV_OPT_CLOSE_ON_FREE, 0, listening);
    return event_base_dispatch(base);
}

static int listen_on_loopback(int *ret_port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 1024) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        return -errno;
    *ret_port = ntohs(address.sin_port);
    return fd;
}

int origin_start(int base_ms, struct origin *ret_origin)
{
    int control[2], listening = listen_on_loopback(&port);

    if (listening < 0)
        return listening;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) < 0)
        return -errno;
    delay_ms = base_ms;
    pid_t pid = process_fork();
    if (pid == 0) {
        close(control[0]);
        _exit(serve(listening, control[1]) < 0);
    }
    close(listening);
    close(control[1]);
    *ret_origin = (struct origin){ pid, port, control[0] };
    return pid < 0 ? (int)pid : 0;
}

int origin_take(const struct origin *origin, struct origin_counts *ret_counts)
{
    if (write(origin->control, "?", 1) != 1 ||
        read(origin->control, ret_counts, sizeof *ret_counts) != sizeof *ret_counts)
        return -EPIPE;
    return 0;
}
