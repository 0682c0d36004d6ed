/* Datagrams that wait to be sent, and several datagrams of one size.

   Waiting: the limits, datagram.stalled and datagram.drained, the order, a receiver that leaves,
   several receivers of which one does not read, closing and cancelling meanwhile; a receiver that
   is replaced by another process. Several of one size: with and without UDP_SEGMENT and UDP_GRO on
   either side, over Unix, a rest, a queue that becomes full in the middle. */
#include <fcntl.h>
#include <netinet/udp.h>

#include "io/datagrams.h"

#include "base/mem.h"

static struct heard a, b;
static char block[60000];

static void begin(void)
{
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (char)(i * 7 + i / 251);
}

/* A name that the test is bound to, and its descriptor. */
static int unix_peer(const char *name, char *ret_address)
{
    char text[40];

    snprintf(text, sizeof text, "%s-%d", name, getpid());
    snprintf(ret_address, 64, "unix:@%s", text);
    return plain_unix(text, strlen(text));
}

/* Sends numbered datagrams until `until` is returned; returns how many were accepted. */
static int fill(struct tocsin_op socket, const char *peer, size_t size, int until)
{
    char data[4096] = "";
    int count = 0, result;

    for (;; count++) {
        memcpy(data, &count, sizeof count);
        result = tocsin_datagram_send(socket, peer, data, size);
        if (result == until)
            return count + (result >= 0);
        ck_assert_int_ge(result, 0);
    }
}

/* Receives numbered datagrams, which must come in order, until there are no more. */
static int empty(int fd, int from)
{
    char data[4096];

    while (recv(fd, data, sizeof data, 0) >= 0) {
        int number;

        memcpy(&number, data, sizeof number);
        ck_assert_int_eq(number, from);
        from++;
    }
    return from;
}

/* Variants: the peer is options.to, or is given with each datagram. */
START_TEST(waiting)
{
    char peer[64];
    int fd = unix_peer("waiting", peer), count, got = 0;
    const struct tocsin_datagram_options options = { .to = _i ? peer : NULL,
                                                     .high_bytes = 10000,
                                                     .limit_bytes = 50000 };
    struct tocsin_op socket = opened("unix:@", &options, HEARS(&a));
    struct tocsin_datagram_facts facts;

    count = fill(socket, _i ? NULL : peer, 1000, 1);
    turns(3);
    ck_assert_int_eq(a.stalled, 1);
    ck_assert_int_eq(tocsin_datagram_get(socket, &facts), 0);
    ck_assert_uint_gt(facts.waiting_bytes, 10000);
    ck_assert_uint_le(facts.waiting_bytes, 10000 + 1128);
    while (tocsin_datagram_send(socket, peer, (memcpy(block, &count, sizeof count), block), 1000) ==
           1)
        count++;
    ck_assert_int_eq(tocsin_datagram_send(socket, peer, block, 1000), -EAGAIN);
    ck_assert_int_eq(tocsin_datagram_get(socket, &facts), 0);
    ck_assert_uint_le(facts.waiting_bytes, 50000);
    ck_assert_uint_gt(facts.waiting_bytes, 50000 - 1128);
    ck_assert_int_eq(a.drained, 0);
    while (got < count) {
        got = empty(fd, got);
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    }
    turns(3);
    ck_assert_int_eq(a.drained, 1);
    ck_assert_int_eq(tocsin_datagram_get(socket, &facts), 0);
    ck_assert_uint_eq(facts.waiting_bytes, 0);
    ck_assert_uint_eq(facts.sent, (unsigned)count);
    ck_assert_int_eq(tocsin_datagram_send(socket, peer, block, 100), 0); /* at once again */
    end(socket);
    ck_assert_uint_eq(a.end.lost, 0);
    close(fd);
}
END_TEST

/* The receiver of waiting datagrams leaves: each is reported. */
START_TEST(receiver_leaves)
{
    char peer[64];
    int fd = unix_peer("leaves", peer), count;
    const struct tocsin_datagram_options options = { .to = _i ? peer : NULL, .high_bytes = 5000 };
    struct tocsin_op socket = opened("unix:@", &options, HEARS(&a));
    struct tocsin_datagram_facts facts;

    count = fill(socket, peer, 1000, 1);
    ck_assert_int_eq(tocsin_datagram_get(socket, &facts), 0);
    close(fd);
    turns_until(&a.lost, count - (int)facts.sent);
    ck_assert_int_eq(a.lost_error, -ECONNREFUSED);
    ck_assert_str_eq(a.lost_peer, peer);
    ck_assert_int_eq(tocsin_datagram_send(socket, peer, "x", 1), -ECONNREFUSED);
    fd = unix_peer("leaves", peer); /* another process takes its place */
    send_text(socket, _i ? NULL : peer, "again");
    ck_assert_int_eq(recv(fd, block, sizeof block, 0), 5);
    end(socket);
    ck_assert_int_eq((int)a.end.lost, a.lost);
    close(fd);
}
END_TEST

/* One of two receivers does not read: the other one receives. */
START_TEST(other_receivers)
{
    char slow[64], quick[64];
    int fds[] = { unix_peer("slow", slow), unix_peer("quick", quick) }, count;
    struct tocsin_op socket = opened(
        "unix:@", &(struct tocsin_datagram_options){ .high_bytes = 5000 }, HEARS(&a));

    count = fill(socket, slow, 100, 1);
    ck_assert_int_eq(tocsin_datagram_send(socket, quick, "quick", 5), 1);
    while (recv(fds[1], block, sizeof block, 0) < 0)
        ck_assert_int_ge(tocsin_loop_turn(100), 0);
    for (int got = 0; got < count; got = empty(fds[0], got))
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    end(socket);
    ck_assert_uint_eq(a.end.sent, (unsigned)count + 1);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

/* Variants: the receiver reads; it does not read within the limit of closing; cancelled. */
START_TEST(closing)
{
    char peer[64];
    int fd = unix_peer("closing", peer), count, got = 0;
    struct tocsin_op socket;

    if (_i)
        ck_assert_int_eq(tocsin_clock_move(0), 0);
    socket = opened("unix:@", &(struct tocsin_datagram_options){ .to = peer, .high_bytes = 5000 },
                    HEARS(&a));
    count = fill(socket, peer, 1000, 1);
    ck_assert_int_eq(_i == 2 ? tocsin_cancel(socket) : tocsin_datagram_close(socket), 0);
    turns(3);
    ck_assert_int_eq(a.closed, _i == 2);
    while (!_i && !a.closed) {
        got = empty(fd, got);
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    }
    if (_i == 1) {
        ck_assert_int_eq(tocsin_clock_move(9990), 0);
        ck_assert_int_eq(a.closed, 0);
        ck_assert_int_eq(tocsin_clock_move(20), 0);
    }
    turns_until(&a.closed, 1);
    ck_assert_int_eq(a.status, _i == 0 ? 0 : _i == 1 ? -ETIMEDOUT : -ECANCELED);
    ck_assert_int_eq(empty(fd, got), (int)a.end.sent);
    ck_assert_uint_eq(a.end.sent + a.end.lost, (unsigned)count);
    ck_assert_int_eq(_i ? a.end.lost > 0 : a.end.lost == 0, 1);
    close(fd);
}
END_TEST

/* Several of one size */

static int send_segments(struct tocsin_op socket, const char *peer, size_t size, size_t segment)
{
    const struct tocsin_bytes parts[] = { { block, size / 3 },
                                          { block + size / 3, size - size / 3 } };

    return tocsin_datagram_send_with(
        socket, &(struct tocsin_datagram_outgoing){
                    .peer = peer, .parts = parts, .count = 2, .segment = segment });
}

static size_t checked_bytes, checked_segment, checked_size;

/* Each datagram is the next piece of the block. */
static int check_piece(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_datagram_received *came = tocsin_datagram_received_of(info);
    size_t left = checked_size - checked_bytes;

    (void)arg;
    if (!came)
        return TOCSIN_NEXT;
    ck_assert_uint_eq(came->data.size, left < checked_segment ? left : checked_segment);
    ck_assert_mem_eq(came->data.data, block + checked_bytes, came->data.size);
    checked_bytes += came->data.size;
    return TOCSIN_NEXT;
}

static void check_arrival(size_t size, size_t segment)
{
    checked_bytes = 0;
    checked_size = size;
    checked_segment = segment;
}

static void option_off(int fd, int level, int option, int value)
{
    ck_assert_int_eq(setsockopt(fd, level, option, &value, sizeof value), 0);
}

/* Bits of a variant: the sender cannot cut; the receiver gets each alone. */
enum { CANNOT_CUT = 1, CANNOT_JOIN = 2, VARIANTS = 4 };

START_TEST(segments)
{
    static const size_t sizes[][2] = { { 10000, 1000 }, { 10001, 1000 }, { 60000, 500 },
                                       { 999, 1000 },   { 100, 1 },      { 60000, 1472 },
                                       { 60000, 59999 } };
    char server_address[64], client_address[64], text[32];
    int server_fd = plain_udp(server_address), client_fd = plain_udp(client_address);
    struct tocsin_op server, client;
    struct tocsin_datagram_facts facts;
    uint64_t expected = 0;

    option_off(server_fd, SOL_SOCKET, SO_RCVBUF, 1 << 20);
    option_off(server_fd, IPPROTO_UDP, UDP_GRO, !(_i & CANNOT_JOIN));
    option_off(client_fd, SOL_SOCKET, SO_NO_CHECK, _i & CANNOT_CUT);
    snprintf(text, sizeof text, "fd:%d", server_fd);
    server = opened(text, NULL, TOCSIN_EACH(check_piece));
    snprintf(text, sizeof text, "fd:%d", client_fd);
    client = opened(text, NULL, HEARS(&b));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t size = sizes[i][0], segment = sizes[i][1];

        check_arrival(size, segment);
        ck_assert_int_eq(send_segments(client, server_address, size, segment), 0);
        while (checked_bytes < size)
            ck_assert_int_ge(tocsin_loop_turn(-1), 0);
        expected += (size + segment - 1) / segment;
        ck_assert_int_eq(tocsin_datagram_get(client, &facts), 0);
        ck_assert_uint_eq(facts.sent, expected);
        ck_assert_int_eq(tocsin_datagram_get(server, &facts), 0);
        ck_assert_uint_eq(facts.received, expected);
    }
    ck_assert_int_eq(send_segments(client, server_address, 0, 1000), 0); /* one empty datagram */
    check_arrival(0, 1000);
    turns(4);
    ck_assert_int_eq(tocsin_datagram_get(server, &facts), 0);
    ck_assert_uint_eq(facts.received, expected + 1);
    end(server);
    end(client);
}
END_TEST

/* A kernel that does not know UDP_SEGMENT or UDP_GRO at all. */
START_TEST(old_kernel)
{
    struct tocsin_op server, client;
    long options = 0;

    tocsin__fault_at(0);
    server = opened("udp:*:0", NULL, NULL);
    options = tocsin__fault_count();
    end(server);
    ck_assert_int_gt(options, 5);
    for (long nth = 1; nth <= options; nth++) { /* one of the calls sets UDP_GRO */
        int err;

        tocsin__fault_at(nth);
        err = tocsin_datagram_open("udp:*:0", NULL, TOCSIN_EACH(check_piece), &server);
        tocsin__fault_at(0);
        if (err < 0)
            continue;
        client = opened("udp:*:0", NULL, NULL);
        check_arrival(5500, 1000);
        tocsin__fault_at(1); /* asking for UDP_SEGMENT */
        ck_assert_int_eq(send_segments(client, loopback_of(server), 5500, 1000), 0);
        tocsin__fault_at(0);
        while (checked_bytes < 5500)
            ck_assert_int_ge(tocsin_loop_turn(-1), 0);
        end(server);
        end(client);
    }
}
END_TEST

/* Unix sockets: each is sent alone, and what the kernel does not accept waits. */
START_TEST(unix_segments)
{
    struct tocsin_op server = opened("unix:@", NULL, TOCSIN_EACH(check_piece)), client;
    struct tocsin_datagram_facts facts;

    ck_assert_int_eq(tocsin_datagram_get(server, &facts), 0);
    client = opened("unix:@", NULL, NULL);
    check_arrival(60000, 999);
    ck_assert_int_eq(send_segments(client, facts.local, 60000, 999), 0);
    while (checked_bytes < 60000)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    end(server);
    end(client);
}
END_TEST

/* A queue that becomes full in the middle of joined datagrams: nothing is lost, and the order
   stays. Variants: without memory for what is kept, too. */
START_TEST(full_queue)
{
    struct tocsin_queue queue;
    struct tocsin_info *info;
    struct tocsin_op server, client = opened("udp:*:0", NULL, NULL);
    int got = 0;

    ck_assert_int_eq(tocsin_queue_open(NULL, &(struct tocsin_queue_options){ .limit = 4 }, &queue),
                     0);
    server = opened("udp:*:0", NULL, TOCSIN_QUEUE(queue));
    ck_assert_int_eq(send_segments(client, loopback_of(server), 1000, 50), 0);
    send_text(client, loopback_of(server), "behind");
    for (; got < 20; got++) {
        if (_i)
            tocsin__fault_at(got % 5 + 2);
        turns(2);
        tocsin__fault_at(0);
        ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
        ck_assert_uint_eq(tocsin_datagram_received_of(info)->data.size, 50);
        ck_assert_mem_eq(tocsin_datagram_received_of(info)->data.data, block + 50 * got, 50);
        ck_assert_str_eq(tocsin_datagram_received_of(info)->peer, loopback_of(client));
        tocsin_info_unref(info);
    }
    ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
    ck_assert_str_eq(tocsin_datagram_received_of(info)->data.data, "behind");
    tocsin_info_unref(info);
    end(client);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    end(server);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/datagram_limits");
    TCase *tests = test_case(suite, "limits");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_loop_test(tests, waiting, 0, 2);
    tcase_add_loop_test(tests, receiver_leaves, 0, 2);
    tcase_add_test(tests, other_receivers);
    tcase_add_loop_test(tests, closing, 0, 3);
    tcase_add_loop_test(tests, segments, 0, VARIANTS);
    tcase_add_test(tests, old_kernel);
    tcase_add_test(tests, unix_segments);
    tcase_add_loop_test(tests, full_queue, 0, 2);
    return suite;
}
