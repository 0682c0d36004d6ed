/* Contract line F3 for the system calls of streams: this program defines the system calls that
   lib/io makes, and lets one call in turn fail with each error that the kernel documents, or accept
   a single byte. A listener, a client, an echo, a pipe and a stream of lines work meanwhile, over
   TCP and over Unix sockets. An interrupted call, a short count and a spurious EAGAIN change no
   result. After any other error every operation has ended once, no descriptor is left, and a stream
   that reports success has its data. The number of failed calls is printed. */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "io/streams.h"

#include "faults.h"

/* The system calls */

enum call {
    READ,
    RECV,
    RECVMSG,
    SEND,
    SENDMSG,
    WRITEV,
    ACCEPT4,
    CONNECT,
    SOCKET,
    BIND,
    LISTEN,
    SETSOCKOPT,
    GETSOCKOPT,
    SHUTDOWN,
    EPOLL_CTL,
    EPOLL_CREATE1,
    CALLS
};

/* SHORT, instead of an errno: the call transfers one byte. */
enum { SHORT = -1, ERRORS = 10 };

static const struct {
    const char *name;
    int errors[ERRORS]; /* ends with 0 */
} calls[CALLS] = {
    [READ] = { "read", { EINTR, EAGAIN, SHORT, EIO, ECONNRESET, ETIMEDOUT, ENOMEM, ENOBUFS } },
    [RECV] = { "recv", { EINTR, EAGAIN, SHORT, ECONNRESET, ETIMEDOUT, ENOMEM, ENOBUFS } },
    [RECVMSG] = { "recvmsg", { EINTR, EAGAIN, SHORT, ECONNRESET, ETIMEDOUT, ENOMEM, ENOBUFS } },
    [SEND] = { "send", { EINTR, EAGAIN, SHORT, ECONNRESET, EPIPE, ETIMEDOUT, ENOMEM, ENOBUFS } },
    [SENDMSG] = { "sendmsg",
                  { EINTR, EAGAIN, SHORT, ECONNRESET, EPIPE, ETIMEDOUT, ENOMEM, ENOBUFS } },
    [WRITEV] = { "writev", { EINTR, EAGAIN, SHORT, EPIPE, ENOSPC, EIO, ENOMEM } },
    [ACCEPT4] = { "accept4",
                  { EINTR, EAGAIN, ECONNABORTED, EMFILE, ENFILE, ENOMEM, ENOBUFS, EPERM, EPROTO } },
    [CONNECT] = { "connect",
                  { EINTR, ECONNREFUSED, ETIMEDOUT, ENETUNREACH, EADDRNOTAVAIL, EAGAIN, ENOMEM } },
    [SOCKET] = { "socket", { EMFILE, ENFILE, ENOMEM, ENOBUFS, EAFNOSUPPORT } },
    [BIND] = { "bind", { EADDRINUSE, EACCES, ENOMEM } },
    [LISTEN] = { "listen", { EADDRINUSE, ENOMEM } },
    [SETSOCKOPT] = { "setsockopt", { ENOMEM, EINVAL } },
    [GETSOCKOPT] = { "getsockopt", { ENOBUFS } },
    [SHUTDOWN] = { "shutdown", { ENOTCONN } },
    [EPOLL_CTL] = { "epoll_ctl", { ENOMEM, ENOSPC } },
    [EPOLL_CREATE1] = { "epoll_create1", { EMFILE, ENFILE, ENOMEM } },
};

static __thread bool is_armed; /* the calls of this thread are counted, and may fail */
static enum call failing;
static int failing_error, failing_at; /* failing_at -1: all calls fail */
static int made, failed;              /* counts of calls of the failing kind in this run */

/* Returns 0, the errno with which this call fails, or SHORT. */
static int verdict(enum call call)
{
    if (!is_armed || call != failing)
        return 0;
    made++;
    if (failing_at >= 0 && made != failing_at)
        return 0;
    failed++;
    if (failing_error > 0)
        errno = failing_error;
    return failing_error;
}

static void *next_of(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);

    require(function);
    return function;
}

/* An interrupted connect continues in the background. */
static int interrupted(int result)
{
    if (result < 0 && errno != EINPROGRESS)
        return result;
    errno = EINTR;
    return -1;
}

/* Defines a system call, which asks verdict() first. short_statement makes it transfer one byte. */
#define DEFINE(call, type, name, parameters, arguments, short_statement) \
    type name parameters; \
    type name parameters \
    { \
        static type(*next) parameters; \
        int seen = verdict(call); \
        if (!next) \
            *(void **)&next = next_of(#name); \
        if (call == CONNECT && seen == EINTR) \
            return interrupted((int)next arguments); \
        if (seen > 0) \
            return -1; \
        if (seen == SHORT) { \
            short_statement; \
        } \
        return next arguments; \
    }

static size_t first_byte(const struct iovec *parts, int count, struct iovec *ret_one)
{
    int i = 0;

    while (i < count - 1 && parts[i].iov_len == 0)
        i++;
    *ret_one = (struct iovec){ parts[i].iov_base, parts[i].iov_len > 0 };
    return 1;
}

DEFINE(READ, ssize_t, read, (int fd, void *data, size_t size), (fd, data, size),
       size = size ? 1 : 0)
DEFINE(RECV, ssize_t, recv, (int fd, void *data, size_t size, int flags), (fd, data, size, flags),
       size = size ? 1 : 0)
DEFINE(RECVMSG, ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags),
       struct iovec one;
       struct msghdr less = *message;
       less.msg_iovlen = first_byte(less.msg_iov, (int)less.msg_iovlen, &one); less.msg_iov = &one;
       ssize_t count = next(fd, &less, flags); message->msg_controllen = less.msg_controllen;
       message->msg_flags = less.msg_flags; return count)
DEFINE(SEND, ssize_t, send, (int fd, const void *data, size_t size, int flags),
       (fd, data, size, flags), size = size ? 1 : 0)
DEFINE(SENDMSG, ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags),
       (fd, message, flags), struct iovec one;
       struct msghdr less = *message;
       less.msg_iovlen = first_byte(less.msg_iov, (int)less.msg_iovlen, &one); less.msg_iov = &one;
       return next(fd, &less, flags))
DEFINE(WRITEV, ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count),
       struct iovec one;
       first_byte(parts, count, &one); return next(fd, &one, 1))
DEFINE(ACCEPT4, int, accept4,
       (int fd, struct sockaddr *restrict peer, socklen_t *restrict size, int flags),
       (fd, peer, size, flags), (void)0)
DEFINE(CONNECT, int, connect, (int fd, const struct sockaddr *peer, socklen_t size),
       (fd, peer, size), (void)0)
DEFINE(SOCKET, int, socket, (int family, int type, int protocol), (family, type, protocol), (void)0)
DEFINE(BIND, int, bind, (int fd, const struct sockaddr *local, socklen_t size), (fd, local, size),
       (void)0)
DEFINE(LISTEN, int, listen, (int fd, int backlog), (fd, backlog), (void)0)
DEFINE(SETSOCKOPT, int, setsockopt,
       (int fd, int level, int name, const void *value, socklen_t size),
       (fd, level, name, value, size), (void)0)
DEFINE(GETSOCKOPT, int, getsockopt,
       (int fd, int level, int name, void *restrict value, socklen_t *restrict size),
       (fd, level, name, value, size), (void)0)
DEFINE(SHUTDOWN, int, shutdown, (int fd, int how), (fd, how), (void)0)
/* The kernel needs no memory to remove a descriptor. */
int epoll_ctl(int set, int what, int fd, struct epoll_event *event);
int epoll_ctl(int set, int what, int fd, struct epoll_event *event)
{
    static int (*next)(int set, int what, int fd, struct epoll_event *event);

    if (!next)
        *(void **)&next = next_of("epoll_ctl");
    return what != EPOLL_CTL_DEL && verdict(EPOLL_CTL) ? -1 : next(set, what, fd, event);
}

DEFINE(EPOLL_CREATE1, int, epoll_create1, (int flags), (flags), (void)0)

/* The job */

enum { LISTENER, CLIENT, ECHOED, FLUSHED, LEFT, RIGHT, PIPED, LINES, OUT, OUT_FLUSHED, STARTS };
enum { SIZE = 200 }; /* a Unix socket accepts this many unread messages of one byte */

static struct started all[STARTS];
static bool is_unix;
static char text[SIZE], echoed[SIZE], piped[SIZE + 1], out[SIZE + 1];
static int line_count, statuses[STARTS];

static void started(int which, int err)
{
    all[which].err = err;
}

static int on_end(const struct tocsin_info *info, void *arg)
{
    statuses[(struct started *)arg - all] = info->status;
    return on_started_end(info, arg);
}

static const struct tocsin_notify *end_of(int which)
{
    static struct tocsin_notify notifies[STARTS];

    notifies[which] =
        (struct tocsin_notify){ .mode = TOCSIN_AT_END, .fn = on_end, .arg = &all[which] };
    return &notifies[which];
}

static int on_echo(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);

    (void)arg;
    tocsin_stream_write(tocsin_info_op(info), came->data.data, came->data.size);
    return TOCSIN_NEXT;
}

static void keep(void *none)
{
    (void)none;
}

/* Starts a client of an echo server. Only accepted streams have the notify that echoes. */
static void start_echo(void)
{
    const struct tocsin_listen_options options = { .notify = TOCSIN_EACH(on_echo),
                                                   .most_per_address = 9 };
    const struct tocsin_bytes halves[] = { { text, SIZE / 2 }, { text + SIZE / 2, SIZE / 2 } };
    struct tocsin_stream_facts facts;
    char address[112] = "tcp:127.0.0.1:0";

    if (is_unix)
        snprintf(address, sizeof address, "unix:@tocsin-system-calls-%d", (int)getpid());
    started(LISTENER, tocsin_listen(address, &options, end_of(LISTENER), &all[LISTENER].op));
    if (tocsin_stream_get(all[LISTENER].op, &facts) == 0)
        strcpy(address, facts.local);
    started(CLIENT, tocsin_stream_open(address, &(struct tocsin_stream_options){ .open_ms = 2000 },
                                       end_of(CLIENT), &all[CLIENT].op));
    tocsin_stream_write_with(
        all[CLIENT].op, &(struct tocsin_outgoing){ .parts = halves, .count = 2, .drop = keep });
    started(FLUSHED, tocsin_stream_flush(all[CLIENT].op, end_of(FLUSHED), &all[FLUSHED].op));
    started(ECHOED, tocsin_stream_read(all[CLIENT].op,
                                       &(struct tocsin_part){
                                           .into = echoed, .size = SIZE, .flags = TOCSIN_EXACTLY },
                                       end_of(ECHOED), &all[ECHOED].op));
}

static void open_fd(int which, int fd, const struct tocsin_stream_options *options,
                    const struct tocsin_notify *notify)
{
    char address[32];

    snprintf(address, sizeof address, "fd:%d", fd);
    started(which, tocsin_stream_open(address, options, notify, &all[which].op));
    if (all[which].err < 0)
        close(fd);
}

static int on_line(const struct tocsin_info *info, void *arg)
{
    line_count += tocsin_stream_received_of(info) != NULL;
    return tocsin_stream_closed_of(info) ? on_end(info, arg) : TOCSIN_NEXT;
}

/* Starts a pipe: left_peer -> LEFT -> pipe -> RIGHT -> right_peer. Also OUT, a stream of a Unix
   pipe whose data out_peer reads. */
static void start_others(int *ret_right_peer, int *ret_out_peer)
{
    const struct tocsin_stream_options lines = { .part = { .until = "\n", .size = 100 } };
    int left[2], right[2], line[2], outgoing[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, left), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, right), 0);
    ck_assert_int_eq(pipe(line), 0);
    ck_assert_int_eq(pipe(outgoing), 0);
    ck_assert_int_eq(write(left[1], text, SIZE), SIZE);
    ck_assert_int_eq(write(line[1], "one\ntwo\nthree\n", 14), 14);
    close(left[1]);
    close(line[1]);
    is_armed = true;
    open_fd(LEFT, left[0], NULL, end_of(LEFT));
    open_fd(RIGHT, right[0], NULL, end_of(RIGHT));
    started(PIPED, tocsin_stream_pipe(all[LEFT].op, all[RIGHT].op, end_of(PIPED), &all[PIPED].op));
    open_fd(LINES, line[0], &lines, TOCSIN_BOTH(on_line, &all[LINES]));
    open_fd(OUT, outgoing[1], NULL, end_of(OUT));
    tocsin_stream_write(all[OUT].op, text, SIZE);
    started(OUT_FLUSHED,
            tocsin_stream_flush(all[OUT].op, end_of(OUT_FLUSHED), &all[OUT_FLUSHED].op));
    tocsin_stream_close(all[OUT].op);
    *ret_right_peer = right[1];
    *ret_out_peer = outgoing[0];
}

static bool runs(int which)
{
    return all[which].err == 0 && !all[which].ended;
}

/* Runs turns until all is done. If the listener had no descriptor, it accepts after a pause, so the
   client may wait for a while. RIGHT is closed, not cancelled, since it may have queued data. */
static void work(void)
{
    static const int awaited[] = { ECHOED, FLUSHED, PIPED, RIGHT, LINES, OUT, OUT_FLUSHED };

    for (int turns = 0; turns < 500; turns++) {
        bool is_over = true;

        for (size_t i = 0; i < sizeof awaited / sizeof awaited[0]; i++)
            is_over = is_over && !runs(awaited[i]);
        if (is_over)
            return;
        if (!runs(PIPED))
            tocsin_stream_close(all[RIGHT].op);
        ck_assert_int_ge(tocsin_loop_turn(10), 0);
    }
}

static size_t read_all(int fd, char *buffer, size_t size)
{
    size_t done = 0;
    ssize_t count;

    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    while (done < size && (count = read(fd, buffer + done, size - done)) > 0)
        done += (size_t)count;
    close(fd);
    return done;
}

static void check_success(int which, const char *data, size_t size)
{
    if (all[which].err == 0 && statuses[which] >= 0)
        ck_assert_msg(size == SIZE && memcmp(data, text, SIZE) == 0,
                      "%s, call %d, error %d: operation %d reports success with %zu bytes",
                      calls[failing].name, failing_at, failing_error, which, size);
}

static void check_unchanged(void)
{
    static const int good[] = { ECHOED, FLUSHED, PIPED, LINES, OUT, OUT_FLUSHED };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert_msg(all[good[i]].err == 0 && all[good[i]].ended && statuses[good[i]] >= 0,
                      "%s, call %d, error %d: operation %d: %d, %d", calls[failing].name,
                      failing_at, failing_error, good[i], all[good[i]].err, statuses[good[i]]);
    ck_assert_int_eq(line_count, 3);
}

static bool changes_nothing(int error)
{
    return error == EINTR || error == SHORT || (error == EAGAIN && failing != CONNECT);
}

static void job(void)
{
    int right_peer, out_peer;

    memset(all, 0, sizeof all);
    memset(echoed, 0, SIZE);
    made = failed = line_count = 0;
    start_others(&right_peer, &out_peer);
    start_echo();
    work();
    for (int i = 0; i < STARTS; i++)
        if (runs(i))
            tocsin_cancel(all[i].op);
    ck_assert_int_ge(tocsin_loop_free(), 0);
    is_armed = false;
    check_started(all, STARTS);
    check_success(PIPED, piped, read_all(right_peer, piped, sizeof piped));
    check_success(OUT_FLUSHED, out, read_all(out_peer, out, sizeof out));
    if (statuses[ECHOED] != 0) /* 0: the connection has ended without a byte */
        check_success(ECHOED, echoed, SIZE);
    if (changes_nothing(failing_error) || !failed)
        check_unchanged();
}

/* Fails the first call, then the second, until the job makes no more calls of the kind. Under
   valgrind only every fifth call fails. */
static int fail_each(int error)
{
    int count = 0, step = (int)(5 / test_scaled(5, 1, 5));

    failing_error = error;
    for (failing_at = 1;; failing_at += step) {
        job();
        if (!failed)
            return count;
        count += failed;
    }
}

START_TEST(each_call_fails)
{
    int count = 0, descriptors = test_descriptors();

    failing = (enum call)_i;
    for (int i = 0; i < SIZE; i++)
        text[i] = (char)('a' + i % 23);
    for (int way = 0; way < 2; way++) {
        is_unix = way;
        for (int i = 0; i < ERRORS && calls[_i].errors[i]; i++)
            count += fail_each(calls[_i].errors[i]);
        failing_at = -1;
        failing_error = SHORT;
        if (_i <= WRITEV) {
            job();
            count += failed;
        }
    }
    printf("io/system_calls: %s: %d calls failed\n", calls[_i].name, count);
    fflush(stdout);
    ck_assert_int_gt(count, 0);
    ck_assert_int_eq(test_descriptors(), descriptors);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/system_calls");
    TCase *tests = test_case(suite, "calls");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, each_call_fails, 0, CALLS);
    return suite;
}
