/* Measures the cost of a UDP datagram over the loopback interface, sent and received, in one
   process. Case single: 32 datagrams of 100 bytes, each sent alone. Case segment: 32 datagrams of
   1,000 bytes, sent in one call where the kernel can cut them. Both are compared with plain
   sendto and recvfrom, a call for each datagram. */
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tocsin/io.h>
#include <unistd.h>

enum { BATCH = 32, SINGLE = 100, SEGMENT = 1000 };

static char block[BATCH * SEGMENT];
static struct tocsin_op server, client;
static char server_address[240];
static long received;
static int plain_server, plain_client;

static void die(const char *what)
{
    fprintf(stderr, "bench/datagram: %s failed\n", what);
    exit(1);
}

static int on_datagram(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    received++;
    return TOCSIN_NEXT;
}

static void open_tocsin(void)
{
    struct tocsin_datagram_facts facts;

    if (tocsin_datagram_open("udp:127.0.0.1:0", NULL, TOCSIN_EACH(on_datagram), &server) < 0 ||
        tocsin_datagram_get(server, &facts) < 0)
        die("tocsin_datagram_open");
    snprintf(server_address, sizeof server_address, "%s", facts.local);
    if (tocsin_datagram_open("udp:*:0", &(struct tocsin_datagram_options){ .to = server_address },
                             NULL, &client) < 0)
        die("tocsin_datagram_open");
}

static void open_plain(void)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof in;

    plain_server = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    plain_client = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (plain_server < 0 || plain_client < 0 ||
        bind(plain_server, (struct sockaddr *)&in, sizeof in) < 0 ||
        getsockname(plain_server, (struct sockaddr *)&in, &size) < 0 ||
        connect(plain_client, (struct sockaddr *)&in, sizeof in) < 0)
        die("a socket");
}

/* Sends one batch, and waits until all of it has been received. */
static void tocsin_batch(size_t size, bool in_one_call)
{
    const struct tocsin_bytes part = { block, BATCH * size };
    const struct tocsin_datagram_outgoing outgoing = { .parts = &part,
                                                       .count = 1,
                                                       .segment = size };
    long until = received + BATCH;

    for (int i = 0; !in_one_call && i < BATCH; i++)
        if (tocsin_datagram_send(client, NULL, block, size) < 0)
            die("tocsin_datagram_send");
    if (in_one_call && tocsin_datagram_send_with(client, &outgoing) < 0)
        die("tocsin_datagram_send_with");
    while (received < until)
        if (tocsin_loop_turn(-1) < 0)
            die("tocsin_loop_turn");
}

static void plain_batch(size_t size)
{
    struct sockaddr_in from;
    char buffer[2048];

    for (int i = 0; i < BATCH; i++)
        if (send(plain_client, block, size, 0) < 0)
            die("send");
    for (int i = 0; i < BATCH; i++) {
        socklen_t length = sizeof from;

        if (recvfrom(plain_server, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length) < 0)
            die("recvfrom");
    }
}

static void repeat_tocsin(void *arg, long count)
{
    size_t size = *(const size_t *)arg;

    for (; count > 0; count -= BATCH)
        tocsin_batch(size, size == SEGMENT);
}

static void repeat_plain(void *arg, long count)
{
    for (; count > 0; count -= BATCH)
        plain_batch(*(const size_t *)arg);
}

static double measure_tocsin(void *arg)
{
    return bench_time(repeat_tocsin, arg);
}

static double measure_plain(void *arg)
{
    return bench_time(repeat_plain, arg);
}

static void compare(const char *what, size_t size)
{
    struct bench_side sides[] = { { "tocsin", measure_tocsin, &size, NAN },
                                  { "raw", measure_plain, &size, NAN } };

    bench_interleave(sides, 2, bench_quick ? 1 : 5);
    bench_row("tocsin", what, sides[0].value, "ns", "raw", sides[1].value);
    bench_row("raw", what, sides[1].value, "ns", NULL, 0);
    bench_remark("%s: tocsin %.0f, raw %.0f datagrams a second", what, 1e9 / sides[0].value,
                 1e9 / sides[1].value);
}

int main(int argc, char *argv[])
{
    bench_begin(argc, argv, "the cost of a UDP datagram, sent and received");
    open_tocsin();
    open_plain();
    compare("single", SINGLE);
    compare("segment", SEGMENT);
    close(plain_server);
    close(plain_client);
    return bench_end();
}
