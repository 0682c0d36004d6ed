/* Random bytes arrive in their order, none is lost and none is doubled: through tocsin_stream_pipe
   between two Unix sockets, from a pipe to a TCP connection and from a TCP connection to a pipe,
   and in both directions at once through a TCP proxy of a listener and two pipes. The senders and
   receivers are threads with plain sockets. They write and read pieces of random sizes, and sleep
   at times, so that each side is stalled now and then.
   TOCSIN_TRANSFER=n sets the number of bytes of each direction, TOCSIN_TEST_SEED=n the seed. */
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "io/streams.h"

enum { BYTES = 4 << 20, PIECE_MOST = 100000 };

/* One end of a connection, which sends, receives, or both. */
struct end {
    int fd;
    uint64_t seed;  /* seed of the bytes and of the sizes of the pieces */
    uint64_t count; /* bytes to send, or bytes received until the end */
    bool is_good;   /* every byte received was the expected one */
    pthread_t thread;
};

static uint64_t wanted, seed;

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17;
    return *state;
}

/* Fills a piece with random bytes: each eight bytes of the traffic are one random number. */
static void fill(unsigned char *piece, uint64_t size, uint64_t at, uint64_t *word, uint64_t *state)
{
    for (uint64_t i = 0; i < size; i++, at++) {
        if (at % 8 == 0)
            *word = next_random(state);
        piece[i] = (unsigned char)(*word >> at % 8 * 8);
    }
}

/* Returns the size of the next piece. Most pieces are small in one stretch, large in another. */
static uint64_t piece_size(uint64_t *state)
{
    uint64_t random = next_random(state);

    if (random % 1024 == 0)
        nanosleep(&(struct timespec){ 0, 500000 }, NULL);
    return 1 + (random >> 20) % (random % 8 ? PIECE_MOST : 300);
}

static void *send_all(void *arg)
{
    struct end *end = arg;
    static __thread unsigned char piece[PIECE_MOST];
    uint64_t state = end->seed, sizes = end->seed + 1, word = 0, sent = 0;

    while (sent < end->count) {
        uint64_t size = piece_size(&sizes), done = 0;

        if (size > end->count - sent)
            size = end->count - sent;
        fill(piece, size, sent, &word, &state);
        while (done < size) {
            ssize_t count = write(end->fd, piece + done, size - done);

            require(count > 0 || errno == EINTR);
            done += count > 0 ? (uint64_t)count : 0;
        }
        sent += size;
    }
    if (shutdown(end->fd, SHUT_WR) < 0)
        close(end->fd); /* a Unix pipe has no shutdown */
    return NULL;
}

static void *receive_all(void *arg)
{
    struct end *end = arg;
    static __thread unsigned char piece[PIECE_MOST], expected[PIECE_MOST];
    uint64_t state = end->seed, sizes = end->seed + 2, word = 0;
    ssize_t count;

    end->count = 0;
    end->is_good = true;
    while ((count = read(end->fd, piece, piece_size(&sizes))) > 0) {
        fill(expected, (uint64_t)count, end->count, &word, &state);
        end->is_good = end->is_good && memcmp(piece, expected, (size_t)count) == 0;
        end->count += (uint64_t)count;
    }
    require(count == 0);
    return NULL;
}

static void end_begin(struct end *end, int fd, uint64_t which, void *(*run)(void *))
{
    *end = (struct end){ .fd = fd, .seed = seed * 2654435761u + which, .count = wanted };
    ck_assert_int_eq(pthread_create(&end->thread, NULL, run, end), 0);
}

static void end_join(struct end *end)
{
    ck_assert_int_eq(pthread_join(end->thread, NULL), 0);
}

static void check_received(struct end *end)
{
    end_join(end);
    ck_assert_uint_eq(end->count, wanted);
    ck_assert(end->is_good);
}

static void begin(void)
{
    const char *bytes = getenv("TOCSIN_TRANSFER"), *wish = getenv("TOCSIN_TEST_SEED");

    signal(SIGPIPE, SIG_IGN);
    wanted = bytes ? strtoull(bytes, NULL, 0) : (uint64_t)test_scaled(BYTES, 2, 16);
    seed = wish ? strtoull(wish, NULL, 0) : (uint64_t)time(NULL) * 1000003u + (unsigned)getpid();
    printf("io/transfer: %llu bytes, TOCSIN_TEST_SEED=%llu\n", (unsigned long long)wanted,
           (unsigned long long)seed);
    fflush(stdout);
}

static struct tocsin_op stream_of_fd(int fd)
{
    struct tocsin_op stream;
    char address[20];

    snprintf(address, sizeof address, "fd:%d", fd);
    ck_assert_int_eq(tocsin_stream_open(address, NULL, NULL, &stream), 0);
    return stream;
}

enum transport { UNIX, TCP, PIPE };

/* Makes a connection. Sets ends[0] to the end that is read, ends[1] to the end that is written. */
static void connection(enum transport transport, int *ends)
{
    if (transport == TCP)
        tcp_pair(ends);
    else if (transport == UNIX)
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    else
        ck_assert_int_eq(pipe(ends), 0);
}

/* sender -> from -> tocsin_stream_pipe -> to -> receiver */
static void pipe_once(enum transport first, enum transport second)
{
    int in[2], out[2];
    struct tocsin_op from, to, piped;
    struct tocsin_info *info;
    struct end sender, receiver;

    connection(first, in);
    connection(second, out);
    from = stream_of_fd(in[0]);
    to = stream_of_fd(out[1]);
    ck_assert_int_eq(tocsin_stream_pipe(from, to, TOCSIN_FUTURE, &piped), 0);
    end_begin(&sender, in[1], 1, send_all);
    end_begin(&receiver, out[0], 1, receive_all);
    ck_assert_int_eq(tocsin_wait(piped, -1, &info), 0);
    ck_assert_uint_eq(tocsin_stream_piped_of(info)->moved_bytes, wanted);
    tocsin_info_unref(info);
    end_join(&sender);
    tocsin_cancel(from);
    tocsin_stream_close(to);
    turns_until_over(to);
    check_received(&receiver);
    close(out[0]);
    if (first != PIPE)
        close(in[1]);
    turns_until_over(from);
}

START_TEST(through_a_pipe)
{
    static const enum transport ways[][2] = { { UNIX, UNIX }, { PIPE, TCP }, { TCP, PIPE } };

    pipe_once(ways[_i][0], ways[_i][1]);
}
END_TEST

/* The source of a pipe is reset in the middle. The peer of the target must see a reset, not an end:
   it must not take the data for complete. */
START_TEST(the_source_fails)
{
    const struct linger reset = { 1, 0 };
    struct tocsin_op from, to, piped;
    int in[2], out[2];
    char buffer[100];
    ssize_t count;

    tcp_pair(in);
    tcp_pair(out);
    from = stream_of_fd(in[0]);
    to = stream_of_fd(out[0]);
    ck_assert_int_eq(tocsin_stream_pipe(from, to, TOCSIN_FUTURE, &piped), 0);
    peer_write(in[1], "half of it");
    turns_few();
    setsockopt(in[1], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(in[1]);
    ck_assert_int_eq(tocsin_wait(piped, -1, NULL), -ECONNRESET);
    turns_until_over(to);
    while ((count = read(out[1], buffer, sizeof buffer)) > 0)
        ;
    ck_assert_int_eq(count, -1);
    ck_assert_int_eq(errno, ECONNRESET);
    close(out[1]);
    turns_until_over(from);
}
END_TEST

static char upstream[112];

static int on_accepted(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op client = tocsin_listener_accepted_of(info)->stream, server;

    (void)arg;
    ck_assert_int_eq(tocsin_stream_open(upstream, NULL, NULL, &server), 0);
    ck_assert_int_eq(tocsin_stream_pipe(client, server, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_stream_pipe(server, client, NULL, NULL), 0);
    return TOCSIN_NEXT;
}

static int on_closed(const struct tocsin_info *info, void *closed)
{
    ck_assert_int_eq(info->status, 0);
    ++*(int *)closed;
    return TOCSIN_NEXT;
}

static int tcp_connect(const char *address)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    in.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
    return fd;
}

static int tcp_listen(char *address)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, size), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &size), 0);
    sprintf(address, "tcp:127.0.0.1:%d", ntohs(in.sin_port));
    return fd;
}

/* client <-> proxy <-> server: each of the two sends, and receives at the same time. */
START_TEST(through_a_proxy)
{
    struct end ends[4];
    struct tocsin_op proxy;
    char address[112];
    int closed = 0, client, server, fd = tcp_listen(upstream);

    ck_assert_int_eq(tocsin_listen("tcp:127.0.0.1:0", NULL, TOCSIN_EACH(on_accepted), &proxy), 0);
    ck_assert_int_ge(tocsin_on("stream.closed", on_closed, &closed), 0);
    address_of(proxy, address);
    client = tcp_connect(address);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    while ((server = accept(fd, NULL, NULL)) < 0)
        ck_assert_int_ge(tocsin_loop_turn(10), 0);
    close(fd);
    end_begin(&ends[0], client, 1, send_all);
    end_begin(&ends[1], client, 2, receive_all);
    end_begin(&ends[2], server, 2, send_all);
    end_begin(&ends[3], server, 1, receive_all);
    while (closed < 2)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    end_join(&ends[0]);
    end_join(&ends[2]);
    check_received(&ends[1]);
    check_received(&ends[3]);
    tocsin_cancel(proxy);
    turns_until_over(proxy);
    close(client);
    close(server);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/transfer");
    TCase *tests = test_case(suite, "transfer");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_set_timeout(tests, 1200);
    tcase_add_loop_test(tests, through_a_pipe, 0, 3);
    tcase_add_test(tests, the_source_fails);
    tcase_add_test(tests, through_a_proxy);
    return suite;
}
