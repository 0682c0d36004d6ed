/* Streams and plugins: data that a plugin has lent to a stream of the program is given back before
   the plugin is unmapped or replaced, and arrives; the streams of a plugin and their waiting bytes
   are counted for it, limited, and ended with it. Clients connect, over TCP and over a Unix path,
   while a plugin that listens is reloaded: none is refused, and all are served. If the new version
   does not listen there, or cannot begin, the socket is closed. */
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <tocsin/io.h>

#include "plugin_host.h"

enum { BLOCK = 300000, RELOADS = 20 };

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

static void reload_of(const char *name, int status)
{
    struct gone gone = { .count = 0 };

    ck_assert_int_eq(tocsin_plugin_reload(name, NULL, TOCSIN_CALL(on_gone, &gone), NULL), 0);
    while (!gone.count)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(gone.status, status);
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
        reload_of("lender", 0);
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

/* Clients */

/* Where the first version listens. The plugin writes host.where again at each reload. */
static char where[sizeof host.where];
static _Atomic bool is_over;
static _Atomic long served, unserved;

static int client_connect(void)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    bool is_unix = strncmp(where, "unix:", 5) == 0;
    int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

    in.sin_port = htons((uint16_t)atoi(strrchr(where, ':') + 1));
    memcpy(un.sun_path, where + 5, sizeof un.sun_path - 1);
    err = is_unix ? connect(fd, (struct sockaddr *)&un, sizeof un)
                  : connect(fd, (struct sockaddr *)&in, sizeof in);
    if (err == 0)
        return fd;
    close(fd);
    return -1;
}

/* Stops at the first client that is not served. */
static void *clients_run(void *none)
{
    char byte = 0;

    (void)none;
    while (!is_over && !unserved) {
        int fd = client_connect();

        if (fd >= 0 && read(fd, &byte, 1) == 1 && byte == 'v')
            served++;
        else
            unserved++;
        if (fd >= 0)
            close(fd);
    }
    return NULL;
}

/* Some clients are served between two reloads. */
static void serve_some(void)
{
    for (long before = served; served < before + 3 && !unserved;)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
}

static char server_at[64];

static const char *address_of_server(bool is_unix)
{
    snprintf(server_at, sizeof server_at, "unix:/tmp/tocsin-server-%d", (int)getpid());
    return is_unix ? server_at : "tcp:127.0.0.1:0";
}

START_TEST(a_listener_survives)
{
    int reloads = (int)test_scaled(RELOADS, 2, 5);
    pthread_t clients;

    host_begin();
    is_over = false;
    served = unserved = 0;
    host.init_answer = 0;
    host.at = address_of_server(_i);
    loads("server", NULL);
    strcpy(where, host.where);
    ck_assert_int_eq(pthread_create(&clients, NULL, clients_run, NULL), 0);
    for (int i = 0; i < reloads; i++) {
        serve_some();
        reload_of("server", 0);
        ck_assert_str_eq(host.where, where);
    }
    serve_some();
    is_over = true;
    for (int i = 0; i < 100; i++) /* the last client still waits */
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    ck_assert_int_eq(pthread_join(clients, NULL), 0);
    ck_assert_msg(!unserved, "client %ld was not served", served);
    unloaded("server");
    ck_assert_int_eq(client_connect(), -1);
    ck_assert(!_i || access(server_at + 5, F_OK) < 0);
}
END_TEST

/* The new version listens at another address, or fails: the socket and its path are gone. */
START_TEST(a_listener_that_is_not_wanted)
{
    int descriptors;

    host_begin();
    host.init_answer = 0;
    host.at = address_of_server(true);
    loads("server", NULL);
    descriptors = test_descriptors();
    if (_i == 0)
        host.at = "tcp:127.0.0.1:0";
    else
        host.init_answer = -EPERM;
    reload_of("server", _i ? -EPERM : 0);
    ck_assert_int_lt(access(server_at + 5, F_OK), 0);
    if (_i == 0) {
        ck_assert_int_eq(test_descriptors(), descriptors);
        unloaded("server");
    }
    host.init_answer = 0;
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("plugin/streams");
    TCase *tests = test_case(suite, "streams");

    tcase_set_timeout(tests, 60); /* a reload waits two seconds before it takes back what is lent */
    tcase_add_loop_test(tests, lent_data, 0, 2);
    tcase_add_test(tests, streams_of_the_plugin);
    tcase_add_loop_test(tests, a_listener_survives, 0, 2);
    tcase_add_loop_test(tests, a_listener_that_is_not_wanted, 0, 2);
    return suite;
}
