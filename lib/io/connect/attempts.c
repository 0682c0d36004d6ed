/* Connects the socket of a stream as RFC 8305 says: if an attempt takes long, the next one begins
   beside it. The first attempt that is connected wins. */
#define _GNU_SOURCE /* SOCK_NONBLOCK */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cancel.h"
#include "io/connect/attempts.h"
#include "io/stream/reason.h"

enum {
    /* tries again after tries again after the backlog of a Unix socket was full */
    RETRY_US = 20000,
    DELAY_US = 250000 /* RFC 8305 section 5: time until the next attempt begins */
};

/* An attempt beside the one that has the readiness of the stream. */
struct tocsin__attempt {
    struct tocsin__attempt *next;
    struct tocsin__readiness readiness;
    struct tocsin__stream *stream;
    const struct tocsin__endpoint *to;
    bool was_reported;
};

/* Orders the addresses by RFC 8305 section 4: the address families alternate, beginning with the
   family of the first address. */
void tocsin__attempts_order(struct tocsin__connecting *connecting)
{
    struct tocsin__endpoint *all = connecting->endpoints, moved;
    sa_family_t family = all[0].any.sa_family;

    for (int i = 1; i < connecting->count; i++) {
        int other = i;

        while (other < connecting->count && all[other].any.sa_family == family)
            other++;
        if (other == connecting->count)
            return;
        moved = all[other];
        memmove(&all[i + 1], &all[i], (size_t)(other - i) * sizeof all[0]);
        all[i] = moved;
        family = moved.any.sa_family;
    }
}

static bool primary_is_free(const struct tocsin__stream *stream)
{
    return stream->readiness.place == TOCSIN__PLACE_CLOSED;
}

static bool some_are_under_way(const struct tocsin__stream *stream)
{
    return !primary_is_free(stream) || stream->busy->connecting->attempts;
}

static void primary_close(struct tocsin__stream *stream)
{
    tocsin__readiness_close(tocsin__stream_engine(stream), &stream->readiness);
    tocsin__stream_unmark(stream, TOCSIN__STREAM_WRITABLE | TOCSIN__STREAM_SHOCKED |
                                      TOCSIN__STREAM_READABLE | TOCSIN__STREAM_LEFT);
}

static void attempt_failed(struct tocsin__stream *stream, const struct tocsin__endpoint *to,
                           const char *step, int err)
{
    stream->busy->connecting->error = err;
    stream->busy->connecting->failed = to;
    stream->busy->connecting->failed_step = step;
}

/* Runs in a callback of libevent, so it only records the report. */
static void on_attempt(struct tocsin__readiness *readiness, unsigned what)
{
    struct tocsin__attempt *attempt = tocsin__container(readiness, struct tocsin__attempt,
                                                        readiness);

    attempt->was_reported |= (what & (TOCSIN__READY_OUT | TOCSIN__READY_BROKEN)) != 0;
    tocsin__stream_wake(attempt->stream);
}

static void attempt_free(struct tocsin__attempt **link)
{
    struct tocsin__attempt *attempt = *link;

    *link = attempt->next;
    tocsin__readiness_close(tocsin__stream_engine(attempt->stream), &attempt->readiness);
    tocsin__release(attempt);
}

static void attempts_free(struct tocsin__connecting *connecting)
{
    while (connecting->attempts)
        attempt_free(&connecting->attempts);
}

/* Opens a socket and begins to connect it. 0: the socket is connected; -EINPROGRESS: not yet;
   another -errno. */
static int connect_one(struct tocsin__stream *stream, const struct tocsin__endpoint *to,
                       struct tocsin__readiness *readiness)
{
    const struct tocsin__endpoint *local = &stream->busy->connecting->local;
    struct tocsin__engine *engine = tocsin__stream_engine(stream);
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
    tocsin__connecting_set_options(stream, fd);
    err = local->size && bind(fd, &local->any, local->size) < 0 ? -errno : 0;
    stream->busy->connecting->step = err < 0 ? "bind to" : "connect to";
    if (err == 0 &&
        (tocsin__fault() ? (errno = ECONNREFUSED, -1) : connect(fd, &to->any, to->size)) < 0)
        err = errno == EINTR ? -EINPROGRESS : -errno; /* POSIX: an interrupted connect continues */
    if (err < 0 && err != -EINPROGRESS) {
        tocsin__fd_close(fd);
        return err;
    }
    if (tocsin__readiness_open(engine, readiness, fd) < 0 ||
        (err < 0 && tocsin__readiness_want(engine, readiness, TOCSIN__READY_OUT) < 0)) {
        tocsin__readiness_close(engine, readiness);
        return -ENOMEM;
    }
    return err;
}

/* The timer */

static void on_retry(struct tocsin__timer *timer)
{
    tocsin__stream_wake(tocsin__container(timer, struct tocsin__connecting, retry)->stream);
}

static void retry_in(struct tocsin__stream *stream, int64_t us)
{
    struct tocsin__engine *engine = tocsin__stream_engine(stream);

    stream->busy->connecting->retry.fire = on_retry;
    tocsin__timer_arm(engine, &stream->busy->connecting->retry, tocsin__now(engine) + us);
}

/* Ends of attempts */

/* Makes the descriptor of an attempt the descriptor of the stream. */
static int attempt_move(struct tocsin__stream *stream, struct tocsin__attempt **link)
{
    struct tocsin__engine *engine = tocsin__stream_engine(stream);
    int fd = tocsin__readiness_release(engine, &(*link)->readiness);

    attempt_free(link);
    primary_close(stream);
    if (tocsin__readiness_open(engine, &stream->readiness, fd) == 0)
        return 0;
    primary_close(stream);
    return -ENOMEM;
}

static void win(struct tocsin__stream *stream)
{
    struct tocsin__connecting *connecting = stream->busy->connecting;

    attempts_free(connecting);
    tocsin__timer_disarm(tocsin__stream_engine(stream), &connecting->retry);
    tocsin__connecting_connected(stream);
}

static int socket_error(int fd)
{
    socklen_t size = sizeof(int);
    int err = 0;

    if (tocsin__fault() || getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
        err = ECONNRESET;
    return -err;
}

/* Checks the attempts whose descriptors were reported. true: an attempt has won. *ret_failed says
 * whether an attempt has failed. */
static bool look_at_attempts(struct tocsin__stream *stream, bool *ret_failed)
{
    struct tocsin__connecting *connecting = stream->busy->connecting;
    struct tocsin__attempt **link = &connecting->attempts;
    int err;

    if (tocsin__stream_is(stream, TOCSIN__STREAM_WRITABLE | TOCSIN__STREAM_SHOCKED)) {
        err = socket_error(stream->readiness.fd);
        if (err == 0)
            return true;
        attempt_failed(stream, connecting->primary, "connect to", err);
        primary_close(stream);
        *ret_failed = true;
    }
    while (*link) {
        const struct tocsin__endpoint *to = (*link)->to;

        if (!(*link)->was_reported) {
            link = &(*link)->next;
            continue;
        }
        err = socket_error((*link)->readiness.fd);
        if (err == 0)
            err = attempt_move(stream, link);
        else
            attempt_free(link);
        if (err == 0)
            return true;
        attempt_failed(stream, to, "connect to", err);
        *ret_failed = true;
    }
    return false;
}

/* Beginning an attempt */

static int primary_begin(struct tocsin__stream *stream, const struct tocsin__endpoint *to)
{
    int err = connect_one(stream, to, &stream->readiness);

    if (err == 0 || err == -EINPROGRESS)
        stream->busy->connecting->primary = to;
    return err;
}

static int attempt_begin(struct tocsin__stream *stream, const struct tocsin__endpoint *to)
{
    struct tocsin__connecting *connecting = stream->busy->connecting;
    struct tocsin__attempt *attempt;
    int err;

    if (primary_is_free(stream))
        return primary_begin(stream, to);
    attempt = tocsin__alloc(sizeof *attempt);
    if (!attempt)
        return -ENOMEM;
    attempt->stream = stream;
    attempt->to = to;
    attempt->readiness.fd = -1;
    attempt->readiness.report = on_attempt;
    attempt->next = connecting->attempts;
    connecting->attempts = attempt;
    err = connect_one(stream, to, &attempt->readiness);
    if (err == 0)
        return attempt_move(stream, &connecting->attempts);
    if (err != -EINPROGRESS)
        attempt_free(&connecting->attempts);
    return err;
}

static bool is_shortage(int err)
{
    return err == -EMFILE || err == -ENFILE || err == -ENOBUFS || err == -ENOMEM;
}

/* Begins the next attempt, skipping addresses that are refused at once. true: the attempt has won.
   If there is no descriptor while other attempts run, the address is tried again later. */
static bool begin_next(struct tocsin__stream *stream)
{
    struct tocsin__connecting *connecting = stream->busy->connecting;

    for (; connecting->at < connecting->count; connecting->at++) {
        const struct tocsin__endpoint *to = &connecting->endpoints[connecting->at];
        int err = attempt_begin(stream, to);

        if (err == 0)
            return true;
        if (err == -EAGAIN && to->any.sa_family == AF_UNIX) {
            retry_in(stream, RETRY_US);
            return false;
        }
        if (is_shortage(err) && some_are_under_way(stream))
            break;
        if (err == -EINPROGRESS) {
            connecting->at++;
            break;
        }
        attempt_failed(stream, to, connecting->step, err);
    }
    if (connecting->at < connecting->count)
        retry_in(stream, DELAY_US);
    else
        tocsin__timer_disarm(tocsin__stream_engine(stream), &connecting->retry);
    return false;
}

/* Writes ", the last of N addresses of HOST" if there were several, or ", the address of HOST". */
static void host_text(const struct tocsin__connecting *connecting, char *buffer, size_t size)
{
    *buffer = 0;
    if (*connecting->name && connecting->count > 1)
        snprintf(buffer, size, ", the last of %d addresses of %s", connecting->count,
                 connecting->name);
    else if (*connecting->name)
        snprintf(buffer, size, ", the address of %s", connecting->name);
}

/* Fails the stream, since it could not connect to any of its addresses. */
static void all_failed(struct tocsin__stream *stream)
{
    const struct tocsin__connecting *connecting = stream->busy->connecting;
    const char *error = tocsin__reason_text(connecting->error);
    char address[128], host[300];

    tocsin__address_text(strcmp(connecting->failed_step, "bind to") == 0 ? &connecting->local
                                                                         : connecting->failed,
                         address, sizeof address);
    host_text(connecting, host, sizeof host);
    tocsin__reason_set(stream, "%s %s%s: %s", connecting->failed_step, address, host, error);
    tocsin__stream_fail(stream, connecting->error);
}

void tocsin__attempts_serve(struct tocsin__stream *stream)
{
    struct tocsin__connecting *connecting = stream->busy->connecting;
    bool has_failed = false, has_won = look_at_attempts(stream, &has_failed);

    if (!has_won && (has_failed || !tocsin__timer_armed(&connecting->retry)))
        has_won = begin_next(stream);
    if (has_won)
        win(stream);
    else if (!some_are_under_way(stream) && !tocsin__timer_armed(&connecting->retry))
        all_failed(stream);
}

void tocsin__attempts_drop(struct tocsin__connecting *connecting)
{
    tocsin__timer_disarm(tocsin__stream_engine(connecting->stream), &connecting->retry);
    attempts_free(connecting);
}
