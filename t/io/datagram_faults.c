/* Contract line F3 for datagram sockets. First, each allocation and each system call fails in turn,
   while UDP sockets with groups and names, and Unix sockets with a path, send and receive. Then
   each system call of the sockets fails with each of its errors: EINTR, EAGAIN, ENOBUFS, ENOMEM,
   EMFILE, EMSGSIZE, reports of the network and others. Every socket that was opened ends once, no
   descriptor is left, and what was accepted was sent or is reported. */
#define _GNU_SOURCE /* syscall */
#include <sys/syscall.h>

#include "io/datagrams.h"

#include "faults.h"

enum { GROUP, NAMED, CLIENT, UNIX_SERVER, UNIX_CLIENT, SOCKETS };

static struct started all[SOCKETS];
static struct heard heard[SOCKETS];
static int accepted[SOCKETS];
static char path[64];

static int on_socket(const struct tocsin_info *info, void *arg)
{
    struct started *one = arg;

    hear(info, &heard[one - all]);
    if (info->code == TOCSIN_DONE)
        one->ended++;
    return TOCSIN_NEXT;
}

static void open_one(int which, const char *address, const struct tocsin_datagram_options *options)
{
    all[which].err = tocsin_datagram_open(address, options, TOCSIN_BOTH(on_socket, &all[which]),
                                          &all[which].op);
}

static const char *address_of(int which)
{
    static char text[240];
    struct tocsin_datagram_facts facts;

    if (all[which].err < 0 || tocsin_datagram_get(all[which].op, &facts) < 0)
        return "udp:127.0.0.1:9";
    if (strncmp(facts.local, "udp:[::]", 8) != 0)
        return strcpy(text, facts.local);
    snprintf(text, sizeof text, "udp:127.0.0.1%s", strrchr(facts.local, ':'));
    return text;
}

static void send_one(int which, const char *peer, size_t size, size_t segment)
{
    static char block[20000];
    const struct tocsin_bytes part = { block, size };
    int result = tocsin_datagram_send_with(
        all[which].op, &(struct tocsin_datagram_outgoing){
                           .peer = peer, .parts = &part, .count = 1, .segment = segment });

    if (result >= 0)
        accepted[which] += segment ? (int)((size + segment - 1) / segment) : 1;
}

static void open_all(void)
{
    static const char *const groups[] = { "239.1.2.3%lo", NULL };
    char to[240], address[80];

    open_one(GROUP, "udp:*:0",
             &(struct tocsin_datagram_options){ .join = groups,
                                                .interface = "lo",
                                                .ttl = 2,
                                                .flags = TOCSIN_DATAGRAM_BROADCAST |
                                                         TOCSIN_DATAGRAM_SHARE |
                                                         TOCSIN_DATAGRAM_NO_LOOPBACK });
    snprintf(to, sizeof to, "udp:localhost%s", strrchr(address_of(GROUP), ':'));
    open_one(NAMED, "udp:*:0", &(struct tocsin_datagram_options){ .to = to });
    send_one(NAMED, NULL, 10, 0);
    snprintf(to, sizeof to, "%s", address_of(GROUP));
    open_one(CLIENT, "udp:127.0.0.1:0",
             &(struct tocsin_datagram_options){ .to = to, .buffer_bytes = 100000 });
    snprintf(path, sizeof path, "/tmp/tocsin-datagram-faults-%d", getpid());
    snprintf(address, sizeof address, "unix:%s", path);
    open_one(UNIX_SERVER, address, NULL);
    open_one(UNIX_CLIENT, "unix:@",
             &(struct tocsin_datagram_options){ .to = address, .high_bytes = 3000 });
}

static void work(void)
{
    char peer[240];

    snprintf(peer, sizeof peer, "%s", address_of(CLIENT));
    for (int i = 0; i < 8; i++) {
        send_one(CLIENT, NULL, 100, 0);
        send_one(GROUP, peer, 100, 0);
        if (i == 4)
            send_one(CLIENT, NULL, 5000, 1000);
        for (int j = 0; j < 4; j++)
            send_one(UNIX_CLIENT, NULL, 500, 200);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
}

/* Until what waits was sent, or is given up. */
static void close_all(void)
{
    for (int i = 0; i < SOCKETS; i++)
        if (all[i].err == 0 && i != UNIX_SERVER && i != GROUP &&
            tocsin_datagram_close(all[i].op) < 0)
            tocsin_cancel(all[i].op);
    for (int i = 0; i < 500; i++) {
        bool is_over = true;

        for (int which = 0; which < SOCKETS; which++)
            is_over &= all[which].err < 0 || all[which].ended || which == UNIX_SERVER ||
                       which == GROUP;
        if (is_over)
            break;
        ck_assert_int_ge(tocsin_loop_turn(10), 0);
    }
    for (int i = 0; i < 4; i++)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    for (int i = 0; i < SOCKETS; i++)
        if (all[i].err == 0 && !all[i].ended)
            tocsin_cancel(all[i].op);
}

/* The network may report datagrams that were sent as lost, too. */
static void check_counts(void)
{
    for (int i = 0; i < SOCKETS; i++) {
        if (all[i].err < 0 || !all[i].ended)
            continue;
        ck_assert_msg(heard[i].end.sent + heard[i].end.lost >= (unsigned)accepted[i],
                      "socket %d: accepted %d, sent %d, lost %d", i, accepted[i],
                      (int)heard[i].end.sent, (int)heard[i].end.lost);
        ck_assert_uint_le(heard[i].end.sent, (unsigned)accepted[i]);
    }
    if (all[UNIX_SERVER].err == 0 && all[UNIX_CLIENT].err == 0)
        ck_assert_uint_le(heard[UNIX_SERVER].end.received, heard[UNIX_CLIENT].end.sent);
}

static void job(void)
{
    memset(all, 0, sizeof all);
    memset(heard, 0, sizeof heard);
    memset(accepted, 0, sizeof accepted);
    open_all();
    work();
    close_all();
    ck_assert_int_ge(tocsin_loop_free(), 0);
    check_started(all, SOCKETS);
    check_counts();
    ck_assert_int_eq(access(path, F_OK), -1);
}

START_TEST(each_fails_in_turn)
{
    each_in_turn("io/datagram_faults", job);
}
END_TEST

/* System calls that fail with a given error. These functions take the place of the C library's. */

enum call { SOCKET, BIND, CONNECT, SETSOCKOPT, GETSOCKOPT, SENDMSG, RECVMSG, CALLS };

static const struct {
    const char *name;
    int errors[10];
} calls[] = {
    [SOCKET] = { "socket", { EMFILE, ENFILE, ENOBUFS, ENOMEM, EAFNOSUPPORT, EACCES } },
    [BIND] = { "bind", { EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOMEM, EROFS } },
    [CONNECT] = { "connect", { ENETUNREACH, EAGAIN, ENOMEM, ECONNREFUSED } },
    [SETSOCKOPT] = { "setsockopt", { ENOPROTOOPT, ENOBUFS, ENODEV, EPERM, ENOMEM } },
    [GETSOCKOPT] = { "getsockopt", { ENOPROTOOPT, ENOBUFS } },
    [SENDMSG] = { "sendmsg",
                  { EINTR, EAGAIN, ENOBUFS, ENOMEM, EMSGSIZE, EPERM, ENETUNREACH, ECONNREFUSED,
                    EIO } },
    [RECVMSG] = { "recvmsg",
                  { EINTR, EAGAIN, ENOBUFS, ENOMEM, ECONNREFUSED, EHOSTUNREACH, ENETDOWN, EBADF } },
};

static enum call failing = CALLS;
static int failing_error;
static long failing_nth, failing_count;

static bool fails(enum call call)
{
    if (call != failing || ++failing_count != failing_nth)
        return false;
    errno = failing_error;
    return true;
}

int socket(int domain, int type, int protocol)
{
    return fails(SOCKET) ? -1 : (int)syscall(SYS_socket, domain, type, protocol);
}

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
    return fails(BIND) ? -1 : (int)syscall(SYS_bind, fd, address, size);
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
    return fails(CONNECT) ? -1 : (int)syscall(SYS_connect, fd, address, size);
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
    return fails(SETSOCKOPT) ? -1 : (int)syscall(SYS_setsockopt, fd, level, option, value, size);
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *size)
{
    return fails(GETSOCKOPT) ? -1 : (int)syscall(SYS_getsockopt, fd, level, option, value, size);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    return fails(SENDMSG) ? -1 : syscall(SYS_sendmsg, fd, message, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    return fails(RECVMSG) ? -1 : syscall(SYS_recvmsg, fd, message, flags);
}

static long fail_each(enum call call, int error)
{
    long runs = 0, step = 3 / test_scaled(3, 1, 3);

    for (failing_nth = 1;; failing_nth += step, runs++) {
        failing = call;
        failing_error = error;
        failing_count = 0;
        job();
        failing = CALLS;
        if (failing_count < failing_nth)
            return runs;
    }
}

START_TEST(each_error_of_each_call)
{
    int descriptors;
    long runs = 0;

    job();
    descriptors = test_descriptors();
    for (const int *error = calls[_i].errors; *error; error++) {
        runs += fail_each((enum call)_i, *error);
        ck_assert_int_eq(test_descriptors(), descriptors);
    }
    ck_assert_int_gt(runs, 0);
    printf("io/datagram_faults: %s: %ld calls made to fail\n", calls[_i].name, runs);
    fflush(stdout);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/datagram_faults");
    TCase *tests = test_case(suite, "faults");

    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, each_fails_in_turn);
    tcase_add_loop_test(tests, each_error_of_each_call, 0, CALLS);
    return suite;
}
