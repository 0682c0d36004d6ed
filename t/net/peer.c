#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "peer.h"

enum { REQUEST_MAX = 4 << 20 };

struct connection {
    struct peer *peer;
    struct connection *next;
    pthread_t thread;
    int fd;
    SSL *tls;
    char *in; /* the bytes that were received and not processed yet */
    size_t in_size;
};

struct peer {
    int fd, port;
    bool rude, alone, stopping;
    SSL_CTX *tls;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t change;
    struct connection *connections;
    int requests, opened, open, open_most, busy, busy_most, waiting, released;
    char *raw;
    size_t raw_size;
    enum peer_end raw_end;
};

struct request {
    char method[16], path[1024];
    char *text;
    size_t header_size, body_size;
    bool close;
};

char peer_byte_at(size_t offset)
{
    return (char)('a' + offset % 23);
}

/* Functions that read from and write to a connection */

static ssize_t receive(struct connection *c, void *data, size_t size)
{
    return c->tls ? SSL_read(c->tls, data, (int)size) : recv(c->fd, data, size, 0);
}

static bool transmit(struct connection *c, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = c->tls ? SSL_write(c->tls, data, (int)(size < 16384 ? size : 16384))
                           : send(c->fd, data, size, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        data += n, size -= (size_t)n;
    }
    return true;
}

static bool say(struct connection *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static bool say(struct connection *c, const char *format, ...)
{
    char text[4096];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return transmit(c, text, strlen(text));
}

static bool more(struct connection *c)
{
    char *in = realloc(c->in, c->in_size + 65537);
    ssize_t n;

    if (!in)
        abort();
    c->in = in;
    n = receive(c, in + c->in_size, 65536);
    if (n <= 0 || c->in_size > REQUEST_MAX)
        return false;
    c->in_size += (size_t)n;
    in[c->in_size] = 0;
    return true;
}

static bool read_request(struct connection *c, struct request *request)
{
    char *end, *length;

    while (!c->in || !(end = strstr(c->in, "\r\n\r\n")))
        if (!more(c))
            return false;
    request->header_size = (size_t)(end - c->in) + 4;
    length = strstr(c->in, "\r\nContent-Length:");
    request->body_size = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    if (strstr(c->in, " /refuse ") && strstr(c->in, " /refuse ") < end)
        request->body_size = 0;
    while (c->in_size < request->header_size + request->body_size)
        if (!more(c))
            return false;
    if (sscanf(c->in, "%15s %1023s", request->method, request->path) != 2)
        return false;
    request->text = c->in;
    return true;
}

/* Functions that send one kind of reply each */

static bool reply_echo(struct connection *c, const struct request *request)
{
    size_t size = request->header_size + request->body_size;

    return say(c, "HTTP/1.1 200 OK\r\nX-Peer: yes\r\nContent-Length: %zu\r\n\r\n", size) &&
           (strcmp(request->method, "HEAD") == 0 || transmit(c, request->text, size));
}

static bool send_bytes(struct connection *c, size_t from, size_t size)
{
    char *bytes = malloc(size + 1);
    bool sent;

    if (!bytes)
        abort();
    for (size_t i = 0; i < size; i++)
        bytes[i] = peer_byte_at(from + i);
    sent = transmit(c, bytes, size);
    free(bytes);
    return sent;
}

static bool reply_chunked(struct connection *c, size_t size)
{
    bool sent = say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-After\r\n\r\n");

    for (size_t from = 0, part; sent && from < size; from += part) {
        part = size - from < 1000 ? size - from : 1000;
        sent = say(c, "%zx\r\n", part) && send_bytes(c, from, part) && say(c, "\r\n");
    }
    return sent && say(c, "0\r\nX-After: yes\r\n\r\n");
}

static bool reply_redirect(struct connection *c, int code, const char *where)
{
    return say(c, "HTTP/1.1 %d Elsewhere\r\nLocation: %s\r\nContent-Length: 5\r\n\r\nthere", code,
               where);
}

static bool stopping(struct peer *peer)
{
    bool yes;

    pthread_mutex_lock(&peer->lock);
    yes = peer->stopping;
    pthread_mutex_unlock(&peer->lock);
    return yes;
}

static bool hold(struct connection *c, bool for_ever)
{
    struct peer *peer = c->peer;

    pthread_mutex_lock(&peer->lock);
    peer->waiting++;
    while (!peer->stopping && (for_ever || peer->released == 0))
        pthread_cond_wait(&peer->change, &peer->lock);
    peer->waiting--;
    if (!for_ever && peer->released > 0)
        peer->released--;
    pthread_mutex_unlock(&peer->lock);
    return !stopping(peer);
}

static bool reset(struct connection *c)
{
    const struct linger linger = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    return false;
}

static bool reply_slow(struct connection *c, const struct request *request, long ms)
{
    const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    nanosleep(&time, NULL);
    return reply_echo(c, request);
}

static bool reply_long_header(struct connection *c)
{
    bool sent = say(c, "HTTP/1.1 200 OK\r\n");

    for (int i = 0; sent && i < 20000; i++)
        sent = say(c, "X-Line-%d: 0123456789012345678901234567890123456789\r\n", i);
    return false;
}

static bool reply_raw(struct connection *c)
{
    struct peer *peer = c->peer;
    enum peer_end end;
    size_t size;
    char *data;

    pthread_mutex_lock(&peer->lock);
    size = peer->raw_size, end = peer->raw_end;
    data = malloc(size + 1);
    if (!data)
        abort();
    memcpy(data, peer->raw ? peer->raw : "", size);
    pthread_mutex_unlock(&peer->lock);
    transmit(c, data, size);
    free(data);
    if (end == PEER_NOTIFIES && c->tls)
        SSL_shutdown(c->tls);
    return end == PEER_RESETS ? reset(c) : end == PEER_KEEPS;
}

/* Replies whose text is always the same. */
static const struct {
    const char *path, *text;
    bool keeps; /* true if the connection stays open after the reply */
} fixed_replies[] = {
    { "/empty", "HTTP/1.1 204 No Content\r\nX-Peer: yes\r\n\r\n", true },
    { "/bad-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnone\r\n", false },
    { "/garbage", "SSH-2.0-peer\r\n", false },
    { "/refuse", "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno", true },
    { "/close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbye", false },
};

static bool reply_fixed(struct connection *c, const char *path)
{
    for (size_t i = 0; i < sizeof fixed_replies / sizeof fixed_replies[0]; i++)
        if (strcmp(path, fixed_replies[i].path) == 0)
            return say(c, "%s", fixed_replies[i].text) && fixed_replies[i].keeps;
    return strcmp(path, "/hang-up") != 0 &&
           say(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

/* Functions that send replies which end too early or come too late */
static bool reply_broken(struct connection *c, struct request *request)
{
    const char *path = request->path, *half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
    long n;

    if (sscanf(path, "/slow/%ld", &n) == 1)
        return reply_slow(c, request, n);
    if (strcmp(path, "/wait") == 0)
        return hold(c, false) && reply_echo(c, request);
    if (strcmp(path, "/never") == 0)
        return hold(c, true);
    if (strcmp(path, "/stall") == 0)
        return say(c, "%s", half) && send_bytes(c, 0, 50) && hold(c, true);
    if (strcmp(path, "/cut") == 0)
        return say(c, "%s", half) && send_bytes(c, 0, 50) && false;
    if (strcmp(path, "/cut-chunk") == 0)
        return say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n") &&
               send_bytes(c, 0, 50) && false;
    if (strcmp(path, "/reset") == 0)
        return reset(c);
    return reply_fixed(c, path);
}

static bool reply(struct connection *c, struct request *request)
{
    const char *path = request->path;
    char next[32];
    int code, used;
    long n;

    if (strcmp(path, "/echo") == 0)
        return reply_echo(c, request);
    if (sscanf(path, "/bytes/%ld", &n) == 1)
        return say(c, "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\n\r\n", n) &&
               send_bytes(c, 0, (size_t)n);
    if (sscanf(path, "/chunked/%ld", &n) == 1)
        return reply_chunked(c, (size_t)n);
    if (sscanf(path, "/status/%ld", &n) == 1)
        return say(c, "HTTP/1.1 %ld So It Is\r\nContent-Length: 4\r\n\r\nso\r\n", n);
    if (sscanf(path, "/to/%d/%n", &code, &used) == 1)
        return reply_redirect(c, code, path + used);
    if (strcmp(path, "/fragment") == 0)
        return reply_redirect(c, 302, "/echo#own");
    if (strcmp(path, "/loop") == 0)
        return reply_redirect(c, 302, "/loop");
    if (sscanf(path, "/hops/%ld", &n) == 1) {
        snprintf(next, sizeof next, n > 1 ? "/hops/%ld" : "/echo", n - 1);
        return reply_redirect(c, 302, next);
    }
    if (strcmp(path, "/early") == 0)
        return say(c, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n") &&
               reply_echo(c, request);
    if (strcmp(path, "/long-header") == 0)
        return reply_long_header(c);
    if (strncmp(path, "/raw", 4) == 0)
        return reply_raw(c);
    return reply_broken(c, request);
}

/* Functions that accept, serve and end connections */

static void busy(struct peer *peer, int by)
{
    pthread_mutex_lock(&peer->lock);
    peer->busy += by;
    peer->requests += by > 0;
    if (peer->busy > peer->busy_most)
        peer->busy_most = peer->busy;
    pthread_mutex_unlock(&peer->lock);
}

static bool serve_one(struct connection *c)
{
    struct request request = { .close = false };
    bool goes_on;

    if (!read_request(c, &request))
        return false;
    busy(c->peer, 1);
    goes_on = reply(c, &request);
    busy(c->peer, -1);
    c->in_size -= request.header_size + request.body_size;
    memmove(c->in, c->in + request.header_size + request.body_size, c->in_size + 1);
    return goes_on;
}

static void be_rude(struct connection *c)
{
    char byte[16];

    if (recv(c->fd, byte, sizeof byte, 0) < 0)
        return;
}

static void serve(struct connection *c)
{
    if (c->peer->rude) {
        be_rude(c);
        return;
    }
    if (c->peer->tls) {
        c->tls = SSL_new(c->peer->tls);
        SSL_set_fd(c->tls, c->fd);
        if (SSL_accept(c->tls) != 1)
            return;
    }
    while (serve_one(c))
        ;
}

/* A thread that has served its connection closes the descriptor, so that the client sees the end.
   If the thread still serves it, peer_stop() shuts the connection down. */
static void *run_connection(void *arg)
{
    struct connection *c = arg;

    serve(c);
    pthread_mutex_lock(&c->peer->lock);
    c->peer->open--;
    close(c->fd);
    c->fd = -1;
    pthread_cond_broadcast(&c->peer->change);
    pthread_mutex_unlock(&c->peer->lock);
    SSL_free(c->tls);
    OPENSSL_thread_stop();
    free(c->in);
    return NULL;
}

static void add_connection(struct peer *peer, int fd)
{
    struct connection *c = calloc(1, sizeof *c);

    if (!c)
        abort();
    c->peer = peer, c->fd = fd;
    pthread_mutex_lock(&peer->lock);
    peer->opened++, peer->open++;
    if (peer->open > peer->open_most)
        peer->open_most = peer->open;
    c->next = peer->connections;
    peer->connections = c;
    if (pthread_create(&c->thread, NULL, run_connection, c) != 0)
        abort();
    while (peer->alone && c->fd >= 0 && !peer->stopping)
        pthread_cond_wait(&peer->change, &peer->lock);
    pthread_mutex_unlock(&peer->lock);
}

static void *run_peer(void *arg)
{
    struct peer *peer = arg;

    for (int fd; (fd = accept(peer->fd, NULL, NULL)) >= 0 || errno == EMFILE;)
        if (fd >= 0)
            add_connection(peer, fd);
        else
            /* accept() has failed, since the test uses all descriptors. The server waits for 1 ms
               and tries again. */
            nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    return NULL;
}

static int listener(int *ret_port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        abort();
    *ret_port = ntohs(address.sin_port);
    return fd;
}

int peer_free_port(void)
{
    int port, fd = listener(&port);

    close(fd);
    return port;
}

static struct peer *start(SSL_CTX *tls, bool rude, bool alone)
{
    struct peer *peer = calloc(1, sizeof *peer);

    if (!peer)
        abort();
    peer->tls = tls, peer->rude = rude, peer->alone = alone;
    pthread_mutex_init(&peer->lock, NULL);
    pthread_cond_init(&peer->change, NULL);
    peer->fd = listener(&peer->port);
    if (listen(peer->fd, 1024) < 0 || pthread_create(&peer->thread, NULL, run_peer, peer) != 0)
        abort();
    return peer;
}

struct peer *peer_start(SSL_CTX *tls)
{
    return start(tls, false, false);
}

struct peer *peer_start_rude(void)
{
    return start(NULL, true, false);
}

struct peer *peer_start_alone(void)
{
    return start(NULL, false, true);
}

void peer_stop(struct peer *peer)
{
    shutdown(peer->fd, SHUT_RDWR);
    pthread_mutex_lock(&peer->lock);
    peer->stopping = true;
    pthread_cond_broadcast(&peer->change);
    pthread_mutex_unlock(&peer->lock);
    pthread_join(peer->thread, NULL);
    pthread_mutex_lock(&peer->lock);
    for (struct connection *c = peer->connections; c; c = c->next)
        if (c->fd >= 0)
            shutdown(c->fd, SHUT_RDWR);
    pthread_mutex_unlock(&peer->lock);
    for (struct connection *c; (c = peer->connections);) {
        peer->connections = c->next;
        pthread_join(c->thread, NULL);
        free(c);
    }
    close(peer->fd);
    SSL_CTX_free(peer->tls);
    free(peer->raw);
    pthread_cond_destroy(&peer->change);
    pthread_mutex_destroy(&peer->lock);
    free(peer);
}

void peer_release(struct peer *peer, int count)
{
    pthread_mutex_lock(&peer->lock);
    peer->released += count;
    pthread_cond_broadcast(&peer->change);
    pthread_mutex_unlock(&peer->lock);
}

int peer_port(const struct peer *peer)
{
    return peer->port;
}

void peer_raw(struct peer *peer, const void *data, size_t size, enum peer_end end)
{
    char *copy = malloc(size + 1);

    if (!copy)
        abort();
    memcpy(copy, data, size);
    pthread_mutex_lock(&peer->lock);
    free(peer->raw);
    peer->raw = copy, peer->raw_size = size, peer->raw_end = end;
    pthread_mutex_unlock(&peer->lock);
}

const char *peer_url_at(const struct peer *peer, const char *host, const char *path)
{
    static __thread char urls[64][1200];
    static __thread unsigned next;
    char *url = urls[next++ % 64];

    snprintf(url, sizeof urls[0], "%s://%s:%d%s", peer->tls ? "https" : "http", host, peer->port,
             path);
    return url;
}

const char *peer_url(const struct peer *peer, const char *path)
{
    return peer_url_at(peer, "127.0.0.1", path);
}

static int count(struct peer *peer, const int *which)
{
    int n;

    pthread_mutex_lock(&peer->lock);
    n = *which;
    pthread_mutex_unlock(&peer->lock);
    return n;
}

int peer_requests(struct peer *peer)
{
    return count(peer, &peer->requests);
}
int peer_connections(struct peer *peer)
{
    return count(peer, &peer->opened);
}
int peer_open_most(struct peer *peer)
{
    return count(peer, &peer->open_most);
}
int peer_busy_most(struct peer *peer)
{
    return count(peer, &peer->busy_most);
}
int peer_waiting(struct peer *peer)
{
    return count(peer, &peer->waiting);
}
