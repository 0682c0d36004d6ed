/* Fibers that serve accepted streams (TOCSIN_FIBERS). A listener on a Unix socket accepts clients,
   which are plain sockets:
   - each client has a fiber, all at the same time; fibers read data and the peer's end, also an end
     that arrives before the fiber begins;
   - a fiber returns: without closing the stream, with an error, after it has started a pipe, set a
     notify, or connected a handler;
   - a stream fails: while its fiber waits for something else, while the fiber reads (over TCP),
     before the fiber begins; the listener is cancelled; the loop is freed;
   - a fiber cannot begin, because of a limit of its owner; faults.c tests the lack of memory. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <tocsin/owner.h>

#include "io/streams.h"

#include "faults.h"

static struct tocsin_op listener, gate;
static struct told ended, closed;
static int waits[3], began;
static char address[128];

static void begin(void)
{
    memset(&ended, 0, sizeof ended);
    memset(&closed, 0, sizeof closed);
    memset(waits, 1, sizeof waits);
    began = 0;
    connect_to("fiber.done", tell, &ended);
    connect_to("stream.closed", tell, &closed);
}

static void listen_with(tocsin_fn fn)
{
    snprintf(address, sizeof address, "unix:@tocsin-io-fibers-%d", getpid());
    ck_assert_int_eq(tocsin_listen(address, NULL, TOCSIN_FIBERS(fn), &listener), 0);
}

/* Makes a client: a plain, blocking socket. */
static int client(void)
{
    struct sockaddr_un where = { .sun_family = AF_UNIX };
    const char *name = address + strlen("unix:@");
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memcpy(where.sun_path + 1, name, strlen(name));
    ck_assert_int_eq(
        connect(fd, (struct sockaddr *)&where,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))),
        0);
    return fd;
}

static void turns_until_idle(void)
{
    for (int i = 0; i < 20; i++)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
}

static void check_received(int fd, const char *text)
{
    char buffer[64] = "";
    ssize_t count, total = 0;

    while ((count = read(fd, buffer + total, sizeof buffer - 1 - (size_t)total)) > 0)
        total += count;
    ck_assert_int_eq(count, 0);
    ck_assert_str_eq(buffer, text);
    close(fd);
}

static void stop_listening(void)
{
    ck_assert_int_eq(tocsin_cancel(listener), 0);
    drain_all();
}

/* The program echo-fiber of the manual. */
static int serve_echo(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op stream = tocsin_listener_accepted_of(info)->stream, op;
    char buffer[4096];
    int count;

    (void)arg;
    began++;
    for (;;) {
        tocsin_stream_read(stream, &(struct tocsin_part){ .into = buffer, .size = sizeof buffer },
                           TOCSIN_FUTURE, &op);
        count = tocsin_wait(op, 60000, NULL);
        if (count <= 0)
            break;
        tocsin_stream_write(stream, buffer, (size_t)count);
        tocsin_stream_flush(stream, TOCSIN_FUTURE, &op);
        if (tocsin_wait(op, 60000, NULL) < 0)
            break;
    }
    ck_assert_ptr_nonnull(tocsin_listener_accepted_of(info)->peer);
    tocsin_stream_close(stream); /* returns -ENOENT if both sides have ended before */
    return count;
}

START_TEST(each_client_has_a_fiber)
{
    enum { CLIENTS = 20 };
    int fds[CLIENTS];

    listen_with(serve_echo);
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = client();
        peer_write(fds[i], (char[]){ (char)('a' + i), '\0' });
    }
    turns_until(&began, CLIENTS);
    turns_until_idle();
    for (int i = CLIENTS - 1; i >= 0; i--) {
        peer_write(fds[i], "!");
        ck_assert_int_eq(shutdown(fds[i], SHUT_WR), 0);
    }
    turns_until(&closed.count, CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        check_received(fds[i], (char[]){ (char)('a' + i), '!', '\0' });
    turns_until(&ended.count, CLIENTS);
    ck_assert_int_eq(closed.status, 0);
    ck_assert_int_eq(ended.status, 0);
    stop_listening();
}
END_TEST

static int serve_greeting(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op stream = tocsin_listener_accepted_of(info)->stream;

    (void)arg;
    began++;
    tocsin_yield();
    return tocsin_stream_write(stream, "hello", 5);
}

START_TEST(its_return_closes_the_stream)
{
    int fd;

    listen_with(serve_greeting);
    fd = client();
    turns_until(&closed.count, 1);
    ck_assert_int_eq(closed.status, 0);
    check_received(fd, "hello");
    stop_listening();
}
END_TEST

/* The peer's end waits until the fiber reads it. */
START_TEST(a_peer_that_has_ended_before_the_fiber_begins)
{
    int fd;

    listen_with(serve_greeting);
    fd = client();
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    turns_until(&closed.count, 1);
    ck_assert_int_eq(closed.status, 0);
    check_received(fd, "hello");
    fd = client();
    close(fd);
    turns_until(&closed.count, 2);
    ck_assert_int_eq(began, 2);
    stop_listening();
}
END_TEST

static int serve_error(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    tocsin_yield();
    return -EPERM;
}

START_TEST(its_error_cancels_the_stream)
{
    int fd;

    listen_with(serve_error);
    fd = client();
    turns_until(&closed.count, 1);
    ck_assert_int_eq(closed.status, -ECANCELED);
    ck_assert_int_eq(ended.status, -EPERM);
    check_received(fd, "");
    stop_listening();
}
END_TEST

/* After a fiber has started a pipe and returned, the stream stays open. */
static int serve_pipe(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op stream = tocsin_listener_accepted_of(info)->stream;

    (void)arg;
    tocsin_yield();
    return tocsin_stream_pipe(stream, stream, NULL, NULL);
}

START_TEST(a_pipe_uses_the_stream)
{
    int fd;

    listen_with(serve_pipe);
    fd = client();
    turns_until(&ended.count, 1);
    peer_write(fd, "hello");
    turns_until_idle();
    ck_assert_int_eq(closed.count, 0);
    shutdown(fd, SHUT_WR);
    turns_until(&closed.count, 1);
    check_received(fd, "hello");
    stop_listening();
}
END_TEST

static int on_data(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);

    (void)arg;
    if (came)
        tocsin_stream_write(tocsin_info_op(info), came->data.data, came->data.size);
    return TOCSIN_NEXT;
}

static int serve_notify(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    tocsin_yield();
    return tocsin_op_notify(tocsin_listener_accepted_of(info)->stream, TOCSIN_BOTH(on_data));
}

static int serve_handler(const struct tocsin_info *info, void *arg)
{
    struct tocsin_action action = { .fn = on_data,
                                    .source = tocsin_listener_accepted_of(info)->stream.source };

    (void)arg;
    tocsin_yield();
    return tocsin_connect("stream.received", &action, NULL);
}

static void check_goes_on(tocsin_fn fn)
{
    int fd;

    ended.count = closed.count = 0;
    listen_with(fn);
    fd = client();
    turns_until(&ended.count, 1);
    peer_write(fd, "hello");
    turns_until_idle();
    ck_assert_int_eq(closed.count, 0);
    shutdown(fd, SHUT_WR);
    turns_until(&closed.count, 1);
    check_received(fd, "hello");
    stop_listening();
}

START_TEST(a_notify_or_a_handler_uses_the_stream)
{
    check_goes_on(serve_notify);
    check_goes_on(serve_handler);
}
END_TEST

/* Waits for the gate, an operation of the test, and then twice more. Records the results. */
static int serve_waits(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op stream = tocsin_listener_accepted_of(info)->stream, op;

    (void)arg;
    began++;
    waits[0] = tocsin_wait(gate, -1, NULL);
    waits[1] = tocsin_yield();
    tocsin_stream_read(stream, NULL, TOCSIN_FUTURE, &op);
    waits[2] = tocsin_wait(op, -1, NULL);
    return waits[0];
}

static struct tocsin_op new_gate(void)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_timer(100000000, TOCSIN_FUTURE, &op), 0);
    return op;
}

static struct tocsin_op accepted;

static int note_accepted(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    accepted = tocsin_listener_accepted_of(info)->stream;
    return TOCSIN_NEXT;
}

START_TEST(a_stream_that_fails_cancels_its_fiber)
{
    int fd;

    gate = new_gate();
    connect_to("listener.accepted", note_accepted, NULL);
    listen_with(serve_waits);
    fd = client();
    turns_until(&began, 1);
    turns_until_idle();
    ck_assert_int_eq(tocsin_cancel(accepted), 0);
    turns_until(&ended.count, 1);
    ck_assert_int_eq(waits[0], -ECANCELED);
    ck_assert_int_eq(waits[1], -ECANCELED);
    ck_assert_int_eq(waits[2], -ENOENT);
    check_received(fd, "");
    stop_listening();
}
END_TEST

/* The fiber still runs, and each of its waits returns -ECANCELED. */
START_TEST(a_stream_that_fails_before_its_fiber_begins)
{
    int fd;

    gate = new_gate();
    connect_to("listener.accepted", note_accepted, NULL);
    listen_with(serve_waits);
    accepted = (struct tocsin_op){ { 0 } };
    fd = client();
    while (!accepted.source.id)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(began, 0);
    ck_assert_int_eq(tocsin_cancel(accepted), 0);
    turns_until(&ended.count, 1);
    ck_assert_int_eq(waits[0], -ECANCELED);
    ck_assert_int_eq(waits[1], -ECANCELED);
    check_received(fd, "");
    stop_listening();
}
END_TEST

static int serve_reads(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op stream = tocsin_listener_accepted_of(info)->stream, op;

    (void)arg;
    began++;
    tocsin_stream_read(stream, NULL, TOCSIN_FUTURE, &op);
    waits[0] = tocsin_wait(op, -1, NULL);
    waits[1] = tocsin_yield();
    return 0;
}

/* The read returns the error of the reset; later waits return -ECANCELED. */
START_TEST(a_reset_ends_the_read_and_cancels_the_fiber)
{
    struct sockaddr_in where = { .sin_family = AF_INET };
    const struct linger none = { .l_onoff = 1 };
    int fd = socket(AF_INET, SOCK_STREAM, 0), port;

    ck_assert_int_eq(tocsin_listen("tcp:127.0.0.1:0", NULL, TOCSIN_FIBERS(serve_reads), &listener),
                     0);
    address_of(listener, address);
    ck_assert_int_eq(sscanf(address, "tcp:127.0.0.1:%d", &port), 1);
    where.sin_port = htons((uint16_t)port);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&where, sizeof where), 0);
    turns_until(&began, 1);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(fd);
    turns_until(&ended.count, 1);
    ck_assert_int_eq(waits[0], -ECONNRESET);
    ck_assert_int_eq(waits[1], -ECANCELED);
    ck_assert_int_eq(closed.count, 1);
    ck_assert_int_eq(closed.status, -ECONNRESET);
    stop_listening();
}
END_TEST

START_TEST(a_cancelled_listener_leaves_its_fibers)
{
    int fd;

    listen_with(serve_echo);
    fd = client();
    turns_until(&began, 1);
    ck_assert_int_eq(tocsin_cancel(listener), 0);
    turns_until_idle();
    peer_write(fd, "hello");
    shutdown(fd, SHUT_WR);
    turns_until(&ended.count, 1);
    turns_until(&closed.count, 1);
    ck_assert_int_eq(closed.status, 0);
    check_received(fd, "hello");
}
END_TEST

START_TEST(a_loop_that_is_freed_cancels_them)
{
    int fds[3];

    listen_with(serve_echo);
    for (int i = 0; i < 3; i++)
        fds[i] = client();
    turns_until(&began, 3);
    ck_assert_int_gt(tocsin_loop_free(), 0);
    ck_assert_int_eq(ended.count, 3);
    ck_assert_int_eq(ended.status, -ECANCELED);
    ck_assert_int_eq(closed.count, 3);
    for (int i = 0; i < 3; i++)
        check_received(fds[i], "");
}
END_TEST

static struct told refused;
static char refused_peer[112];
static int refused_error;

static int on_refused(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_listener_refused *what = tocsin_listener_refused_of(info);

    (void)arg;
    if (refused.count++ == 0)
        snprintf(refused_peer, sizeof refused_peer, "%s", what->peer);
    refused_error = what->error;
    return TOCSIN_NEXT;
}

/* A limit of the owner allows the stream but not its fiber. The stream is closed, and the listener
   pauses until the limit allows a fiber again. */
START_TEST(a_limit_refuses_the_stream)
{
    struct tocsin_owner_facts facts;
    struct told failed = { .count = 0 };
    int first, second;

    refused.count = 0;
    connect_to("listener.refused", on_refused, NULL);
    connect_to("tocsin.handler.failed", tell, &failed);
    listen_with(serve_greeting);
    ck_assert_int_eq(tocsin_owner_next(0, &facts), 0);
    tocsin_owner_limit("program", TOCSIN_RESOURCE_OPERATIONS,
                       facts.held[TOCSIN_RESOURCE_OPERATIONS] + 1);
    first = client();
    turns_until(&refused.count, 2);
    turns_until(&closed.count, 1);
    ck_assert_int_eq(refused_error, -EDQUOT);
    ck_assert_int_eq(closed.status, -EDQUOT);
    ck_assert_int_eq(failed.count, 1);
    check_received(first, "");
    tocsin_owner_limit("program", TOCSIN_RESOURCE_OPERATIONS, UINT64_MAX);
    second = client();
    turns_until(&closed.count, 2);
    check_received(second, "hello");
    ck_assert_int_eq(began, 1);
    stop_listening();
}
END_TEST

/* Contract F3: each allocation and system call fails in turn. */
static void greet_with_faults(void)
{
    struct tocsin_op mine, one;
    char buffer[8];
    int err, status;

    err = tocsin_listen(address, NULL, TOCSIN_FIBERS(serve_greeting), &mine);
    ck_assert_int_le(err, 0);
    err = tocsin_stream_open(address, &(struct tocsin_stream_options){ .open_ms = 1000 }, NULL,
                             &one);
    if (err == 0)
        err = tocsin_stream_read(one, &(struct tocsin_part){ .into = buffer, .size = 5 },
                                 TOCSIN_FUTURE, &one);
    status = err == 0 ? tocsin_wait(one, -1, NULL) : err;
    ck_assert_msg(status == 5 || status <= 0, "%d", status);
    tocsin_cancel(mine);
    ck_assert_int_ge(tocsin_loop_free(), 0);
}

START_TEST(F3)
{
    tocsin_loop_free();
    snprintf(address, sizeof address, "unix:@tocsin-io-fibers-%d", getpid());
    each_in_turn("fibers", greet_with_faults);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/fibers");
    TCase *served = test_case(suite, "served"), *ends = test_case(suite, "ends");

    tcase_add_checked_fixture(served, begin, NULL);
    tcase_add_test(served, each_client_has_a_fiber);
    tcase_add_test(served, its_return_closes_the_stream);
    tcase_add_test(served, a_peer_that_has_ended_before_the_fiber_begins);
    tcase_add_test(served, its_error_cancels_the_stream);
    tcase_add_test(served, a_pipe_uses_the_stream);
    tcase_add_test(served, a_notify_or_a_handler_uses_the_stream);
    tcase_add_checked_fixture(ends, begin, NULL);
    tcase_add_test(ends, a_stream_that_fails_cancels_its_fiber);
    tcase_add_test(ends, a_stream_that_fails_before_its_fiber_begins);
    tcase_add_test(ends, a_reset_ends_the_read_and_cancels_the_fiber);
    tcase_add_test(ends, a_cancelled_listener_leaves_its_fibers);
    tcase_add_test(ends, a_loop_that_is_freed_cancels_them);
    tcase_add_test(ends, a_limit_refuses_the_stream);
    tcase_add_test(ends, F3);
    return suite;
}
