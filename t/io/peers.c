/* Peers that behave badly: they reset the connection, end their side, never read, or stall. The end
   of the stream is announced exactly once, with its status, whether the stream is active or parked
   (quiet for more than a second), and whether it is read or not. The peers are real sockets. Also
   peers that send nothing, or do not listen: nothing that was started on the stream succeeds. */
#define _GNU_SOURCE /* accept4 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>

#include <tocsin/provider.h>

#include "io/streams.h"

#include "loop/engine.h"
#include "loop/timer.h"

enum { CHUNK = 1000, LIMIT = 256 * 1024 };

static char received[256];
static int parts, empty, closed, closed_status, stalled, drained;

static void begin(void)
{
    memset(received, 0, sizeof received);
    parts = empty = closed = closed_status = stalled = drained = 0;
    ck_assert_int_eq(tocsin_clock_move(0), 0);
}

static int on_stream(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);

    (void)arg;
    if (came) {
        parts++;
        empty += came->data.size == 0;
        strncat(received, came->data.data, came->data.size);
    }
    stalled += tocsin_stream_stalled_of(info) != NULL;
    drained += tocsin_stream_drained_of(info) != NULL;
    if (tocsin_stream_closed_of(info)) {
        closed++;
        closed_status = info->status;
    }
    return TOCSIN_NEXT;
}

/* Opens a stream over TCP to *ret_peer, a plain socket. */
static struct tocsin_op stream_of_tcp(const struct tocsin_stream_options *options,
                                      const struct tocsin_notify *notify, int *ret_peer)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    struct tocsin_op stream, flush;
    char address[64];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(listener, 0);
    ck_assert_int_eq(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &(int){ 65536 }, sizeof(int)), 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, size), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &size), 0);
    snprintf(address, sizeof address, "tcp:127.0.0.1:%d", ntohs(at.sin_port));
    ck_assert_int_eq(tocsin_stream_open(address, options, notify, &stream), 0);
    ck_assert_int_eq(tocsin_stream_flush(stream, TOCSIN_FUTURE, &flush), 0);
    ck_assert_int_eq(tocsin_wait(flush, -1, NULL), 0); /* the connection is in the backlog */
    *ret_peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ck_assert_int_ge(*ret_peer, 0);
    close(listener);
    return stream;
}

static void peer_reset(int peer)
{
    const struct linger none = { .l_onoff = 1 };

    ck_assert_int_eq(setsockopt(peer, SOL_SOCKET, SO_LINGER, &none, sizeof none), 0);
    close(peer);
}

/* If is_parked, waits until the descriptor of the stream is parked. */
static void quiet(bool is_parked)
{
    turns_few();
    for (int i = 0; is_parked && i < 3; i++)
        ck_assert_int_eq(tocsin_clock_move(2000), 0);
    turns_few();
}

static void ends_once(struct tocsin_op stream, int status)
{
    turns_until_over(stream);
    turns_few();
    ck_assert_int_eq(closed, 1);
    ck_assert_int_eq(closed_status, status);
}

/* Bits of a variant: the descriptor is parked; stream.received has a listener; the stream was
   written before, and read if it has a listener. */
enum { PARKED = 1, WANTED = 2, USED = 4, VARIANTS = 8 };

static struct tocsin_op variant_begin(int variant, const struct tocsin_stream_options *options,
                                      int *ret_peer)
{
    const struct tocsin_notify *notify = variant & WANTED ? TOCSIN_BOTH(on_stream)
                                                          : TOCSIN_CALL(on_stream);
    struct tocsin_op stream = stream_of_tcp(options, notify, ret_peer);
    char buffer[8];

    if (variant & USED) {
        ck_assert_int_eq(tocsin_stream_write(stream, "used", 4), 0);
        while (read(*ret_peer, buffer, 4) != 4)
            ck_assert_int_eq(errno, EAGAIN);
    }
    if (variant & USED && variant & WANTED) {
        peer_write(*ret_peer, "x");
        turns_until(&parts, 1);
        begin();
    }
    quiet(variant & PARKED);
    return stream;
}

START_TEST(reset)
{
    int peer;
    struct tocsin_op stream = variant_begin(_i, NULL, &peer);

    peer_reset(peer);
    ends_once(stream, -ECONNRESET);
    ck_assert_int_eq(parts, 0);
}
END_TEST

START_TEST(ended)
{
    int peer;
    struct tocsin_op stream = variant_begin(_i, NULL, &peer);

    shutdown(peer, SHUT_WR);
    ends_once(stream, 0);
    close(peer);
}
END_TEST

/* The peer has closed, but its unread data stays until the program reads it. */
START_TEST(ended_behind_unread_data)
{
    int peer;
    struct tocsin_op stream = variant_begin(_i & ~WANTED, NULL, &peer);

    peer_write(peer, "last words");
    shutdown(peer, SHUT_WR);
    quiet(_i & PARKED);
    ck_assert_int_eq(closed, 0);
    ck_assert_int_eq(read_part(stream, &(struct tocsin_part){ .size = 4 }, NULL), 4);
    quiet(_i & PARKED);
    ck_assert_int_eq(closed, 0);
    ck_assert_int_eq(read_part(stream, NULL, NULL), 6);
    ck_assert_int_eq(read_part(stream, NULL, NULL), 0);
    ends_once(stream, 0);
    close(peer);
}
END_TEST

START_TEST(half_closed)
{
    const struct tocsin_stream_options half = { .flags = TOCSIN_STREAM_HALF };
    char buffer[8];
    int peer;
    struct tocsin_op stream = variant_begin(_i | WANTED, &half, &peer);

    shutdown(peer, SHUT_WR);
    turns_until(&empty, 1);
    quiet(_i & PARKED);
    ck_assert_int_eq(empty, 1);
    ck_assert_int_eq(closed, 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 0); /* the peer's end is not reported again */
    ck_assert_int_eq(tocsin_stream_write(stream, "reply", 5), 0);
    ck_assert_int_eq(tocsin_stream_shutdown(stream), 0);
    ends_once(stream, 0);
    ck_assert_int_eq(read(peer, buffer, sizeof buffer), 5);
    close(peer);
}
END_TEST

/* Checks that nothing would wake the loop: no timer is armed, and no descriptor is ready. */
static void nothing_wakes(void)
{
    struct tocsin__engine *engine;
    struct pollfd loop = { .fd = tocsin_loop_fd(), .events = POLLIN };

    turns_few();
    ck_assert_int_eq(tocsin__engine_make(&engine), 0);
    ck_assert_int_eq(tocsin__timer_next(engine), INT64_MAX);
    ck_assert_int_eq(poll(&loop, 1, 0), 0);
}

/* With TOCSIN_STREAM_HALF the peer may end its side and reset the connection later. */
START_TEST(half_closed_then_reset)
{
    const struct tocsin_stream_options half = { .flags = TOCSIN_STREAM_HALF };
    int peer;
    struct tocsin_op stream = variant_begin(_i, &half, &peer);

    shutdown(peer, SHUT_WR);
    if (_i & WANTED)
        turns_until(&empty, 1);
    else
        ck_assert_int_eq(read_part(stream, NULL, NULL), 0);
    quiet(true);
    ck_assert_int_eq(closed, 0);
    nothing_wakes();
    peer_reset(peer);
    ends_once(stream, -EPIPE);
}
END_TEST

/* The program uses reads, and has not read the peer's end yet. A later reset does not hide this
   end. */
START_TEST(reset_behind_an_unread_end)
{
    const struct tocsin_stream_options half = { .flags = TOCSIN_STREAM_HALF };
    int peer;
    struct tocsin_op stream = stream_of_tcp(&half, NULL, &peer);

    peer_write(peer, "last words");
    ck_assert_int_eq(read_part(stream, &(struct tocsin_part){ .size = 4 }, NULL), 4);
    shutdown(peer, SHUT_WR);
    quiet(_i & PARKED);
    peer_reset(peer);
    quiet(_i & PARKED);
    ck_assert_int_eq(tocsin_op_status(stream), -EINPROGRESS);
    ck_assert_int_eq(read_part(stream, NULL, NULL), 6);
    ck_assert_int_eq(read_part(stream, NULL, NULL), 0);
    turns_until_over(stream);
}
END_TEST

/* The peer of a Unix stream ends its side and closes. This is not an error until the stream
   writes. */
START_TEST(half_closed_then_closed)
{
    const struct tocsin_stream_options half = { .flags = TOCSIN_STREAM_HALF };
    int peer;
    struct tocsin_op stream = stream_of_pair(&half, TOCSIN_BOTH(on_stream), &peer);

    shutdown(peer, SHUT_WR);
    turns_until(&empty, 1);
    close(peer);
    quiet(_i & PARKED);
    ck_assert_int_eq(closed, 0);
    quiet(true);
    nothing_wakes();
    ck_assert_int_eq(tocsin_stream_write(stream, "x", 1), -EPIPE);
    ends_once(stream, -EPIPE);
}
END_TEST

/* The peer has ended its side and does not read. The stream's queued output must not keep the loop
   awake. */
START_TEST(half_closed_while_stalled)
{
    static const char block[4 * 1024 * 1024];
    const struct tocsin_stream_options half = { .flags = TOCSIN_STREAM_HALF |
                                                         TOCSIN_STREAM_DUPLEX };
    int peer;
    struct tocsin_op stream = variant_begin(WANTED, &half, &peer);

    ck_assert_int_eq(tocsin_stream_write(stream, block, sizeof block), 1);
    shutdown(peer, SHUT_WR);
    turns_until(&empty, 1);
    quiet(true);
    nothing_wakes();
    peer_reset(peer);
    ends_once(stream, -EPIPE);
}
END_TEST

/* Backpressure */

/* Fills in numbered bytes: byte i of the stream is (char)(i * 7 + i / 256). */
static void fill(char *data, size_t at, size_t size)
{
    for (size_t i = at; i < at + size; i++)
        data[i - at] = (char)(i * 7 + i / 256);
}

/* Reads what has arrived, and compares it. Returns the number of bytes. */
static size_t peer_compare(int peer, size_t at)
{
    static char got[65536], wanted[65536];
    ssize_t count = read(peer, got, sizeof got);

    if (count < 0)
        ck_assert_int_eq(errno, EAGAIN);
    if (count <= 0)
        return 0;
    fill(wanted, at, (size_t)count);
    ck_assert_mem_eq(got, wanted, (size_t)count);
    return (size_t)count;
}

static uint64_t waiting(struct tocsin_op stream)
{
    struct tocsin_stream_facts facts;

    ck_assert_int_eq(tocsin_stream_get(stream, &facts), 0);
    return facts.waiting_bytes;
}

START_TEST(never_reads)
{
    const struct tocsin_stream_options limits = { .limit_bytes = LIMIT };
    char data[CHUNK];
    size_t written_size = 0, read_size = 0;
    int peer, err;
    struct tocsin_op stream = variant_begin(_i, &limits, &peer);

    for (;;) {
        fill(data, written_size, CHUNK);
        err = tocsin_stream_write(stream, data, CHUNK);
        if (err < 0)
            break;
        written_size += CHUNK;
        ck_assert_uint_le(waiting(stream), LIMIT);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    ck_assert_int_eq(err, -EAGAIN);
    quiet(_i & PARKED);
    ck_assert_int_eq(tocsin_stream_write(stream, data, LIMIT), -EAGAIN);
    ck_assert_int_eq(closed, 0);
    ck_assert_int_eq(tocsin_stream_close(stream), 0); /* all accepted data is still sent */
    while (read_size < written_size) {
        read_size += peer_compare(peer, read_size);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    ends_once(stream, 0);
    ck_assert_int_eq(read(peer, data, CHUNK), 0);
    close(peer);
    if (_i & WANTED) {
        ck_assert_int_eq(stalled, 1);
        ck_assert_int_le(drained, 1);
    }
}
END_TEST

START_TEST(resets_what_waits)
{
    const struct tocsin_stream_options limits = { .limit_bytes = LIMIT };
    char data[CHUNK] = { 0 };
    int peer, err;
    struct tocsin_op stream = variant_begin(_i, &limits, &peer), flush;

    while (tocsin_stream_write(stream, data, CHUNK) >= 0)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_stream_flush(stream, TOCSIN_FUTURE, &flush), 0);
    quiet(_i & PARKED);
    peer_reset(peer);
    err = tocsin_wait(flush, -1, NULL);
    ck_assert_int_eq(err, -ECONNRESET);
    ends_once(stream, -ECONNRESET);
}
END_TEST

static int on_echo(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);

    if (came)
        ck_assert_int_ge(
            tocsin_stream_write(tocsin_info_op(info), came->data.data, came->data.size), 0);
    return came ? TOCSIN_NEXT : on_stream(info, arg);
}

/* Contract line I4: the peer writes, and never reads the echo. When the output of the stream is
   stalled, the stream stops reading. So the writes of the peer must block at last. The test uses a
   Unix socket, since TCP drops acknowledgements together with data for which a peer has no room. */
START_TEST(an_echo_that_is_not_read)
{
    const struct tocsin_stream_options limits = { .limit_bytes = LIMIT };
    char data[CHUNK];
    size_t sent = 0, read_size = 0;
    int peer, refusals = 0;
    struct tocsin_op stream = stream_of_pair(&limits, TOCSIN_BOTH(on_echo), &peer);

    while (!stalled || refusals < 20) {
        ssize_t count;

        fill(data, sent, CHUNK);
        count = write(peer, data, CHUNK);
        if (count > 0)
            sent += (size_t)count;
        refusals = count > 0 || !stalled ? 0 : refusals + 1;
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        ck_assert_uint_le(waiting(stream), LIMIT);
    }
    ck_assert_int_eq(stalled, 1);
    quiet(_i & PARKED);
    shutdown(peer, SHUT_WR);
    while (read_size < sent) {
        read_size += peer_compare(peer, read_size);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    ends_once(stream, 0);
    close(peer);
}
END_TEST

/* The peer stalls in the middle of a part */

START_TEST(stalls)
{
    const struct tocsin_stream_options lines = { .part = { .until = "\n" } };
    int peer;
    struct tocsin_op stream = variant_begin(_i | WANTED, &lines, &peer);

    peer_write(peer, "ha");
    quiet(_i & PARKED);
    ck_assert_int_eq(parts, 0);
    peer_write(peer, "lf\nrest");
    turns_until(&parts, 1);
    quiet(_i & PARKED);
    ck_assert_str_eq(received, "half\n");
    ck_assert_int_eq(parts, 1);
    peer_reset(peer);
    ends_once(stream, -ECONNRESET);
    ck_assert_str_eq(received, "half\n"); /* the incomplete line is not delivered */
}
END_TEST

/* Data is never NULL: an empty part is an empty text. */
START_TEST(sends_nothing)
{
    const struct tocsin_part ways[] = { { .size = 0 },
                                        { .flags = TOCSIN_TO_END },
                                        { .until = "\n" },
                                        { .into = received, .size = 4 } };
    struct tocsin_info *info;
    struct tocsin_op stream, read;
    int peer;

    stream = stream_of_pair(NULL, NULL, &peer);
    close(peer);
    ck_assert_int_eq(tocsin_stream_read(stream, &ways[_i], TOCSIN_FUTURE, &read), 0);
    ck_assert_int_eq(tocsin_wait(read, -1, &info), 0);
    ck_assert_uint_eq(tocsin_stream_taken_of(info)->data.size, 0);
    ck_assert_str_eq(tocsin_stream_taken_of(info)->data.data, "");
    tocsin_info_unref(info);
    turns_until_over(stream);
}
END_TEST

/* Writes an address at which nobody listens: a port that is only bound, an abstract name, or a path
   that does not exist. */
static void silent_address(int which, char *address, size_t size, int *ret_fd)
{
    struct sockaddr_in where = { .sin_family = AF_INET };
    socklen_t length = sizeof where;

    *ret_fd = socket(AF_INET, SOCK_STREAM, 0);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(*ret_fd, (struct sockaddr *)&where, sizeof where), 0);
    ck_assert_int_eq(getsockname(*ret_fd, (struct sockaddr *)&where, &length), 0);
    if (which == 0)
        snprintf(address, size, "tcp:127.0.0.1:%d", ntohs(where.sin_port));
    else
        snprintf(address, size, which == 1 ? "unix:@tocsin-nobody" : "unix:/nowhere/nobody");
}

/* A flush without data ends with the error, too, since programs use it to wait for the
   connection. */
START_TEST(does_not_listen)
{
    static const int errors[] = { -ECONNREFUSED, -ECONNREFUSED, -ENOENT };
    struct tocsin_op stream, flush, second, read;
    char address[64];
    int fd;

    silent_address(_i, address, sizeof address, &fd);
    ck_assert_int_eq(tocsin_stream_open(address, NULL, TOCSIN_CALL(on_stream), &stream), 0);
    ck_assert_int_eq(tocsin_stream_flush(stream, TOCSIN_FUTURE, &flush), 0);
    ck_assert_int_eq(tocsin_wait(flush, -1, NULL), errors[_i]);
    turns_until_over(stream);
    ck_assert_int_eq(closed_status, errors[_i]);
    ck_assert_int_eq(tocsin_stream_open(address, NULL, TOCSIN_CALL(on_stream), &stream), 0);
    ck_assert_int_eq(tocsin_stream_flush(stream, TOCSIN_FUTURE, &flush), 0);
    ck_assert_int_eq(tocsin_stream_write(stream, "x", 1), 0);
    ck_assert_int_eq(tocsin_stream_flush(stream, TOCSIN_FUTURE, &second), 0);
    ck_assert_int_eq(tocsin_stream_read(stream, NULL, TOCSIN_FUTURE, &read), 0);
    ck_assert_int_eq(tocsin_cancel(stream), 0);
    ck_assert_int_eq(tocsin_wait(flush, -1, NULL), -ECANCELED);
    ck_assert_int_eq(tocsin_wait(second, -1, NULL), -ECANCELED);
    ck_assert_int_eq(tocsin_wait(read, -1, NULL), -ECANCELED);
    turns_until_over(stream);
    close(fd);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/peers");
    TCase *tests = test_case(suite, "peers");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_loop_test(tests, reset, 0, VARIANTS);
    tcase_add_loop_test(tests, ended, 0, VARIANTS);
    tcase_add_loop_test(tests, ended_behind_unread_data, 0, VARIANTS);
    tcase_add_loop_test(tests, half_closed, 0, VARIANTS);
    tcase_add_loop_test(tests, half_closed_then_reset, 0, VARIANTS);
    tcase_add_loop_test(tests, reset_behind_an_unread_end, 0, PARKED + 1);
    tcase_add_loop_test(tests, half_closed_then_closed, 0, PARKED + 1);
    tcase_add_test(tests, half_closed_while_stalled);
    tcase_add_loop_test(tests, never_reads, 0, USED);
    tcase_add_loop_test(tests, resets_what_waits, 0, USED);
    tcase_add_loop_test(tests, an_echo_that_is_not_read, 0, PARKED + 1);
    tcase_add_loop_test(tests, stalls, 0, PARKED + 1);
    tcase_add_loop_test(tests, sends_nothing, 0, 4);
    tcase_add_loop_test(tests, does_not_listen, 0, 3);
    return suite;
}
