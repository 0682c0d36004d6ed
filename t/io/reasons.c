/* The reason of stream.closed says what failed, and where: connecting (refused, a missing path, an
   address that cannot be bound, the last of several addresses), resolving, the time limits of
   opening, of closing and of an idle stream, a part that cannot be cut, a read, a write, a pipe.
   It is empty at an end without an error and after a cancellation. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "io/streams.h"

static char reason[300];
static int closed, status;

static void begin(void)
{
    closed = 0;
    ck_assert_int_eq(tocsin_clock_move(0), 0);
}

static int on_stream(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_closed *end = tocsin_stream_closed_of(info);

    (void)arg;
    if (end) {
        closed++;
        status = info->status;
        snprintf(reason, sizeof reason, "%s", end->reason);
    }
    return TOCSIN_NEXT;
}

static void ends_with(struct tocsin_op stream, int wanted, const char *text)
{
    turns_until_over(stream);
    ck_assert_int_eq(closed, 1);
    ck_assert_int_eq(status, wanted);
    ck_assert_str_eq(reason, text);
}

/* A socket of the test with a port at which nobody listens. */
static int port_taken(char *address, size_t size)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, length), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &length), 0);
    snprintf(address, size, "tcp:127.0.0.1:%d", ntohs(at.sin_port));
    return fd;
}

static struct tocsin_op open_stream(const char *address,
                                    const struct tocsin_stream_options *options)
{
    struct tocsin_op stream;

    ck_assert_int_eq(tocsin_stream_open(address, options, TOCSIN_CALL(on_stream), &stream), 0);
    return stream;
}

START_TEST(refused)
{
    char address[64], text[200];
    int fd = port_taken(address, sizeof address);

    snprintf(text, sizeof text, "connect to %s: Connection refused", address);
    ends_with(open_stream(address, NULL), -ECONNREFUSED, text);
    close(fd);
}
END_TEST

START_TEST(refused_by_name)
{
    char address[64], named[64], text[200];
    int fd = port_taken(address, sizeof address);

    snprintf(named, sizeof named, "tcp:localhost%s", strrchr(address, ':'));
    turns_until_over(open_stream(named, NULL));
    ck_assert_int_eq(status, -ECONNREFUSED);
    snprintf(text, sizeof text, "%s, the ", strrchr(address, ':'));
    ck_assert_ptr_nonnull(strstr(reason, text));
    ck_assert_ptr_nonnull(strstr(reason, " of localhost: Connection refused"));
    close(fd);
}
END_TEST

START_TEST(no_path)
{
    ends_with(open_stream("unix:/nowhere/at/all", NULL), -ENOENT,
              "connect to unix:/nowhere/at/all: No such file or directory");
}
END_TEST

START_TEST(cannot_bind)
{
    char address[64], text[200];
    int fd = port_taken(address, sizeof address);

    snprintf(text, sizeof text, "bind to %s: Address already in use", address);
    ends_with(open_stream("tcp:127.0.0.1:1", &(struct tocsin_stream_options){ .local = address }),
              -EADDRINUSE, text);
    close(fd);
}
END_TEST

/* An empty label is no name of a host: no server is asked. */
START_TEST(no_host)
{
    struct tocsin_op stream = open_stream("tcp:no..host:80", NULL);

    turns_until_over(stream);
    ck_assert_int_eq(status, TOCSIN_ENAME);
    ck_assert_int_eq(strncmp(reason, "resolve no..host: ", 18), 0);
    ck_assert_uint_gt(strlen(reason), 18);
}
END_TEST

/* The backlog of the listener is full, so the stream tries again until its limit. */
START_TEST(open_limit)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
    socklen_t size;
    struct tocsin_op stream;
    char address[64], text[200];

    snprintf(address, sizeof address, "unix:@tocsin-reasons-%d", getpid());
    snprintf(at.sun_path, sizeof at.sun_path, "%c%s", 0, address + 6);
    strcpy(at.sun_path + 1, address + 6);
    size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(address) - 5);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, size), 0);
    ck_assert_int_eq(listen(listener, 0), 0);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, size), 0);
    stream = open_stream(address, &(struct tocsin_stream_options){ .open_ms = 500 });
    turns_few();
    ck_assert_int_eq(tocsin_clock_move(1000), 0);
    snprintf(text, sizeof text, "connect to %s: not connected within 500 ms (open_ms)", address);
    ends_with(stream, -ETIMEDOUT, text);
    close(fd);
    close(listener);
}
END_TEST

START_TEST(idle_limit)
{
    int peer;
    struct tocsin_op stream = stream_of_pair(&(struct tocsin_stream_options){ .idle_ms = 1000 },
                                             TOCSIN_CALL(on_stream), &peer);

    turns_few();
    ck_assert_int_eq(tocsin_clock_move(5000), 0);
    ends_with(stream, -ETIMEDOUT, "no data to or from the peer for 1000 ms (idle_ms)");
    close(peer);
}
END_TEST

START_TEST(close_limit)
{
    static const char block[4000000];
    int peer;
    struct tocsin_op stream = stream_of_pair(&(struct tocsin_stream_options){ .high_bytes = 1 },
                                             TOCSIN_CALL(on_stream), &peer);

    ck_assert_int_eq(tocsin_stream_write(stream, block, sizeof block), 1);
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    turns_few();
    ck_assert_int_eq(tocsin_clock_move(11000), 0);
    turns_until_over(stream);
    ck_assert_int_eq(status, -ETIMEDOUT);
    ck_assert_ptr_nonnull(
        strstr(reason, " bytes to the peer were not sent within 10 s of the close"));
    close(peer);
}
END_TEST

START_TEST(parts)
{
    static const struct {
        struct tocsin_part part;
        const char *text;
        int status;
    } cases[] = {
        { { .size = 3, .until = "\n" },
          "more than 3 bytes without a delimiter from the peer",
          TOCSIN_ETOOBIG },
        { { .size = 3, .flags = TOCSIN_TO_END },
          "more than 3 bytes to the end from the peer",
          TOCSIN_ETOOBIG },
        { { .size = 9, .flags = TOCSIN_EXACTLY },
          "fewer than 9 bytes, then the end, from the peer",
          TOCSIN_ETRUNCATED },
    };
    int peer;
    struct tocsin_op stream = stream_of_pair(
        &(struct tocsin_stream_options){ .part = cases[_i].part }, TOCSIN_BOTH(on_stream), &peer);

    peer_write(peer, "12345");
    close(peer);
    ends_with(stream, cases[_i].status, cases[_i].text);
}
END_TEST

/* A Unix socket that is closed with unread data resets the connection. */
START_TEST(read_fails)
{
    int peer;
    struct tocsin_op stream = stream_of_pair(NULL, TOCSIN_BOTH(on_stream), &peer);

    ck_assert_int_eq(tocsin_stream_write(stream, "unread", 6), 0);
    turns_few();
    close(peer);
    ends_with(stream, -ECONNRESET, "read from the peer: Connection reset by peer");
}
END_TEST

START_TEST(write_fails)
{
    const struct tocsin_stream_options half = { .flags = TOCSIN_STREAM_HALF };
    int peer;
    struct tocsin_op stream = stream_of_pair(&half, TOCSIN_BOTH(on_stream), &peer);

    turns_few();
    close(peer);
    turns_few();
    ck_assert_int_eq(tocsin_stream_write(stream, "x", 1), -EPIPE);
    ends_with(stream, -EPIPE, "write to the peer: Broken pipe");
}
END_TEST

START_TEST(a_pipe_fails)
{
    int peers[2];
    struct tocsin_op from = stream_of_pair(NULL, NULL, &peers[0]),
                     to = stream_of_pair(NULL, TOCSIN_CALL(on_stream), &peers[1]);

    ck_assert_int_eq(tocsin_stream_pipe(from, to, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_cancel(from), 0);
    ends_with(to, -ECANCELED, "the source of the pipe has ended: Operation canceled");
    close(peers[0]);
    close(peers[1]);
}
END_TEST

START_TEST(none)
{
    int peer;
    struct tocsin_op stream = stream_of_pair(NULL, TOCSIN_BOTH(on_stream), &peer);

    turns_few();
    if (_i)
        tocsin_cancel(stream);
    else
        close(peer);
    ends_with(stream, _i ? -ECANCELED : 0, "");
    if (_i)
        close(peer);
}
END_TEST

static int keep(const struct tocsin_info *info, void *arg)
{
    *(struct tocsin_info **)arg = tocsin_info_ref(info);
    return TOCSIN_NEXT;
}

/* An info that is kept keeps its reason. */
START_TEST(kept)
{
    struct tocsin_info *info = NULL;
    struct tocsin_op stream;

    ck_assert_int_eq(tocsin_stream_open("unix:/nowhere", NULL, TOCSIN_CALL(keep, &info), &stream),
                     0);
    turns_until_over(stream);
    turns_few();
    ck_assert_str_eq(tocsin_stream_closed_of(info)->reason,
                     "connect to unix:/nowhere: No such file or directory");
    tocsin_info_unref(info);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/reasons");
    TCase *tests = test_case(suite, "reasons");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, refused);
    tcase_add_test(tests, refused_by_name);
    tcase_add_test(tests, no_path);
    tcase_add_test(tests, cannot_bind);
    tcase_add_test(tests, no_host);
    tcase_add_test(tests, open_limit);
    tcase_add_test(tests, idle_limit);
    tcase_add_test(tests, close_limit);
    tcase_add_loop_test(tests, parts, 0, 3);
    tcase_add_test(tests, read_fails);
    tcase_add_test(tests, write_fails);
    tcase_add_test(tests, a_pipe_fails);
    tcase_add_loop_test(tests, none, 0, 2);
    tcase_add_test(tests, kept);
    return suite;
}
