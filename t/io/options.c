/* Options of streams and listeners: TOCSIN_STREAM_DUPLEX, GATHER and PROBE, a local address, the
   time limit of a close, a shared port, sockets that systemd passes, descriptors that a Unix stream
   passes, lent data. Also streams in a loop on the program's own event_base, tocsin_loop_fd, and
   jumps out of the functions that a stream calls. */
#include <event2/event.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "io/streams.h"

static size_t bytes;
static int closed, closed_status;

static void begin(void)
{
    bytes = 0;
    closed = closed_status = 0;
}

static int on_stream(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);

    (void)arg;
    bytes += came ? came->data.size : 0;
    if (tocsin_stream_closed_of(info)) {
        closed++;
        closed_status = info->status;
    }
    return TOCSIN_NEXT;
}

static int on_echo(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);

    (void)arg;
    if (came)
        tocsin_stream_write(tocsin_info_op(info), came->data.data, came->data.size);
    return TOCSIN_NEXT;
}

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;

    ck_assert_int_eq(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static struct tocsin_op stream_of_fd(int fd, const struct tocsin_stream_options *options,
                                     const struct tocsin_notify *notify)
{
    struct tocsin_op stream;
    char address[20];

    snprintf(address, sizeof address, "fd:%d", fd);
    ck_assert_int_eq(tocsin_stream_open(address, options, notify, &stream), 0);
    return stream;
}

static void cancel_all(struct tocsin_op stream, int peer)
{
    if (tocsin_op_status(stream) == -EINPROGRESS)
        tocsin_cancel(stream);
    turns_until_over(stream);
    close(peer);
}

/* Addresses that cannot be meant as they are written. */
START_TEST(malformed_addresses)
{
    static const char *const addresses[] = {
        "tcp://127.0.0.1:80",
        "tcp:127.0.0.1/x:80",
        "tcp:::1:80",
        "tcp:[::1:80",
        "tcp:127.0.0.1",
        "tcp:127.0.0.1:",
        "tcp:127.0.0.1:x",
        "tcp::80",
        "unix:",
        "fd:x",
        "file:",
        "nothing",
        "",
    };
    struct tocsin_op stream;

    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        int err = tocsin_stream_open(addresses[i], NULL, NULL, &stream);

        ck_assert_msg(err == -EINVAL, "'%s': %d", addresses[i], err);
        ck_assert_int_eq(tocsin_id_error(stream.source.id), -EINVAL);
    }
}
END_TEST

/* Flags */

START_TEST(gather_and_probe)
{
    static const unsigned flags[] = { 0, TOCSIN_STREAM_GATHER, TOCSIN_STREAM_PROBE,
                                      TOCSIN_STREAM_GATHER | TOCSIN_STREAM_PROBE };
    const struct tocsin_stream_options options = { .flags = flags[_i] }, none = { 0 };
    struct tocsin_op stream;
    int ends[2];

    tcp_pair(ends);
    stream = stream_of_fd(ends[0], &options, NULL);
    ck_assert_int_eq(!option_of(ends[0], IPPROTO_TCP, TCP_NODELAY), _i & 1);
    ck_assert_int_eq(option_of(ends[0], SOL_SOCKET, SO_KEEPALIVE), _i >> 1);
    ck_assert_int_eq(tocsin_stream_set(stream, &none), 0);
    ck_assert_int_ne(option_of(ends[0], IPPROTO_TCP, TCP_NODELAY), 0);
    ck_assert_int_eq(option_of(ends[0], SOL_SOCKET, SO_KEEPALIVE), 0);
    cancel_all(stream, ends[1]);
}
END_TEST

/* The peer does not read, so the stream is stalled. A stalled stream is read only with
   TOCSIN_STREAM_DUPLEX. */
START_TEST(duplex)
{
    static const char block[300000];
    const struct tocsin_stream_options options = { .flags = _i ? TOCSIN_STREAM_DUPLEX : 0 };
    int peer;
    struct tocsin_op stream = stream_of_pair(&options, TOCSIN_BOTH(on_stream), &peer);

    ck_assert_int_eq(tocsin_stream_write(stream, block, sizeof block), 1);
    turns_few();
    peer_write(peer, "input");
    turns_few();
    ck_assert_uint_eq(bytes, _i ? 5 : 0);
    cancel_all(stream, peer);
}
END_TEST

START_TEST(local_address)
{
    const struct tocsin_stream_options options = { .local = "tcp:127.0.0.2:0" },
                                       malformed = { .local = "tcp:nowhere" };
    struct tocsin_stream_facts facts;
    struct tocsin_op listener, stream, up;
    char address[112];

    ck_assert_int_eq(tocsin_listen("tcp:127.0.0.1:0", NULL, TOCSIN_EACH(on_stream), &listener), 0);
    address_of(listener, address);
    ck_assert_int_eq(tocsin_stream_open(address, &malformed, NULL, &stream), -EINVAL);
    ck_assert_int_eq(tocsin_stream_open(address, &options, NULL, &stream), 0);
    ck_assert_int_eq(tocsin_stream_flush(stream, TOCSIN_FUTURE, &up), 0);
    ck_assert_int_eq(tocsin_wait(up, -1, NULL), 0);
    ck_assert_int_eq(tocsin_stream_get(stream, &facts), 0);
    ck_assert_int_eq(strncmp(facts.local, "tcp:127.0.0.2:", 14), 0);
    tocsin_cancel(listener);
    tocsin_cancel(stream);
    turns_until_over(stream);
    turns_until_over(listener);
}
END_TEST

/* The peer reads nothing, so a close cannot send the queued data. The stream fails after 10
   seconds. */
START_TEST(close_limit)
{
    static const char block[2000000];
    int peer;
    struct tocsin_op stream = stream_of_pair(NULL, TOCSIN_CALL(on_stream), &peer);

    ck_assert_int_eq(tocsin_clock_move(0), 0);
    ck_assert_int_eq(tocsin_stream_write(stream, block, sizeof block), 1);
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    ck_assert_int_eq(tocsin_clock_move(9900), 0);
    ck_assert_int_eq(closed, 0);
    ck_assert_int_eq(tocsin_clock_move(200), 0);
    ck_assert_int_eq(closed, 1);
    ck_assert_int_eq(closed_status, -ETIMEDOUT);
    close(peer);
}
END_TEST

/* Listeners */

START_TEST(shared_port)
{
    const struct tocsin_listen_options share = { .flags = TOCSIN_LISTEN_SHARE };
    struct tocsin_op first, second, third;
    char address[112];

    ck_assert_int_eq(tocsin_listen("tcp:127.0.0.1:0", &share, TOCSIN_EACH(on_stream), &first), 0);
    address_of(first, address);
    ck_assert_int_eq(tocsin_listen(address, &share, TOCSIN_EACH(on_stream), &second), 0);
    ck_assert_int_eq(tocsin_listen(address, NULL, TOCSIN_EACH(on_stream), &third), -EADDRINUSE);
    tocsin_cancel(first);
    tocsin_cancel(second);
    turns_until_over(first);
    turns_until_over(second);
}
END_TEST

static int systemd_socket(char *path)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    require(bind(fd, (struct sockaddr *)&in, size) == 0 && listen(fd, 5) == 0);
    require(getsockname(fd, (struct sockaddr *)&in, &size) == 0);
    sprintf(path, "tcp:127.0.0.1:%d", ntohs(in.sin_port));
    return fd;
}

static void settings(const char *pid, const char *count, const char *names)
{
    char text[20];

    snprintf(text, sizeof text, "%d", (int)getpid());
    setenv("LISTEN_PID", pid ? pid : text, 1);
    setenv("LISTEN_FDS", count, 1);
    setenv("LISTEN_FDNAMES", names, 1);
}

/* Runs in a child process, whose descriptors 3 and 4 are the sockets, as systemd passes them. */
static void with_sockets(void)
{
    char first[64], second[64], local[112];
    int fds[2] = { fcntl(systemd_socket(first), F_DUPFD, 20),
                   fcntl(systemd_socket(second), F_DUPFD, 20) };
    struct tocsin_op listener, stream, up;

    require(dup2(fds[0], 3) == 3 && dup2(fds[1], 4) == 4);
    settings("1", "2", "web:admin");
    require(tocsin_listen("systemd:web", NULL, TOCSIN_EACH(on_echo), &listener) == -ENOENT);
    settings(NULL, "nonsense", "web:admin");
    require(tocsin_listen("systemd:web", NULL, TOCSIN_EACH(on_echo), &listener) == -ENOENT);
    settings(NULL, "2", "web:admin");
    require(tocsin_listen("systemd:other", NULL, TOCSIN_EACH(on_echo), &listener) == -ENOENT);
    require(tocsin_listen("systemd:admin", NULL, TOCSIN_EACH(on_echo), &listener) == 0);
    address_of(listener, local);
    require(strcmp(local, second) == 0);
    require(fcntl(4, F_GETFD) & FD_CLOEXEC);
    require(tocsin_stream_open(second, NULL, NULL, &stream) == 0);
    require(tocsin_stream_flush(stream, TOCSIN_FUTURE, &up) == 0);
    require(tocsin_wait(up, -1, NULL) == 0);
    require(tocsin_loop_free() >= 0);
}

START_TEST(sockets_of_systemd)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        with_sockets();
        _exit(0);
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* Passed descriptors */

enum { PASSED = 3 };

static int passed_count, kept_fd;

/* Checks a received descriptor: the reading end of a pipe, which contains the descriptor's
   index. */
static int on_passed(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);
    struct tocsin_info **kept = arg;
    char digit;

    if (!came || came->passed < 0)
        return on_stream(info, NULL);
    ck_assert_int_eq(read(came->passed, &digit, 1), 1);
    ck_assert_int_eq(digit, '0' + passed_count++);
    if (passed_count == PASSED) {
        *kept = tocsin_info_ref(info);
        kept_fd = came->passed;
    }
    return on_stream(info, NULL);
}

START_TEST(passed_descriptors)
{
    struct tocsin_info *kept = NULL;
    const struct tocsin_bytes text = { "hello", 5 };
    struct tocsin_op from, to;
    int fds[PASSED], ends[2];
    char digit;

    passed_count = 0;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    from = stream_of_fd(ends[0], NULL, NULL);
    to = stream_of_fd(ends[1], NULL, TOCSIN_BOTH(on_passed, &kept));
    for (int i = 0; i < PASSED; i++) {
        ck_assert_int_eq(pipe(ends), 0);
        fds[i] = ends[0];
        ck_assert_int_eq(dprintf(ends[1], "%d%d", i, i), 2);
        close(ends[1]);
    }
    ck_assert_int_eq(
        tocsin_stream_write_with(from,
                                 &(struct tocsin_outgoing){
                                     .parts = &text, .count = 1, .fds = fds, .fds_count = PASSED }),
        0);
    for (int i = 0; i < PASSED; i++)
        close(fds[i]);
    while (passed_count < PASSED)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_uint_eq(bytes, 5);
    ck_assert_ptr_nonnull(kept);
    ck_assert_int_eq(read(tocsin_stream_received_of(kept)->passed, &digit, 1), 1);
    ck_assert_int_eq(digit, '0' + PASSED - 1);
    tocsin_info_unref(kept);
    tocsin_cancel(from);
    turns_until_over(from);
    turns_until_over(to);
}
END_TEST

/* Loops of the program */

static void stop_base(evutil_socket_t fd, short what, void *base)
{
    (void)fd, (void)what;
    event_base_loopbreak(base);
}

/* The program runs its own event_base, and the streams of tocsin work in it. */
START_TEST(in_an_adopted_base)
{
    struct event_base *base = event_base_new();
    struct tocsin_op stream;
    struct event *stop;
    char text[8];
    int peer;

    ck_assert_int_eq(tocsin_loop_adopt(base), 0);
    stream = stream_of_pair(NULL, TOCSIN_BOTH(on_echo), &peer);
    stop = event_new(base, peer, EV_READ, stop_base, base);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(event_add(stop, NULL), 0);
        peer_write(peer, "hello");
        ck_assert_int_ge(event_base_dispatch(base), 0);
        ck_assert_int_eq(peer_read(peer, text, sizeof text), 5);
    }
    event_free(stop);
    cancel_all(stream, peer);
    ck_assert_int_ge(tocsin_loop_free(), 0);
    event_base_free(base);
}
END_TEST

/* The descriptor of the loop becomes readable when a stream must be served, whether the stream's
   descriptor is parked or active. */
START_TEST(the_descriptor_of_the_loop)
{
    int peer;
    struct tocsin_op stream = stream_of_pair(NULL, TOCSIN_BOTH(on_echo), &peer);
    struct pollfd loop;
    char text[8];

    turns_few();
    loop = (struct pollfd){ .fd = tocsin_loop_fd(), .events = POLLIN };
    ck_assert_int_ge(loop.fd, 0);
    for (int i = 0; i < 4; i++) {
        turns_few();
        ck_assert_int_eq(poll(&loop, 1, 0), 0);
        peer_write(peer, "hello");
        ck_assert_int_eq(poll(&loop, 1, -1), 1);
        while (peer_read(peer, text, sizeof text) != 5) {
            ck_assert_int_eq(poll(&loop, 1, -1), 1);
            ck_assert_int_ge(tocsin_loop_turn(0), 0);
        }
    }
    cancel_all(stream, peer);
}
END_TEST

/* Lent data */

static int drops;

static void on_drop(void *arg)
{
    (void)arg;
    drops++;
    ck_assert_int_eq(closed, 0);
}

/* Lent data is given back before the end of the stream is announced, however the stream ends. */
START_TEST(lent_data_is_given_back_first)
{
    static const char block[300000];
    const struct tocsin_bytes part = { block, sizeof block };
    const struct tocsin_outgoing lent = { .parts = &part, .count = 1, .drop = on_drop };
    struct tocsin_op stream;
    int peer;

    drops = 0;
    stream = stream_of_pair(NULL, TOCSIN_CALL(on_stream), &peer);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_stream_write_with(stream, &lent), 1);
    if (_i == 0)
        tocsin_cancel(stream);
    if (_i == 1)
        tocsin_op_deadline(stream, 0);
    if (_i == 2)
        close(peer);
    if (_i < 3)
        turns_until_over(stream);
    ck_assert_int_ge(tocsin_loop_free(), 0);
    ck_assert_int_eq(drops, 3);
    ck_assert_int_eq(closed, 1);
    if (_i != 2)
        close(peer);
}
END_TEST

/* Jumps */

enum where { FROM_RECEIVED, FROM_CLOSED, FROM_READ, FROM_DROP, WHERES };

static jmp_buf back;
static int jumps;

static __attribute__((noinline)) void leave(void)
{
    volatile char room[512] = { 1 };

    if (jumps++ == 0 && room[0])
        longjmp(back, 1);
}

static int on_jump(const struct tocsin_info *info, void *arg)
{
    on_stream(info, arg);
    leave();
    return TOCSIN_NEXT;
}

static int on_end_jump(const struct tocsin_info *info, void *arg)
{
    on_stream(info, arg);
    if (tocsin_stream_closed_of(info))
        leave();
    return TOCSIN_NEXT;
}

static void drop_jump(void *arg)
{
    (void)arg;
    leave();
}

/* Runs turns. A function that the loop calls jumps out of one turn. */
static void turns_with_a_jump(void)
{
    if (setjmp(back) == 0)
        turns_few();
    turns_few();
}

START_TEST(jumps_out)
{
    static const char block[300000];
    const struct tocsin_bytes part = { block, sizeof block };
    int peer;
    struct tocsin_op stream, read = { { 0 } };
    char buffer[65536];

    jumps = 0;
    stream = stream_of_pair(
        NULL, _i == FROM_RECEIVED ? TOCSIN_BOTH(on_jump) : TOCSIN_BOTH(on_end_jump), &peer);
    if (_i == FROM_READ)
        ck_assert_int_eq(tocsin_stream_read(stream, NULL, TOCSIN_CALL(on_jump), &read), 0);
    if (_i == FROM_DROP) {
        const struct tocsin_outgoing lent = { .parts = &part, .count = 1, .drop = drop_jump };

        ck_assert_int_eq(tocsin_stream_write_with(stream, &lent), 1);
    }
    if (_i == FROM_CLOSED)
        shutdown(peer, SHUT_WR);
    else
        peer_write(peer, "data");
    for (int i = 0; i < 20; i++) {
        while (_i == FROM_DROP && peer_read(peer, buffer, sizeof buffer) > 0)
            ;
        turns_with_a_jump();
    }
    ck_assert_int_ge(jumps, 1);
    if (_i != FROM_CLOSED) { /* the stream still works */
        size_t before = bytes;

        peer_write(peer, "more");
        turns_few();
        ck_assert_uint_eq(bytes, before + 4);
        ck_assert_int_eq(tocsin_stream_close(stream), 0);
        turns_few();
    }
    ck_assert_int_eq(closed, 1);
    close(peer);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/options");
    TCase *tests = test_case(suite, "options");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, malformed_addresses);
    tcase_add_loop_test(tests, gather_and_probe, 0, 4);
    tcase_add_loop_test(tests, duplex, 0, 2);
    tcase_add_test(tests, local_address);
    tcase_add_test(tests, close_limit);
    tcase_add_test(tests, shared_port);
    tcase_add_test(tests, sockets_of_systemd);
    tcase_add_test(tests, passed_descriptors);
    tcase_add_test(tests, in_an_adopted_base);
    tcase_add_test(tests, the_descriptor_of_the_loop);
    tcase_add_loop_test(tests, lent_data_is_given_back_first, 0, 4);
    tcase_add_loop_test(tests, jumps_out, 0, WHERES);
    return suite;
}
