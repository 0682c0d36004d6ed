/* Streams: data by stream.received and by reads, writing, flushing, the ends of both sides, close,
   cancel, new options. The other end is a plain socket, or a listener on the loopback interface. */
#include "io/streams.h"

static char received[4096];
static int closed, closed_status, ends;

static void begin(void)
{
    memset(received, 0, sizeof received);
    closed = closed_status = ends = 0;
}

static int on_stream(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);

    (void)arg;
    if (came) {
        ck_assert_int_eq(((const char *)came->data.data)[came->data.size], 0);
        strncat(received, came->data.data, came->data.size);
        strcat(received, "|");
        ends += came->data.size == 0;
    }
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
    return tocsin_stream_write(tocsin_info_op(info), came->data.data, came->data.size);
}

/* The program echo.c of the manual: a registry handler of all streams. */
static void echo_at(const char *where)
{
    struct tocsin_op listener, client, op;
    char buffer[16], address[128];

    connect_to("stream.received", on_echo, NULL);
    ck_assert_int_eq(tocsin_listen(where, NULL, NULL, &listener), 0);
    address_of(listener, address);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tocsin_stream_open(address, NULL, NULL, &client), 0);
        ck_assert_int_eq(tocsin_stream_write(client, "hello", 5), 0);
        ck_assert_int_eq(tocsin_stream_flush(client, TOCSIN_FUTURE, &op), 0);
        ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
        tocsin_stream_read(
            client, &(struct tocsin_part){ .into = buffer, .size = 10, .flags = TOCSIN_EXACTLY },
            TOCSIN_FUTURE, &op);
        tocsin_stream_write(client, "world", 5);
        ck_assert_int_eq(tocsin_wait(op, -1, NULL), 10);
        ck_assert_mem_eq(buffer, "helloworld", 10);
        ck_assert_int_eq(tocsin_stream_close(client), 0);
        turns_until_over(client);
    }
    tocsin_cancel(listener);
    drain_all();
}

START_TEST(echo_over_tcp)
{
    echo_at("tcp:127.0.0.1:0");
}
END_TEST

START_TEST(echo_over_tcp_6)
{
    echo_at("tcp:*:0");
}
END_TEST

START_TEST(echo_over_an_abstract_name)
{
    char address[64];

    snprintf(address, sizeof address, "unix:@tocsin-streams-%d", getpid());
    echo_at(address);
}
END_TEST

START_TEST(pushed_as_it_comes)
{
    int peer;
    struct tocsin_op stream = stream_of_pair(NULL, TOCSIN_BOTH(on_stream), &peer);

    peer_write(peer, "one");
    turns_few();
    ck_assert_str_eq(received, "one|");
    peer_write(peer, "two");
    close(peer);
    turns_until_over(stream);
    ck_assert_str_eq(received, "one|two|");
    ck_assert_int_eq(closed, 1);
    ck_assert_int_eq(closed_status, 0);
}
END_TEST

START_TEST(pushed_by_lines)
{
    const struct tocsin_stream_options lines = { .part = { .until = "\r\n", .size = 8 } };
    int peer;
    struct tocsin_op stream = stream_of_pair(&lines, TOCSIN_BOTH(on_stream), &peer);

    peer_write(peer, "a\r\n\r\nbc\r");
    turns_few();
    ck_assert_str_eq(received, "a\r\n|\r\n|");
    peer_write(peer, "\nlast");
    turns_few();
    ck_assert_str_eq(received, "a\r\n|\r\n|bc\r\n|");
    close(peer);
    turns_until_over(stream);
    ck_assert_str_eq(received, "a\r\n|\r\n|bc\r\n|last|");
    ck_assert_int_eq(closed_status, 0);
}
END_TEST

START_TEST(a_part_that_is_too_long)
{
    const struct tocsin_stream_options lines = { .part = { .until = "\n", .size = 8 } };
    int peer;
    struct tocsin_op stream = stream_of_pair(&lines, TOCSIN_BOTH(on_stream), &peer);

    peer_write(peer, "1234567\n12345678\n");
    turns_until_over(stream);
    ck_assert_str_eq(received, "1234567\n|");
    ck_assert_int_eq(closed_status, TOCSIN_ETOOBIG);
    close(peer);
}
END_TEST

START_TEST(pulled)
{
    int peer;
    struct tocsin_op stream = stream_of_pair(NULL, NULL, &peer), read;
    struct tocsin_info *info;
    char into[8];

    peer_write(peer, "line\n123456rest");
    ck_assert_int_eq(read_part(stream, &(struct tocsin_part){ .until = "\n" }, &info), 5);
    ck_assert_str_eq(tocsin_stream_taken_of(info)->data.data, "line\n");
    tocsin_info_unref(info);
    ck_assert_int_eq(tocsin_stream_read(stream, NULL, NULL, &read), 0);
    ck_assert_int_eq(tocsin_cancel(read), 0); /* the cancelled read takes no data */
    ck_assert_int_eq(
        read_part(stream, &(struct tocsin_part){ .into = into, .size = 6, .flags = TOCSIN_EXACTLY },
                  NULL),
        6);
    ck_assert_mem_eq(into, "123456", 6);
    ck_assert_int_eq(read_part(stream, &(struct tocsin_part){ .size = 3 }, &info), 3);
    ck_assert_str_eq(tocsin_stream_taken_of(info)->data.data, "res");
    tocsin_info_unref(info);
    close(peer);
    turns_few();
    ck_assert_int_eq(read_part(stream, NULL, NULL), 1);
    turns_few();
    ck_assert_int_eq(read_part(stream, NULL, NULL), 0); /* the peer's end has waited for a read */
    turns_few();
    ck_assert_int_eq(tocsin_op_status(stream), -ENOENT);
    ck_assert_int_eq(read_part(stream, NULL, NULL), -ENOENT);
}
END_TEST

START_TEST(pulled_to_the_end)
{
    int peer;
    struct tocsin_op stream = stream_of_pair(NULL, NULL, &peer), read;
    struct tocsin_info *info;

    tocsin_stream_read(stream, &(struct tocsin_part){ .flags = TOCSIN_TO_END }, TOCSIN_FUTURE,
                       &read);
    peer_write(peer, "abc");
    turns_few();
    peer_write(peer, "def");
    close(peer);
    ck_assert_int_eq(tocsin_wait(read, -1, &info), 6);
    ck_assert_str_eq(tocsin_stream_taken_of(info)->data.data, "abcdef");
    tocsin_info_unref(info);
    turns_until_over(stream);
}
END_TEST

START_TEST(truncated)
{
    int peer;
    struct tocsin_op stream = stream_of_pair(NULL, NULL, &peer);

    peer_write(peer, "abc");
    close(peer);
    ck_assert_int_eq(
        read_part(stream, &(struct tocsin_part){ .size = 4, .flags = TOCSIN_EXACTLY }, NULL),
        TOCSIN_ETRUNCATED);
    ck_assert_int_eq(read_part(stream, NULL, NULL), 3); /* the failed read has taken no data */
    ck_assert_int_eq(read_part(stream, NULL, NULL), 0);
    turns_until_over(stream);
}
END_TEST

START_TEST(reads_before_received)
{
    int peer;
    struct tocsin_op stream = stream_of_pair(NULL, TOCSIN_EACH(on_stream), &peer), first, second;

    tocsin_stream_read(stream, &(struct tocsin_part){ .size = 2 }, TOCSIN_FUTURE, &first);
    tocsin_stream_read(stream, &(struct tocsin_part){ .size = 3 }, TOCSIN_FUTURE, &second);
    peer_write(peer, "aabbbcc");
    turns_few();
    ck_assert_int_eq(tocsin_wait(first, -1, NULL), 2);
    ck_assert_int_eq(tocsin_wait(second, -1, NULL), 3);
    ck_assert_str_eq(received, "cc|");
    tocsin_cancel(stream);
    turns_until_over(stream);
    close(peer);
}
END_TEST

START_TEST(half_closed)
{
    const struct tocsin_stream_options half = { .flags = TOCSIN_STREAM_HALF };
    int peer;
    struct tocsin_op stream = stream_of_pair(&half, TOCSIN_BOTH(on_stream), &peer);
    char buffer[8];

    peer_write(peer, "ask");
    shutdown(peer, SHUT_WR);
    turns_few();
    ck_assert_str_eq(received, "ask||");
    ck_assert_int_eq(ends, 1);
    ck_assert_int_eq(tocsin_stream_write(stream, "answer", 6), 0);
    ck_assert_int_eq(tocsin_stream_shutdown(stream), 0);
    turns_until_over(stream);
    ck_assert_int_eq(closed_status, 0);
    ck_assert_int_eq(peer_read(peer, buffer, sizeof buffer), 6);
    ck_assert_int_eq(peer_read(peer, buffer, sizeof buffer), 0);
    close(peer);
}
END_TEST

START_TEST(written_before_it_is_connected)
{
    struct tocsin_op listener, client, flush, accepted;
    char address[128], buffer[8];

    (void)accepted;
    ck_assert_int_eq(tocsin_listen("tcp:127.0.0.1:0", NULL, TOCSIN_EACH(on_stream), &listener), 0);
    address_of(listener, address);
    ck_assert_int_eq(tocsin_stream_open(address, NULL, NULL, &client), 0);
    ck_assert_int_eq(tocsin_stream_write(client, "early", 5), 0);
    ck_assert_int_eq(tocsin_stream_flush(client, TOCSIN_FUTURE, &flush), 0);
    ck_assert_int_eq(tocsin_wait(flush, -1, NULL), 0);
    /* nobody has taken the accepted stream, so it was closed */
    ck_assert_int_le(read_part(client, &(struct tocsin_part){ .into = buffer, .size = 8 }, NULL),
                     0);
    turns_until_over(client);
    tocsin_cancel(listener);
    drain_all();
}
END_TEST

START_TEST(refused)
{
    struct tocsin_op stream, flush, read;

    ck_assert_int_eq(
        tocsin_stream_open("unix:@tocsin-nobody-listens", NULL, TOCSIN_CALL(on_stream), &stream),
        0);
    tocsin_stream_write(stream, "x", 1);
    tocsin_stream_flush(stream, TOCSIN_FUTURE, &flush);
    tocsin_stream_read(stream, NULL, TOCSIN_FUTURE, &read);
    ck_assert_int_eq(tocsin_wait(flush, -1, NULL), -ECONNREFUSED);
    ck_assert_int_eq(tocsin_wait(read, -1, NULL), -ECONNREFUSED);
    turns_until_over(stream);
    ck_assert_int_eq(closed, 1);
    ck_assert_int_eq(closed_status, -ECONNREFUSED);
}
END_TEST

START_TEST(resolved)
{
    struct tocsin_op listener, client, flush;
    char address[128], named[160];

    ck_assert_int_eq(tocsin_listen("tcp:*:0", NULL, TOCSIN_EACH(on_stream), &listener), 0);
    address_of(listener, address);
    snprintf(named, sizeof named, "tcp:localhost%s", strrchr(address, ':'));
    ck_assert_int_eq(tocsin_stream_open(named, NULL, NULL, &client), 0);
    tocsin_stream_flush(client, TOCSIN_FUTURE, &flush);
    ck_assert_int_eq(tocsin_wait(flush, -1, NULL), 0);
    tocsin_cancel(client);
    ck_assert_int_eq(tocsin_stream_open(named, NULL, NULL, &client), 0);
    tocsin_cancel(client); /* ends the stream while its host name is being resolved */
    tocsin_cancel(listener);
    drain_all();
}
END_TEST

START_TEST(cancelled_and_closed)
{
    int peer;
    struct tocsin_op stream = stream_of_pair(NULL, TOCSIN_BOTH(on_stream), &peer), read;
    char buffer[8];

    ck_assert_int_eq(tocsin_stream_read(stream, NULL, TOCSIN_FUTURE, &read), 0);
    ck_assert_int_eq(tocsin_cancel(stream), 0);
    ck_assert_int_eq(tocsin_stream_write(stream, "x", 1), -EPIPE);
    ck_assert_int_eq(tocsin_wait(read, -1, NULL), -ECANCELED);
    turns_until_over(stream);
    ck_assert_int_eq(closed_status, -ECANCELED);
    ck_assert_int_eq(tocsin_stream_write(stream, "x", 1), -ENOENT);
    close(peer);
    stream = stream_of_pair(NULL, TOCSIN_BOTH(on_stream), &peer);
    ck_assert_int_eq(tocsin_stream_write(stream, "bye", 3), 0);
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    ck_assert_int_eq(tocsin_stream_close(stream), -EALREADY);
    turns_until_over(stream);
    ck_assert_int_eq(closed_status, 0);
    ck_assert_int_eq(peer_read(peer, buffer, sizeof buffer), 3);
    close(peer);
}
END_TEST

static int cancels_it(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);

    (void)arg;
    if (!came)
        return TOCSIN_NEXT;
    ck_assert_int_eq(tocsin_cancel(tocsin_info_op(info)), 0);
    strncat(received, came->data.data, came->data.size); /* lent until the handler returns */
    return TOCSIN_NEXT;
}

START_TEST(cancelled_while_data_is_lent)
{
    const struct tocsin_stream_options lines = { .part = { .until = "\n" } };
    int peer;
    struct tocsin_op stream = stream_of_pair(&lines, TOCSIN_EACH(cancels_it), &peer);

    peer_write(peer, "ha");
    turns_few();
    peer_write(peer, "lf\nrest");
    turns_until_over(stream);
    ck_assert_str_eq(received, "half\n");
    close(peer);
}
END_TEST

START_TEST(pipes_and_files)
{
    int pipes[2], file = open("/dev/null", O_RDWR);
    struct tocsin_op in, out, op;
    char address[32];

    ck_assert_int_eq(pipe(pipes), 0);
    snprintf(address, sizeof address, "fd:%d", pipes[0]);
    ck_assert_int_eq(tocsin_stream_open(address, NULL, NULL, &in), 0);
    snprintf(address, sizeof address, "fd:%d", pipes[1]);
    ck_assert_int_eq(tocsin_stream_open(address, NULL, NULL, &out), 0);
    ck_assert_int_eq(tocsin_stream_write(in, "x", 1), -EINVAL);
    ck_assert_int_eq(tocsin_stream_read(out, NULL, NULL, &op), -EINVAL);
    ck_assert_int_eq(tocsin_stream_write(out, "through", 7), 0);
    ck_assert_int_eq(tocsin_stream_close(out), 0);
    ck_assert_int_eq(read_part(in, NULL, NULL), 7);
    ck_assert_int_eq(read_part(in, NULL, NULL), 0);
    turns_until_over(in);
    snprintf(address, sizeof address, "fd:%d", file);
    ck_assert_int_eq(tocsin_stream_open(address, NULL, NULL, &in), 0);
    ck_assert_int_eq(tocsin_stream_write(in, "gone", 4), 0);
    ck_assert_int_eq(read_part(in, NULL, NULL), 0);
    turns_until_over(in);
    drain_all();
}
END_TEST

START_TEST(piped)
{
    int left, right;
    struct tocsin_op a = stream_of_pair(NULL, NULL, &left), b = stream_of_pair(NULL, NULL, &right),
                     pipe;
    char buffer[16];

    ck_assert_int_eq(tocsin_stream_pipe(a, b, TOCSIN_FUTURE, &pipe), 0);
    ck_assert_int_eq(tocsin_stream_pipe(b, a, NULL, NULL), 0);
    peer_write(left, "to the right");
    turns_few();
    ck_assert_int_eq(peer_read(right, buffer, sizeof buffer), 12);
    shutdown(left, SHUT_WR);
    ck_assert_int_eq(tocsin_wait(pipe, -1, NULL), 0);
    turns_few();
    ck_assert_int_eq(peer_read(right, buffer, sizeof buffer), 0);
    peer_write(right, "answer"); /* the other direction still works */
    turns_few();
    ck_assert_int_eq(peer_read(left, buffer, sizeof buffer), 6);
    shutdown(right, SHUT_WR);
    turns_until_over(a);
    turns_until_over(b);
    close(left);
    close(right);
}
END_TEST

/* tocsin_stream_set sets another delimiter, which also counts for bytes that were searched
   already. */
START_TEST(set_another_part)
{
    int peer;
    struct tocsin_op stream =
        stream_of_pair(&(struct tocsin_stream_options){ .part = { .until = "\n" } },
                       TOCSIN_BOTH(on_stream), &peer);

    peer_write(peer, "a\nb;c;d");
    turns_few();
    ck_assert_str_eq(received, "a\n|");
    ck_assert_int_eq(
        tocsin_stream_set(stream, &(struct tocsin_stream_options){ .part = { .until = ";" } }), 0);
    turns_few();
    ck_assert_str_eq(received, "a\n|b;|c;|");
    /* the default part is the data that has arrived */
    ck_assert_int_eq(tocsin_stream_set(stream, NULL), 0);
    turns_few();
    ck_assert_str_eq(received, "a\n|b;|c;|d|");
    close(peer);
    turns_until_over(stream);
}
END_TEST

static int on_line_set(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_options rest = { .part = { .size = 3, .flags = TOCSIN_EXACTLY } };

    on_stream(info, arg);
    if (tocsin_stream_received_of(info))
        ck_assert_int_eq(tocsin_stream_set(tocsin_info_op(info), &rest), 0);
    if (tocsin_stream_closed_of(info))
        ck_assert_int_eq(tocsin_stream_set(tocsin_info_op(info), &rest), -EALREADY);
    return TOCSIN_NEXT;
}

/* A handler of stream.received sets other parts. They count for the bytes that follow. */
START_TEST(set_in_a_handler)
{
    int peer;
    struct tocsin_op stream =
        stream_of_pair(&(struct tocsin_stream_options){ .part = { .until = "\n" } },
                       TOCSIN_BOTH(on_line_set), &peer);

    peer_write(peer, "head\n123456");
    close(peer);
    turns_until_over(stream);
    ck_assert_str_eq(received, "head\n|123|456|");
}
END_TEST

/* tocsin_stream_set changes the limits of queued output. Refused options change nothing. */
START_TEST(set_limits)
{
    static const char block[1000000];
    int peer;
    struct tocsin_op stream = stream_of_pair(NULL, NULL, &peer);

    ck_assert_int_eq(tocsin_stream_write(stream, block, sizeof block), 1);
    ck_assert_int_eq(
        tocsin_stream_set(stream, &(struct tocsin_stream_options){ .limit_bytes = 1000 }), 0);
    ck_assert_int_eq(tocsin_stream_write(stream, "x", 1), -EAGAIN);
    ck_assert_int_eq(tocsin_stream_set(stream, &(struct tocsin_stream_options){ .idle_ms = -1 }),
                     -EINVAL);
    ck_assert_int_eq(tocsin_stream_write(stream, "x", 1), -EAGAIN);
    ck_assert_int_eq(
        tocsin_stream_set(stream, &(struct tocsin_stream_options){ .high_bytes = 1 << 21,
                                                                   .low_bytes = 1 << 21,
                                                                   .limit_bytes = 1 << 22 }),
        0);
    /* the stream is not stalled any more */
    ck_assert_int_eq(tocsin_stream_write(stream, "x", 1), 0);
    tocsin_cancel(stream);
    turns_until_over(stream);
    close(peer);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/streams");
    TCase *tests = test_case(suite, "streams");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, echo_over_tcp);
    tcase_add_test(tests, echo_over_tcp_6);
    tcase_add_test(tests, echo_over_an_abstract_name);
    tcase_add_test(tests, pushed_as_it_comes);
    tcase_add_test(tests, pushed_by_lines);
    tcase_add_test(tests, a_part_that_is_too_long);
    tcase_add_test(tests, pulled);
    tcase_add_test(tests, pulled_to_the_end);
    tcase_add_test(tests, truncated);
    tcase_add_test(tests, reads_before_received);
    tcase_add_test(tests, half_closed);
    tcase_add_test(tests, written_before_it_is_connected);
    tcase_add_test(tests, refused);
    tcase_add_test(tests, resolved);
    tcase_add_test(tests, cancelled_and_closed);
    tcase_add_test(tests, cancelled_while_data_is_lent);
    tcase_add_test(tests, pipes_and_files);
    tcase_add_test(tests, piped);
    tcase_add_test(tests, set_another_part);
    tcase_add_test(tests, set_in_a_handler);
    tcase_add_test(tests, set_limits);
    return suite;
}
