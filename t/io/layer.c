/* Streams with a layer (record_layer.h), of both kinds: the handshake comes before
   stream.connected, and fails, is cancelled or takes too long; records inside of the layer are
   delivered although the descriptor has nothing more; framing, bulk data both ways, the ends of
   both sides; a cut connection; the departure of the peer while nobody reads. Refusals: no TLS,
   wrong types. */
#include <arpa/inet.h>

#include "io/record_layer.h"

static int server, closed, closed_status, connected, drained;
static char address[64], reason[64], text[1000];

static void begin(void)
{
    struct sockaddr_in any = { .sin_family = AF_INET };
    socklen_t size = sizeof any;

    closed = closed_status = connected = drained = record_layers = 0;
    text[0] = 0;
    inet_pton(AF_INET, "127.0.0.1", &any.sin_addr);
    server = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(server, (struct sockaddr *)&any, sizeof any), 0);
    ck_assert_int_eq(listen(server, 5), 0);
    ck_assert_int_eq(getsockname(server, (struct sockaddr *)&any, &size), 0);
    ck_assert_int_eq(tocsin_layer_provide("record", &record_type), 0);
    ck_assert_int_eq(tocsin_layer_provide("tls", &record_type), 0);
    snprintf(address, sizeof address, "record:127.0.0.1:%d", ntohs(any.sin_port));
}

/* Each state of a layer was freed. */
static void end(void)
{
    close(server);
    drain_all();
    ck_assert_int_eq(record_layers, 0);
}

static int on_stream(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);
    const struct tocsin_stream_connected *up = tocsin_stream_connected_of(info);

    (void)arg;
    if (up) {
        connected++;
        ck_assert_str_eq(up->protocol, "record");
        ck_assert_int_ge(up->tls_us, 0);
    }
    if (came) {
        strncat(text, came->data.data, came->data.size);
        strcat(text, "|");
    }
    drained += tocsin_stream_drained_of(info) != NULL;
    if (tocsin_stream_closed_of(info)) {
        closed++;
        closed_status = info->status;
        snprintf(reason, sizeof reason, "%s", tocsin_stream_closed_of(info)->reason);
    }
    return TOCSIN_NEXT;
}

/* The kind of the layer is the config: 1 is odd. */
static struct tocsin_op open_layered(int kind, const struct tocsin_stream_options *options,
                                     const struct tocsin_notify *notify)
{
    struct tocsin_stream_options with = options ? *options : (struct tocsin_stream_options){ 0 };
    struct tocsin_op stream;

    with.tls.id = (uint64_t)kind;
    ck_assert_int_eq(tocsin_stream_open(address, &with, notify, &stream), 0);
    return stream;
}

/* Accepts the connection, and reads the greeting. */
static int peer_accept(void)
{
    char greeting = 0;
    int peer;

    turns_few();
    peer = accept(server, NULL, NULL);
    ck_assert_int_ge(peer, 0);
    turns_few();
    ck_assert_int_eq(read(peer, &greeting, 1), 1);
    ck_assert_int_eq(greeting, 'C');
    ck_assert_int_eq(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
    return peer;
}

static void record_append(char *records, size_t *size, const char *data, size_t count)
{
    records[(*size)++] = (char)count;
    for (size_t i = 0; i < count; i++)
        records[(*size)++] = (char)(data[i] ^ RECORD_KEY);
}

static void peer_send(int peer, const char *data)
{
    char records[1000];
    size_t size = 0;

    record_append(records, &size, data, strlen(data));
    ck_assert_int_eq(write(peer, records, size), (ssize_t)size);
}

/* Reads records until the data is complete, and compares it. */
static void peer_expect(int peer, const char *data, size_t size)
{
    static unsigned char raw[400000];
    static char plain[400000];
    size_t got = 0, at = 0, seen = 0;
    ssize_t count;

    while (seen < size) {
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        count = read(peer, raw + got, sizeof raw - got);
        got += count > 0 ? (size_t)count : 0;
        while (at < got && got - at > raw[at]) {
            for (size_t i = 1; i <= raw[at]; i++)
                plain[seen++] = (char)(raw[at + i] ^ RECORD_KEY);
            at += raw[at] + 1u;
        }
    }
    ck_assert_uint_eq(seen, size);
    ck_assert_mem_eq(plain, data, size);
}

static void tokens_give(int peer, int kind, size_t count)
{
    static char tokens[4000];

    memset(tokens, RECORD_TOKEN, sizeof tokens);
    if (kind)
        ck_assert_int_eq(write(peer, tokens, count), (ssize_t)count);
}

/* The handshake */

START_TEST(handshake_first)
{
    struct tocsin_op stream = open_layered(_i, NULL, TOCSIN_BOTH(on_stream));
    int peer;

    ck_assert_int_eq(tocsin_stream_write(stream, "early", 5), 0);
    peer = peer_accept();
    turns_few();
    ck_assert_int_eq(connected, 0);
    ck_assert_str_eq(record_host, "127.0.0.1");
    ck_assert_int_eq(write(peer, "S", 1), 1);
    tokens_give(peer, _i, 1);
    turns_until(&connected, 1);
    peer_expect(peer, "early", 5);
    tocsin_cancel(stream);
    turns_until_over(stream);
    close(peer);
}
END_TEST

/* Data that comes with the last bytes of the handshake is inside of the layer. */
START_TEST(data_with_the_handshake)
{
    int peer;

    open_layered(_i, NULL, TOCSIN_BOTH(on_stream));
    peer = peer_accept();
    ck_assert_int_eq(write(peer, "S\1\x3b\1\x38\0", 6), 6); /* "a", "b", the end */
    turns_until(&closed, 1);
    ck_assert_str_eq(text, "a|b|");
    ck_assert_int_eq(closed_status, 0);
    close(peer);
}
END_TEST

START_TEST(handshake_fails)
{
    static const int statuses[] = { TOCSIN_ECERT, TOCSIN_ECERT, -ETIMEDOUT, -ECANCELED };
    const struct tocsin_stream_options soon = { .open_ms = 50 };
    struct tocsin_op stream;
    int peer;

    ck_assert_int_eq(tocsin_clock_move(0), 0); /* it stands still */
    stream = open_layered(0, _i == 2 ? &soon : NULL, TOCSIN_BOTH(on_stream));
    peer = peer_accept();
    if (_i == 0)
        ck_assert_int_eq(write(peer, "X", 1), 1);
    else if (_i == 1)
        shutdown(peer, SHUT_WR);
    else if (_i == 2)
        ck_assert_int_eq(tocsin_clock_move(50), 0);
    else
        tocsin_cancel(stream);
    turns_until(&closed, 1);
    ck_assert_int_eq(closed_status, statuses[_i]);
    if (_i < 2)
        ck_assert_str_eq(reason, "the records have failed");
    else if (_i == 2)
        ck_assert_int_eq(strncmp(reason, "handshake with tcp:127.0.0.1:", 29), 0);
    ck_assert_int_eq(connected, 0);
    close(peer);
}
END_TEST

/* Data */

static struct tocsin_op ready(int kind, const struct tocsin_stream_options *options,
                              const struct tocsin_notify *notify, int *ret_peer)
{
    struct tocsin_op stream = open_layered(kind, options, notify);

    *ret_peer = peer_accept();
    ck_assert_int_eq(write(*ret_peer, "S", 1), 1);
    turns_few();
    return stream;
}

/* The records come in one piece; each is read later, when nothing is on the wire any more. */
START_TEST(records_inside)
{
    struct tocsin_stream_facts facts;
    struct tocsin_info *info;
    int peer;
    struct tocsin_op stream = ready(_i, NULL, NULL, &peer);
    char records[100];
    size_t size = 0;

    record_append(records, &size, "one", 3);
    record_append(records, &size, "three", 5);
    record_append(records, &size, "seven..", 7);
    ck_assert_int_eq(write(peer, records, size), (ssize_t)size);
    for (int count = 3; count <= 5; count += 2) {
        ck_assert_int_eq(read_part(stream, NULL, &info), count);
        tocsin_info_unref(info);
        turns_few();
        ck_assert_int_eq(tocsin_stream_get(stream, &facts), 0);
        ck_assert_uint_le(facts.received_bytes, 15);
    }
    ck_assert_int_eq(read_part(stream, NULL, NULL), 7);
    tocsin_cancel(stream);
    turns_until_over(stream);
    close(peer);
}
END_TEST

START_TEST(by_lines)
{
    const struct tocsin_stream_options lines = { .part = { .until = "\n" } };
    int peer;
    struct tocsin_op stream = ready(_i, &lines, TOCSIN_BOTH(on_stream), &peer);

    peer_send(peer, "o");
    peer_send(peer, "ne\ntwo\nthr");
    peer_send(peer, "ee");
    ck_assert_int_eq(write(peer, "\0", 1), 1);
    turns_until(&closed, 1);
    ck_assert_str_eq(text, "one\n|two\n|three|");
    ck_assert_int_eq(closed_status, 0);
    turns_until_over(stream);
    close(peer);
}
END_TEST

/* More than the socket takes: stalled and drained, every byte in order; then the layer's end. */
START_TEST(bulk)
{
    static char block[300000];
    int peer;
    struct tocsin_op stream = ready(_i, NULL, TOCSIN_BOTH(on_stream), &peer);
    char rest[2] = "xx";

    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (char)(i * 7 + i / 251);
    tokens_give(peer, _i, sizeof block / RECORD);
    ck_assert_int_eq(tocsin_stream_write(stream, block, sizeof block), 1);
    peer_expect(peer, block, sizeof block);
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    turns_until(&closed, 1);
    ck_assert_int_eq(closed_status, 0);
    ck_assert_int_eq(read(peer, rest, 2), 1); /* the end of the layer, then of the connection */
    ck_assert_int_eq(rest[0], RECORD_END);
    ck_assert_int_eq(read(peer, rest, 1), 0);
    close(peer);
}
END_TEST

/* A write that waits for something to be read, while nobody reads data: the data stays. */
START_TEST(a_write_that_reads)
{
    int peer;
    struct tocsin_op stream = ready(1, NULL, NULL, &peer), flush;

    peer_send(peer, "data");
    ck_assert_int_eq(tocsin_stream_write(stream, "out", 3), 0);
    ck_assert_int_eq(tocsin_stream_flush(stream, TOCSIN_FUTURE, &flush), 0);
    turns_few();
    ck_assert_int_eq(tocsin_op_status(flush), -EINPROGRESS);
    tokens_give(peer, 1, 1);
    ck_assert_int_eq(tocsin_wait(flush, -1, NULL), 0);
    peer_expect(peer, "out", 3);
    ck_assert_int_eq(read_part(stream, NULL, NULL), 4);
    tocsin_cancel(stream);
    turns_until_over(stream);
    close(peer);
}
END_TEST

/* Ends */

START_TEST(a_cut_connection)
{
    int peer;
    struct tocsin_op stream = ready(0, NULL, _i ? TOCSIN_BOTH(on_stream) : NULL, &peer);
    struct tocsin_info *info = NULL;

    peer_send(peer, "all");
    ck_assert_int_eq(write(peer, "\3xx", 3), 3); /* one byte is missing */
    close(peer);
    if (_i) {
        turns_until(&closed, 1);
        ck_assert_int_eq(closed_status, TOCSIN_ETRUNCATED);
        ck_assert_str_eq(text, "all|");
    } else {
        ck_assert_int_eq(read_part(stream, NULL, &info), 3);
        tocsin_info_unref(info);
        ck_assert_int_eq(read_part(stream, NULL, NULL), TOCSIN_ETRUNCATED);
    }
    turns_until_over(stream);
}
END_TEST

/* I5: the end of the layer is noticed while nobody reads, if no data is unread. */
START_TEST(departure)
{
    int peer;
    struct tocsin_op stream = ready(0, NULL, TOCSIN_CALL(on_stream), &peer);
    struct tocsin_info *info;

    turns_few();
    if (_i)
        peer_send(peer, "unread");
    ck_assert_int_eq(write(peer, "\0", 1), 1);
    close(peer);
    if (_i) {
        turns_few();
        ck_assert_int_eq(closed, 0);
        ck_assert_int_eq(read_part(stream, &(struct tocsin_part){ .flags = TOCSIN_TO_END }, &info),
                         6);
        ck_assert_mem_eq(tocsin_stream_taken_of(info)->data.data, "unread", 6);
        tocsin_info_unref(info);
    }
    turns_until(&closed, 1);
    ck_assert_int_eq(closed_status, 0);
}
END_TEST

/* The option .tls gives a "tcp:" stream the layer "tls", for the name in .host. */
START_TEST(by_option)
{
    const struct tocsin_stream_options options = { .tls = { 2 }, .host = "example.org" };
    struct tocsin_op stream;
    char plain[64];
    int peer;

    snprintf(plain, sizeof plain, "tcp:%s", strchr(address, ':') + 1);
    ck_assert_int_eq(tocsin_stream_open(plain, &options, TOCSIN_BOTH(on_stream), &stream), 0);
    peer = peer_accept();
    ck_assert_str_eq(record_host, "example.org");
    ck_assert_int_eq(write(peer, "S", 1), 1);
    turns_until(&connected, 1);
    tocsin_cancel(stream);
    turns_until_over(stream);
    close(peer);
}
END_TEST

/* Freeing the loop frees the layer, in the handshake and later. */
START_TEST(freed_with_the_loop)
{
    int peer;

    if (_i) {
        ready(0, NULL, TOCSIN_BOTH(on_stream), &peer);
    } else {
        open_layered(0, NULL, TOCSIN_BOTH(on_stream));
        peer = peer_accept();
    }
    ck_assert_int_ge(tocsin_loop_free(), 0);
    ck_assert_int_eq(closed, 1);
    close(peer);
}
END_TEST

/* Refusals: before the fixture of the others has registered layers. */
START_TEST(refused)
{
    struct tocsin_layer_type half = record_type;
    struct tocsin_op stream;

    ck_assert_int_eq(tocsin_stream_open("tls:127.0.0.1:1", NULL, NULL, &stream), -ENOTSUP);
    ck_assert_int_eq(tocsin_listen("tls:127.0.0.1:0", NULL, NULL, &stream), -ENOTSUP);
    ck_assert_int_eq(tocsin_stream_open("tcp:127.0.0.1:1",
                                        &(struct tocsin_stream_options){ .tls = { 1 } }, NULL,
                                        &stream),
                     -ENOTSUP);
    half.write = NULL;
    ck_assert_int_eq(tocsin_layer_provide("half", &half), -EINVAL);
    ck_assert_int_eq(tocsin_layer_provide("Upper", &record_type), -EINVAL);
    ck_assert_int_eq(tocsin_layer_provide("tcp", &record_type), -EEXIST);
    for (char scheme = 'a'; scheme < 'a' + 8; scheme++) {
        static char schemes[8][2];
        char *name = schemes[scheme - 'a'];

        *name = scheme;
        ck_assert_int_eq(tocsin_layer_provide(name, &record_type), 0);
        ck_assert_int_eq(tocsin_layer_provide(name, &record_type), -EEXIST);
    }
    ck_assert_int_eq(tocsin_layer_provide("ninth", &record_type), -ENOSPC);
    ck_assert_int_eq(tocsin_stream_open("a:127.0.0.1", NULL, NULL, &stream), -EINVAL);
    ck_assert_int_eq(tocsin_listen("a:127.0.0.1:0", NULL, NULL, &stream), -ENOTSUP);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/layer");
    TCase *tests = test_case(suite, "layer"), *refusals = test_case(suite, "refusals");

    test_needs_processes();
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_loop_test(tests, handshake_first, 0, 2);
    tcase_add_loop_test(tests, data_with_the_handshake, 0, 2);
    tcase_add_loop_test(tests, handshake_fails, 0, 4);
    tcase_add_loop_test(tests, records_inside, 0, 2);
    tcase_add_loop_test(tests, by_lines, 0, 2);
    tcase_add_loop_test(tests, bulk, 0, 2);
    tcase_add_test(tests, a_write_that_reads);
    tcase_add_loop_test(tests, a_cut_connection, 0, 2);
    tcase_add_loop_test(tests, departure, 0, 2);
    tcase_add_test(tests, by_option);
    tcase_add_loop_test(tests, freed_with_the_loop, 0, 2);
    tcase_add_test(refusals, refused);
    return suite;
}
