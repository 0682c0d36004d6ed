/* Streams and plugins: data that a plugin has lent to a stream of the program is given back before
   the plugin is unmapped or replaced, and arrives; the streams of a plugin and their waiting bytes
   are counted for it, limited, and ended with it. */
#include <fcntl.h>
#include <sys/socket.h>

#include <tocsin/io.h>

#include "plugin_host.h"

enum { BLOCK = 300000 };

static struct tocsin_op pair(char *address, size_t size, bool is_of_plugin, int *ret_peer)
{
    struct tocsin_op stream;
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    snprintf(address, size, "fd:%d", ends[0]);
    ck_assert_int_eq(is_of_plugin ? host.open_stream(address, &stream)
                                  : tocsin_stream_open(address, NULL, NULL, &stream),
                     0);
    *ret_peer = ends[1];
    return stream;
}

/* The peer receives the data of the plugin, which is not mapped any more, and the tail. */
static void receive_block(int peer)
{
    static char got[BLOCK + 4], wanted[BLOCK];
    size_t total = 0;

    for (size_t i = 0; i < BLOCK; i++)
        wanted[i] = (char)(i * 7 + i / 256);
    while (total < sizeof got) {
        ssize_t count = read(peer, got + total, sizeof got - total);

        total += count > 0 ? (size_t)count : 0;
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    ck_assert_int_eq(memcmp(got, wanted, BLOCK), 0);
    ck_assert_int_eq(memcmp(got + BLOCK, "tail", 4), 0);
}

static void reload(void)
{
    struct gone gone = { .count = 0 };

    ck_assert_int_eq(tocsin_plugin_reload("lender", NULL, TOCSIN_CALL(on_gone, &gone), NULL), 0);
    while (!gone.count)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(gone.status, 0);
    ck_assert(!gone.mapped);
}

START_TEST(lent_data)
{
    struct tocsin_op stream;
    char address[32];
    int peer;

    host_begin();
    host.dropped = 0;
    loads("lender", NULL);
    stream = pair(address, sizeof address, false, &peer);
    ck_assert_int_eq(host.lend(stream), 1);
    ck_assert_int_eq(tocsin_stream_write(stream, "tail", 4), 1);
    ck_assert_int_eq(host.dropped, 0);
    ck_assert_uint_eq(holds("lender", TOCSIN_RESOURCE_OBJECTS), 1);
    if (_i)
        reload();
    else
        unloaded("lender");
    ck_assert_int_eq(host.dropped, 1);
    receive_block(peer);
    ck_assert_int_eq(host.dropped, 1);
    tocsin_cancel(stream);
    while (tocsin_op_status(stream) == -EINPROGRESS)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    if (_i)
        unloaded("lender");
    close(peer);
}
END_TEST

START_TEST(streams_of_the_plugin)
{
    struct tocsin_op streams[2];
    char address[32];
    int peers[2];

    host_begin();
    host.dropped = host.ended = 0;
    loads("lender", NULL);
    streams[0] = pair(address, sizeof address, true, &peers[0]);
    ck_assert_uint_eq(holds("lender", TOCSIN_RESOURCE_STREAMS), 1);
    ck_assert_uint_eq(holds("lender", TOCSIN_RESOURCE_WAITING_BYTES), 0);
    ck_assert_int_eq(host.lend(streams[0]), 1);
    ck_assert_uint_gt(holds("lender", TOCSIN_RESOURCE_WAITING_BYTES), 0);
    ck_assert_int_eq(tocsin_owner_limit("lender", TOCSIN_RESOURCE_STREAMS, 1), 0);
    ck_assert_int_eq(host.open_stream(address, &streams[1]), -EDQUOT);
    unloaded("lender");
    ck_assert_int_eq(host.dropped, 1);
    ck_assert_int_eq(host.ended, 1);
    ck_assert_int_eq(tocsin_owner_limit("lender", TOCSIN_RESOURCE_STREAMS, UINT64_MAX), 0);
    close(peers[0]);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("plugin/streams");
    TCase *tests = test_case(suite, "streams");

    tcase_set_timeout(tests, 60); /* a reload waits two seconds before it takes back what is lent */
    tcase_add_loop_test(tests, lent_data, 0, 2);
    tcase_add_test(tests, streams_of_the_plugin);
    return suite;
}
