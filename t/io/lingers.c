/* A stream that is closed while its peer still sends: the peer receives everything that was
   written, then the end, and no reset. The stream ends when the peer has ended its side, or after
   10 s; its status is 0. Without unread input a close does not wait for the peer. Peers over TCP
   and over a Unix socket. */
#define _GNU_SOURCE /* accept4 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "io/streams.h"

enum { WRITTEN = 300000 };

static int closed, closed_status;

static void begin(void)
{
    closed = closed_status = 0;
    ck_assert_int_eq(tocsin_clock_move(0), 0);
}

static int on_stream(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    if (tocsin_stream_closed_of(info)) {
        closed++;
        closed_status = info->status;
    }
    return TOCSIN_NEXT;
}

static struct tocsin_op stream_of_tcp(const struct tocsin_stream_options *options, int *ret_peer)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    struct tocsin_op stream, flush;
    char address[64];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, size), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &size), 0);
    snprintf(address, sizeof address, "tcp:127.0.0.1:%d", ntohs(at.sin_port));
    ck_assert_int_eq(tocsin_stream_open(address, options, TOCSIN_CALL(on_stream), &stream), 0);
    ck_assert_int_eq(tocsin_stream_flush(stream, TOCSIN_FUTURE, &flush), 0);
    ck_assert_int_eq(tocsin_wait(flush, -1, NULL), 0);
    *ret_peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ck_assert_int_ge(*ret_peer, 0);
    close(listener);
    return stream;
}

static struct tocsin_op stream_new(bool is_tcp, const struct tocsin_stream_options *options,
                                   int *ret_peer)
{
    return is_tcp ? stream_of_tcp(options, ret_peer)
                  : stream_of_pair(options, TOCSIN_CALL(on_stream), ret_peer);
}

/* Sends as much as is accepted now. */
static void peer_fill(int peer)
{
    static const char block[65536];

    while (write(peer, block, sizeof block) > 0)
        ;
}

/* Reads what has come. false: the end. */
static bool peer_take(int peer, size_t *count)
{
    static char block[65536];
    ssize_t size;

    while ((size = read(peer, block, sizeof block)) > 0)
        *count += (size_t)size;
    if (size < 0)
        ck_assert_int_eq(errno, EAGAIN);
    return size < 0;
}

static void write_all(struct tocsin_op stream)
{
    static const char block[WRITTEN];

    ck_assert_int_ge(tocsin_stream_write(stream, block, sizeof block), 0);
}

/* The peer goes on sending, and reads late. */
START_TEST(the_peer_gets_all)
{
    size_t count = 0;
    int peer;
    struct tocsin_op stream = stream_new(_i, NULL, &peer);

    peer_fill(peer);
    write_all(stream);
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    do {
        peer_fill(peer);
        for (int i = 0; i < 3; i++)
            ck_assert_int_ge(tocsin_loop_turn(0), 0);
    } while (peer_take(peer, &count));
    ck_assert_uint_eq(count, WRITTEN);
    peer_fill(peer);
    turns_few();
    ck_assert_int_eq(closed, 0);
    close(peer);
    turns_until_over(stream);
    ck_assert_int_eq(closed, 1);
    ck_assert_int_eq(closed_status, 0);
}
END_TEST

/* A little that is unread, and data that was sent at once. */
START_TEST(the_peer_gets_little)
{
    char text[8];
    int peer;
    struct tocsin_op stream = stream_new(_i, NULL, &peer);

    peer_write(peer, "question");
    ck_assert_int_eq(tocsin_stream_write(stream, "answer", 6), 0);
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    turns_few();
    peer_write(peer, "another question");
    turns_few();
    ck_assert_int_eq(peer_read(peer, text, sizeof text), 6);
    while (peer_read(peer, text, sizeof text) == -EAGAIN)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(peer_read(peer, text, sizeof text), 0);
    ck_assert_int_eq(closed, 0);
    close(peer);
    turns_until_over(stream);
    ck_assert_int_eq(closed_status, 0);
}
END_TEST

/* The peer never ends its side: the limit of the close, or the idle limit, passes. */
START_TEST(limits)
{
    const struct tocsin_stream_options options = { .idle_ms = _i & 2 ? 1000 : 0 };
    int peer;
    struct tocsin_op stream = stream_new(_i & 1, &options, &peer);

    peer_write(peer, "unread");
    ck_assert_int_eq(tocsin_stream_write(stream, "answer", 6), 0);
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    turns_few();
    ck_assert_int_eq(tocsin_clock_move(_i & 2 ? 500 : 9000), 0);
    ck_assert_int_eq(closed, 0);
    ck_assert_int_eq(tocsin_clock_move(_i & 2 ? 3000 : 2000), 0);
    turns_until_over(stream);
    ck_assert_int_eq(closed_status, 0);
    close(peer);
}
END_TEST

/* Nothing is unread, or the peer has ended its side, or the outgoing side was ended before. */
START_TEST(no_wait)
{
    int peer;
    struct tocsin_op stream = stream_new(_i & 1, NULL, &peer);

    if (_i & 2) {
        peer_write(peer, "unread");
        shutdown(peer, SHUT_WR);
    }
    ck_assert_int_eq(tocsin_stream_write(stream, "answer", 6), 0);
    if (_i & 4)
        ck_assert_int_eq(tocsin_stream_shutdown(stream), 0);
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    turns_until_over(stream);
    ck_assert_int_eq(closed_status, 0);
    close(peer);
}
END_TEST

START_TEST(cancelled)
{
    int peer;
    struct tocsin_op stream = stream_new(_i, NULL, &peer);

    peer_write(peer, "unread");
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    turns_few();
    ck_assert_int_eq(closed, 0);
    tocsin_cancel(stream);
    turns_until_over(stream);
    ck_assert_int_eq(closed_status, -ECANCELED);
    close(peer);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/lingers");
    TCase *tests = test_case(suite, "lingers");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_loop_test(tests, the_peer_gets_all, 0, 2);
    tcase_add_loop_test(tests, the_peer_gets_little, 0, 2);
    tcase_add_loop_test(tests, limits, 0, 4);
    tcase_add_loop_test(tests, no_wait, 0, 8);
    tcase_add_loop_test(tests, cancelled, 0, 2);
    return suite;
}
