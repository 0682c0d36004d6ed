/* Datagram sockets, one test for each statement of <tocsin/datagram.h>: opening and its errors; ids
   that are valid at once, also before a host name is resolved; each kind of notify; demand; replies
   to each kind of sender; truncated and empty datagrams; the number announced in a turn; losses
   that the network reports, or that are found later; broadcast; groups; paths of dead sockets; each
   kind of end. */
#define _GNU_SOURCE /* struct ip_mreqn */
#include <fcntl.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "io/datagrams.h"

#include <tocsin/owner.h>

#include "io/datagram/socket.h"

static struct heard a, b;

static void begin(void)
{
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
}

static const char *const a_group[] = { "239.1.2.3%lo", NULL }, *const not_a_group[] = { "10.0.0.1",
                                                                                        NULL };
static const struct {
    const char *address;
    int err;
    struct tocsin_datagram_options options;
} malformed_cases[] = {
    { "udp:*", -EINVAL, { .to = NULL } },
    { "udp:*:65536", -EINVAL, { .to = NULL } },
    { "udp:[::1:5", -EINVAL, { .to = NULL } },
    { "unix:", -EINVAL, { .to = NULL } },
    { "unix:#", -EINVAL, { .to = NULL } },
    { "unix:#0", -EINVAL, { .to = NULL } },
    { "unix:#0G", -EINVAL, { .to = NULL } },
    { NULL, -EINVAL, { .to = NULL } },
    { "tcp:*:0", -ENOTSUP, { .to = NULL } },
    { "systemd:x", -ENOTSUP, { .to = NULL } },
    { "fd:999999", -EBADF, { .to = NULL } },
    { "fd:0", -EINVAL, { .to = "fd:1" } },
    { "udp:*:0", -EINVAL, { .to = "unix:@x" } },
    { "udp:*:0", -EINVAL, { .to = "udp:*:5" } },
    { "udp:*:0", -EINVAL, { .to = "udp:127.0.0.1:0" } },
    { "unix:@", -EINVAL, { .to = "unix:@" } },
    { "udp:*:0", -EINVAL, { .flags = 8 } },
    { "udp:*:0", -EINVAL, { .spare = { 1 } } },
    { "udp:*:0", -EINVAL, { .ttl = 256 } },
    { "udp:*:0", -EINVAL, { .most = -1 } },
    { "udp:*:0", -EINVAL, { .mode = 0600 } },
    { "unix:@", -EINVAL, { .mode = 01000 } },
    { "unix:@", -EINVAL, { .join = a_group } },
    { "unix:@", -EINVAL, { .flags = TOCSIN_DATAGRAM_BROADCAST } },
    { "udp:*:0", -EINVAL, { .size = 17 << 20 } },
    { "udp:*:0", -EINVAL, { .low_bytes = 1 << 20 } },
    { "udp:*:0", -EINVAL, { .join = not_a_group } },
    { "udp:*:0", -ENODEV, { .interface = "nowhere" } },
    { "udp:192.0.2.1:0", -EADDRNOTAVAIL, { .to = NULL } },
    { "udp:127.0.0.1:0", -EAFNOSUPPORT, { .to = "udp:[::1]:9" } },
    { "unix:@", -ECONNREFUSED, { .to = "unix:@tocsin-nobody" } },
    { "unix:/no/such/folder/x", -ENOENT, { .to = NULL } },
};

START_TEST(malformed)
{
    struct tocsin_op socket;

    for (size_t i = 0; i < sizeof malformed_cases / sizeof malformed_cases[0]; i++) {
        int err = tocsin_datagram_open(malformed_cases[i].address, &malformed_cases[i].options,
                                       HEARS(&a), &socket);

        ck_assert_msg(err == malformed_cases[i].err, "%zu: %s: %d", i, malformed_cases[i].address,
                      err);
        ck_assert_int_eq(tocsin_datagram_send(socket, NULL, "x", 1), malformed_cases[i].err);
    }
    ck_assert_int_eq(a.closed, 0);
}
END_TEST

START_TEST(wrong_calls)
{
    struct tocsin_op timer, socket = opened("udp:*:0", NULL, NULL), local;
    struct tocsin_datagram_facts facts;
    const struct tocsin_bytes null = { NULL, 5 };
    static const struct tocsin_bytes many[65];
    static const char big[65508];

    ck_assert_int_eq(tocsin_timer(60000, NULL, &timer), 0);
    ck_assert_int_eq(tocsin_datagram_send(timer, NULL, "x", 1), -EINVAL);
    ck_assert_int_eq(tocsin_datagram_close(timer), -EINVAL);
    ck_assert_int_eq(tocsin_datagram_get(timer, &facts), -EINVAL);
    ck_assert_int_eq(tocsin_datagram_get(socket, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_stream_write(socket, "x", 1), -EINVAL);
    ck_assert_int_eq(tocsin_datagram_send(socket, NULL, "x", 1), -EDESTADDRREQ);
    ck_assert_int_eq(tocsin_datagram_send(socket, "", "x", 1), -EDESTADDRREQ);
    ck_assert_int_eq(tocsin_datagram_send(socket, "udp:127.0.0.1:9", NULL, 1), -EINVAL);
    ck_assert_int_eq(tocsin_datagram_send(socket, "udp:localhost:9", "x", 1), -EINVAL);
    ck_assert_int_eq(tocsin_datagram_send(socket, "udp:*:9", "x", 1), -EINVAL);
    ck_assert_int_eq(tocsin_datagram_send(socket, "udp:127.0.0.1:0", "x", 1), -EINVAL);
    ck_assert_int_eq(tocsin_datagram_send(socket, "fd:1", "x", 1), -EINVAL);
    ck_assert_int_eq(tocsin_datagram_send(socket, "tcp:127.0.0.1:9", "x", 1), -ENOTSUP);
    ck_assert_int_eq(tocsin_datagram_send(socket, "unix:@x", "x", 1), -EAFNOSUPPORT);
    ck_assert_int_eq(tocsin_datagram_send(socket, "udp:127.0.0.1:9", big, sizeof big), -EMSGSIZE);
    ck_assert_int_eq(tocsin_datagram_send_with(socket, NULL), -EINVAL);
    ck_assert_int_eq(
        tocsin_datagram_send_with(socket,
                                  &(struct tocsin_datagram_outgoing){
                                      .peer = "udp:127.0.0.1:9", .parts = &null, .count = 1 }),
        -EINVAL);
    ck_assert_int_eq(
        tocsin_datagram_send_with(socket,
                                  &(struct tocsin_datagram_outgoing){
                                      .peer = "udp:127.0.0.1:9", .parts = many, .count = 65 }),
        -EINVAL);
    local = opened("unix:@", NULL, NULL);
    ck_assert_int_eq(tocsin_datagram_send(local, "udp:127.0.0.1:9", "x", 1), -EAFNOSUPPORT);
    ck_assert_int_eq(tocsin_datagram_send(local, "unix:@tocsin-nobody", "x", 1), -ECONNREFUSED);
    ck_assert_int_eq(tocsin_datagram_send(local, "unix:/no/such", "x", 1), -ENOENT);
    end(socket);
    end(local);
    ck_assert_int_eq(tocsin_datagram_send(socket, NULL, "x", 1), -ENOENT);
    ck_assert_int_eq(tocsin_cancel(timer), 0);
    drain_all();
}
END_TEST

/* Whether this machine has IPv6; if not, the summary says that the tests of it were skipped. */
static bool has_ipv6(void)
{
    const struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    bool is_bound = fd >= 0 && bind(fd, (const struct sockaddr *)&in6, sizeof in6) == 0;

    if (fd >= 0)
        close(fd);
    if (!is_bound)
        test_skip("io/datagrams", "no IPv6");
    return is_bound;
}

/* The address families of a server and its client. */
enum { IPV4, IPV6, UNIX, PAIRS };

static struct tocsin_op pair_server(int which, const struct tocsin_notify *notify)
{
    static const char *const addresses[] = { "udp:127.0.0.1:0", "udp:[::1]:0", "unix:@" };

    return opened(addresses[which], NULL, notify);
}

/* Replies to a sender, in the handler, and later by a copy of the sender's address. */
START_TEST(reply)
{
    struct tocsin_op server, client;
    struct tocsin_datagram_facts facts, own;

    if (_i == IPV6 && !has_ipv6())
        return;
    server = pair_server(_i, HEARS(&a));
    ck_assert_int_eq(tocsin_datagram_get(server, &facts), 0);
    client = opened(_i == UNIX ? "unix:@" : "udp:*:0",
                    &(struct tocsin_datagram_options){ .to = facts.local }, HEARS(&b));
    ck_assert_int_eq(tocsin_datagram_get(client, &own), 0);
    ck_assert_str_eq(own.peer, facts.local);
    send_text(client, NULL, "question");
    turns_until(&a.received, 1);
    ck_assert_str_eq(a.data, "question");
    ck_assert_str_eq(a.peer, own.local);
    send_text(server, a.peer, "answer");
    turns_until(&b.received, 1);
    ck_assert_str_eq(b.data, "answer");
    ck_assert_str_eq(b.peer, facts.local);
    send_text(client, b.peer, "again"); /* a connected socket may be given its peer's address */
    turns_until(&a.received, 2);
    end(client);
    end(server);
    ck_assert_int_eq(a.closed, 1);
    ck_assert_int_eq(a.status, -ECANCELED);
    ck_assert_uint_eq(a.end.received, 2);
    ck_assert_uint_eq(a.end.sent, 1);
    ck_assert_uint_eq(a.end.lost + a.end.dropped, 0);
}
END_TEST

static int answer(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_datagram_received *came = tocsin_datagram_received_of(info);

    hear(info, arg);
    return came ? tocsin_datagram_send(tocsin_info_op(info), came->peer, came->data.data,
                                       came->data.size)
                : TOCSIN_NEXT;
}

/* A socket of "*" receives from IPv4 and IPv6 senders, and replies to both. */
START_TEST(both_families)
{
    struct tocsin_op server, client;
    const char *four;
    char six[64];

    if (!has_ipv6())
        return;
    server = opened("udp:*:0", NULL, TOCSIN_BOTH(answer, &a));
    four = loopback_of(server);
    snprintf(six, sizeof six, "udp:[::1]%s", strrchr(four, ':'));
    client = opened("udp:*:0", NULL, HEARS(&b));
    send_text(client, four, "four");
    turns_until(&b.received, 1);
    ck_assert_str_eq(b.peer, four);
    send_text(client, six, "six");
    turns_until(&b.received, 2);
    ck_assert_str_eq(b.peer, six);
    end(client);
    client = opened("udp:127.0.0.1:0", NULL, NULL);
    ck_assert_int_eq(tocsin_datagram_send(client, six, "x", 1), -EAFNOSUPPORT);
    end(client);
    end(server);
}
END_TEST

/* A sender without a name, and a sender whose name contains NULs. */
START_TEST(odd_senders)
{
    struct tocsin_op server = opened("unix:@", NULL, TOCSIN_BOTH(answer, &a)), other;
    struct tocsin_datagram_facts facts;
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    socklen_t size;
    int fds[] = { socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), plain_unix("padded", 20) };
    char buffer[8];

    ck_assert_int_eq(tocsin_datagram_get(server, &facts), 0);
    ck_assert_int_eq(strncmp(facts.local, "unix:@", 6), 0);
    memcpy(to.sun_path + 1, facts.local + 6, strlen(facts.local + 6));
    size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(facts.local + 6));
    ck_assert_int_eq(sendto(fds[0], "x", 1, 0, (struct sockaddr *)&to, size), 1);
    turns_until(&a.received, 1);
    ck_assert_str_eq(a.peer, "");
    ck_assert_int_eq(tocsin_datagram_send(server, a.peer, "x", 1), -EDESTADDRREQ);
    ck_assert_int_eq(sendto(fds[1], "y", 1, 0, (struct sockaddr *)&to, size), 1);
    turns_until(&a.received, 2);
    ck_assert_int_eq(strncmp(a.peer, "unix:#00706164646564", 20), 0);
    ck_assert_int_eq(recv(fds[1], buffer, sizeof buffer, 0), 1);
    other = opened("unix:@", &(struct tocsin_datagram_options){ .to = a.peer }, NULL);
    send_text(other, NULL, "zz"); /* the text "unix:#…" is an address, too */
    ck_assert_int_eq(recv(fds[1], buffer, sizeof buffer, 0), 2);
    close(fds[0]);
    close(fds[1]);
    end(other);
    end(server);
}
END_TEST

/* Datagrams are sent before the host name of the peer, or of the local address, is resolved. */
START_TEST(names)
{
    struct tocsin_op server = opened("udp:127.0.0.1:0", NULL, HEARS(&a)), client;
    const char *port = strrchr(loopback_of(server), ':');
    char to[64];

    snprintf(to, sizeof to, "udp:localhost%s", port);
    client = opened(_i ? "udp:localhost:0" : "udp:127.0.0.1:0",
                    &(struct tocsin_datagram_options){ .to = to }, HEARS(&b));
    send_text(client, NULL, "early");
    ck_assert_int_eq(a.received, 0);
    if (_i == 2)
        ck_assert_int_eq(tocsin_datagram_close(client), 0); /* the queued datagram is still sent */
    while (!a.received && !b.lost)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(a.received, 1);
    ck_assert_str_eq(a.data, "early");
    if (_i == 2)
        turns_until(&b.closed, 1);
    else
        end(client);
    ck_assert_int_eq(b.status, _i == 2 ? 0 : -ECANCELED);
    end(server);
}
END_TEST

START_TEST(name_unknown)
{
    struct tocsin_op client = opened(
        "udp:*:0", &(struct tocsin_datagram_options){ .to = "udp:no..host:9" }, HEARS(&b));

    send_text(client, NULL, "early");
    turns_until(&b.closed, 1);
    ck_assert_int_lt(b.status, 0);
    ck_assert_uint_eq(b.end.lost, 1);
    client = opened("udp:localhost:0", NULL, HEARS(&b));
    end(client); /* ends the socket ends the socket while its name is being resolved */
    ck_assert_int_eq(b.status, -ECANCELED);
    client = opened("udp:localhost:0", NULL, HEARS(&b));
    ck_assert_int_eq(tocsin_datagram_close(client), 0);
    turns_until(&b.closed, 3);
    ck_assert_int_eq(b.status, 0);
}
END_TEST

/* Each kind of notify: one that is called at the end only, and a queue. TOCSIN_FUTURE is
   refused, as for all persistent operations, since such an operation ends only when the program
   cancels it. */
START_TEST(styles)
{
    struct tocsin_queue queue;
    struct tocsin_info *info;
    struct tocsin_op plain = opened("udp:*:0", NULL, TOCSIN_CALL(hear, &a)), queued, refused;

    ck_assert_int_eq(tocsin_queue_open(NULL, NULL, &queue), 0);
    queued = opened("udp:*:0", NULL, TOCSIN_QUEUE(queue));
    ck_assert_int_eq(tocsin_datagram_open("udp:*:0", NULL, TOCSIN_FUTURE, &refused), -EINVAL);
    send_text(plain, loopback_of(queued), "for the queue");
    send_text(queued, loopback_of(plain), "for nobody");
    ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
    ck_assert_str_eq(tocsin_datagram_received_of(info)->data.data, "for the queue");
    ck_assert_str_eq(tocsin_datagram_received_of(info)->peer, loopback_of(plain));
    tocsin_info_unref(info);
    ck_assert_int_eq(tocsin_datagram_close(queued), 0);
    ck_assert_int_eq(tocsin_datagram_close(queued), -EALREADY);
    ck_assert_int_eq(tocsin_datagram_send(queued, loopback_of(plain), "x", 1), -EPIPE);
    ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
    ck_assert_int_eq(info->status, 0);
    ck_assert_uint_eq(tocsin_datagram_closed_of(info)->sent, 1);
    tocsin_info_unref(info);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    ck_assert_int_eq(a.received, 0);
    end(plain);
    ck_assert_int_eq(a.closed, 1);
}
END_TEST

/* Without demand nothing is read. With demand, all datagrams arrive in order. */
START_TEST(demand)
{
    struct tocsin_op server = opened("udp:*:0", NULL, NULL), client = opened("udp:*:0", NULL, NULL);
    struct tocsin_datagram_facts facts;
    struct tocsin_handler handler;

    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(tocsin_datagram_send(client, loopback_of(server), "0123456789", i % 11),
                         0);
    turns(6);
    ck_assert_int_eq(tocsin_datagram_get(server, &facts), 0);
    ck_assert_uint_eq(facts.received, 0);
    ck_assert_int_eq(
        tocsin_connect("datagram.received",
                       &(struct tocsin_action){ .fn = hear, .arg = &a, .source = server.source },
                       &handler),
        0);
    turns_until(&a.received, 20);
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    send_text(client, loopback_of(server), "last");
    turns(6);
    ck_assert_int_eq(a.received, 20);
    connect_to("datagram.received", hear, &a); /* a handler a handler of all sockets */
    turns_until(&a.received, 21);
    ck_assert_str_eq(a.data, "last");
    end(client);
    end(server);
}
END_TEST

static char block[200000];

/* A datagram that is longer than options.size, and one that is longer than the read buffer. */
START_TEST(truncated)
{
    struct tocsin_datagram_facts facts;
    struct tocsin_op server = opened("unix:@", &(struct tocsin_datagram_options){ .size = 10 },
                                     HEARS(&a)),
                     usual = opened("unix:@", NULL, HEARS(&b)),
                     client = opened("unix:@", NULL, NULL);

    ck_assert_int_eq(tocsin_datagram_get(server, &facts), 0);
    send_text(client, facts.local, "0123456789");
    turns_until(&a.received, 1);
    ck_assert_uint_eq(a.truncated, 0);
    send_text(client, facts.local, "0123456789abc");
    turns_until(&a.received, 2);
    ck_assert_str_eq(a.data, "0123456789");
    ck_assert_uint_eq(a.truncated, 3);
    ck_assert_int_eq(tocsin_datagram_send(client, facts.local, NULL, 0), 0);
    turns_until(&a.received, 3); /* an empty datagram counts, too */
    ck_assert_uint_eq(a.size, 0);
    ck_assert_uint_eq(a.truncated, 0);
    ck_assert_int_eq(tocsin_datagram_get(usual, &facts), 0);
    ck_assert_int_eq(tocsin_datagram_send(client, facts.local, block, 70000), 0);
    turns_until(&b.received, 1);
    ck_assert_uint_eq(b.size, 65536);
    ck_assert_uint_eq(b.truncated, 70000 - 65536);
    end(usual);
    usual = opened("unix:@", &(struct tocsin_datagram_options){ .size = 100000 }, HEARS(&b));
    ck_assert_int_eq(tocsin_datagram_get(usual, &facts), 0);
    ck_assert_int_eq(tocsin_datagram_send(client, facts.local, block, 70000), 0);
    turns_until(&b.received, 2);
    ck_assert_uint_eq(b.size, 70000);
    ck_assert_uint_eq(b.truncated, 0);
    ck_assert_int_eq(tocsin_datagram_send(client, facts.local, block, sizeof block * 4), -EMSGSIZE);
    end(server);
    end(usual);
    end(client);
}
END_TEST

/* A socket with many datagrams does not prevent another socket from being read. */
START_TEST(most)
{
    struct tocsin_op busy = opened("udp:*:0", &(struct tocsin_datagram_options){ .most = 10 },
                                   NULL),
                     other = opened("udp:*:0", NULL, HEARS(&b)),
                     client = opened("udp:*:0", NULL, NULL);
    int before = 0;

    for (int i = 0; i < 100; i++)
        send_text(client, loopback_of(busy), "x");
    ck_assert_int_eq(tocsin_op_notify(busy, HEARS(&a)), 0);
    send_text(client, loopback_of(other), "y");
    for (int i = 0; a.received < 100; i++) {
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
        ck_assert_int_le(a.received - before, 10);
        before = a.received;
        if (a.received == 20)
            ck_assert_int_eq(b.received, 1);
    }
    end(busy);
    end(other);
    end(client);
}
END_TEST

/* Writes the address of a UDP port to which no socket is bound. */
static void unused_port(char *ret_address)
{
    close(plain_udp(ret_address));
}

/* The network reports that no socket is bound to the port. The sender's socket does not end,
   whether it is connected or not, and whether it is read or not. */
START_TEST(refused)
{
    struct tocsin_op server = opened("udp:*:0", NULL, HEARS(&a)), client;
    char nobody[64];
    const struct tocsin_datagram_options options = { .to = nobody };

    unused_port(nobody);
    client = opened("udp:*:0", _i ? &options : NULL, HEARS(&b));
    send_text(client, nobody, "x");
    turns_until(&b.lost, 1);
    ck_assert_int_eq(b.lost_error, -ECONNREFUSED);
    ck_assert_str_eq(b.lost_peer, nobody);
    ck_assert_int_eq(b.closed, 0);
    send_text(client, nobody, "x");
    send_text(client, nobody, "x"); /* this datagram is sent, although the one before was refused */
    turns_until(&b.lost, 3);
    send_text(client, loopback_of(server), "y"); /* a datagram to another peer is sent, too */
    turns_until(&a.received, 1);
    if (!_i) {
        send_text(server, loopback_of(client), "z");
        turns_until(&b.received, 1);
    }
    end(client);
    ck_assert_uint_eq(b.end.lost, 3);
    ck_assert_uint_eq(b.end.sent, 4);
    /* the socket has no listeners; the error must not wake the loop again and again */
    client = opened("udp:*:0", NULL, NULL);
    send_text(client, nobody, "x");
    turns(6);
    ck_assert_int_eq(tocsin_loop_turn(10), 0);
    end(client);
    end(server);
}
END_TEST

/* The program has connected the socket of "fd:", without IP_RECVERR, so the socket has no error
   queue. */
START_TEST(refused_without_queue)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    char address[64], nobody[64];
    int fd = plain_udp(address);
    struct tocsin_op client;

    unused_port(nobody);
    to.sin_port = htons((uint16_t)atoi(strrchr(nobody, ':') + 1));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    snprintf(address, sizeof address, "fd:%d", fd);
    client = opened(address, NULL, _i ? HEARS(&b) : NULL);
    send_text(client, NULL, "x");
    turns(6);
    ck_assert_int_eq(tocsin_loop_turn(10), 0);
    send_text(client, NULL, "x");
    send_text(client, NULL, "x");
    turns(6);
    if (_i)
        ck_assert_int_eq(b.lost, 3);
    end(client);
}
END_TEST

START_TEST(broadcast)
{
    struct tocsin_op plain = opened("udp:127.0.0.1:0", NULL, NULL),
                     asked = opened(
                         "udp:127.0.0.1:0",
                         &(struct tocsin_datagram_options){ .flags = TOCSIN_DATAGRAM_BROADCAST },
                         HEARS(&a));

    ck_assert_int_eq(tocsin_datagram_send(plain, "udp:127.255.255.255:9", "x", 1), -EACCES);
    send_text(plain, loopback_of(asked), "x"); /* the socket still works */
    turns_until(&a.received, 1);
    ck_assert_int_eq(tocsin_datagram_send(asked, "udp:127.255.255.255:9", "x", 1), 0);
    end(plain);
    end(asked);
}
END_TEST

static int option_of(struct tocsin_op id, int level, int option)
{
    struct tocsin__socket *socket;
    int value = -1;
    socklen_t size = sizeof value;

    ck_assert_int_eq(tocsin__socket_find(id, &socket), 0);
    ck_assert_int_eq(getsockopt(socket->readiness.fd, level, option, &value, &size), 0);
    return value;
}

/* Multicast on the loopback interface: only sockets that have joined the group receive. Also the
   options against receiving own datagrams, and for the number of routers. */
START_TEST(multicast)
{
    const char *const groups[] = { "239.1.2.3%lo", has_ipv6() ? "ff02::1234%lo" : NULL, NULL };
    struct tocsin_datagram_options options = { .join = groups, .flags = TOCSIN_DATAGRAM_SHARE },
                                   from = { .interface = "lo", .ttl = 7 },
                                   muted = { .interface = "1",
                                             .flags = TOCSIN_DATAGRAM_NO_LOOPBACK };
    struct tocsin_op first = opened("udp:*:0", &options, HEARS(&a)), second, stranger, client;
    const char *port = strrchr(loopback_of(first), ':');
    char address[64], group[64];
    struct heard c = { 0 };

    snprintf(address, sizeof address, "udp:*%s", port);
    snprintf(group, sizeof group, "udp:239.1.2.3%s", port);
    second = opened(address, &options, HEARS(&b));
    options.join = NULL;
    stranger = opened(address, &options, HEARS(&c));
    ck_assert_int_eq(tocsin_datagram_open(address, NULL, NULL, NULL), -EADDRINUSE);
    client = opened("udp:*:0", &from, NULL);
    ck_assert_int_eq(option_of(client, IPPROTO_IP, IP_MULTICAST_TTL), 7);
    if (groups[1])
        ck_assert_int_eq(option_of(client, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 7);
    ck_assert_int_eq(option_of(first, IPPROTO_IP, IP_MULTICAST_TTL), 1);
    send_text(client, group, "all");
    turns_until(&a.received, 1);
    turns_until(&b.received, 1);
    end(client);
    client = opened("udp:*:0", &muted, NULL);
    ck_assert_int_eq(option_of(client, IPPROTO_IP, IP_MULTICAST_LOOP), 0);
    if (groups[1])
        ck_assert_int_eq(option_of(client, IPPROTO_IPV6, IPV6_MULTICAST_LOOP), 0);
    /* this option has no effect on the loopback interface, so only its value is checked */
    turns(6);
    ck_assert_int_eq(a.received + b.received, 2);
    ck_assert_int_eq(c.received, 0);
    end(client);
    end(first);
    end(second);
    end(stranger);
}
END_TEST

/* The path of a dead socket is replaced. At its end a socket removes its path, unless another
   socket has replaced it. */
START_TEST(paths)
{
    char path[64], address[80];
    struct tocsin_op first, second;
    struct stat stat;
    int fd;

    snprintf(path, sizeof path, "/tmp/tocsin-datagrams-%d", getpid());
    snprintf(address, sizeof address, "unix:%s", path);
    first = opened(address, NULL, NULL);
    ck_assert_int_eq(lstat(path, &stat), 0);
    ck_assert_uint_eq(stat.st_mode & 0777, 0600);
    ck_assert_int_eq(tocsin_datagram_open(address, NULL, NULL, NULL), -EADDRINUSE);
    ck_assert_int_eq(access(path, F_OK), 0);
    end(first);
    ck_assert_int_eq(access(path, F_OK), -1);
    fd = socket(AF_UNIX, SOCK_DGRAM, 0); /* makes a path to which no process is bound any more */
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&(struct sockaddr_un){ AF_UNIX, "" }, 2), 0);
    close(fd);
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    {
        struct sockaddr_un un = { .sun_family = AF_UNIX };

        strcpy(un.sun_path, path);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
    }
    ck_assert_int_eq(tocsin_datagram_open(address, NULL, NULL, NULL), -EADDRINUSE);
    close(fd);
    first = opened(address, &(struct tocsin_datagram_options){ .mode = 0640 }, NULL);
    ck_assert_int_eq(lstat(path, &stat), 0);
    ck_assert_uint_eq(stat.st_mode & 0777, 0640);
    ck_assert_int_eq(unlink(path), 0);
    /* the test replaces the path, the test replaces the path, as another process could do */
    second = opened(address, NULL, NULL);
    end(first);
    ck_assert_int_eq(access(path, F_OK), 0);
    end(second);
    ck_assert_int_eq(access(path, F_OK), -1);
    fd = open(path, O_CREAT | O_WRONLY, 0600); /* a regular file is never removed */
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(tocsin_datagram_open(address, NULL, NULL, NULL), -EADDRINUSE);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

static jmp_buf out;

static int jump_out(const struct tocsin_info *info, void *arg)
{
    hear(info, arg);
    if (a.received == 3)
        longjmp(out, 1);
    return TOCSIN_NEXT;
}

/* The kernel has joined several datagrams, and the handler of one of them jumps out. */
START_TEST(jump)
{
    struct tocsin_op server = opened("udp:*:0", NULL, TOCSIN_EACH(jump_out, &a)),
                     client = opened("udp:*:0", NULL, NULL);
    const struct tocsin_bytes part = { block, 1000 };

    ck_assert_int_eq(tocsin_datagram_send_with(
                         client, &(struct tocsin_datagram_outgoing){ .peer = loopback_of(server),
                                                                     .parts = &part,
                                                                     .count = 1,
                                                                     .segment = 100 }),
                     0);
    if (!setjmp(out))
        turns(20);
    ck_assert_int_eq(a.received, 3);
    send_text(client, loopback_of(server), "behind");
    turns_until(&a.received, 11);
    ck_assert_str_eq(a.data, "behind");
    end(server);
    end(client);
}
END_TEST

static int cancel_third(const struct tocsin_info *info, void *arg)
{
    hear(info, arg);
    if (a.received == 3)
        tocsin_cancel(tocsin_info_op(info));
    return TOCSIN_NEXT;
}

/* The kernel has joined several datagrams, and the handler of the third one cancels the socket. */
START_TEST(cancel_within)
{
    struct tocsin_op server = opened("udp:*:0", NULL, TOCSIN_BOTH(cancel_third, &a)),
                     client = opened("udp:*:0", NULL, NULL);
    const struct tocsin_bytes part = { block, 1000 };

    ck_assert_int_eq(tocsin_datagram_send_with(
                         client, &(struct tocsin_datagram_outgoing){ .peer = loopback_of(server),
                                                                     .parts = &part,
                                                                     .count = 1,
                                                                     .segment = 100 }),
                     0);
    turns_until(&a.closed, 1);
    ck_assert_int_eq(a.received, 3);
    ck_assert_uint_eq(a.end.received, 3);
    ck_assert_uint_le(a.end.dropped, 7); /* 7 if the kernel has joined the datagrams */
    end(client);
}
END_TEST

/* The descriptor of an idle socket is parked, and the socket has neither a buffer nor an event. */
START_TEST(idle)
{
    struct tocsin_op server, client;
    struct tocsin__socket *socket;
    struct tocsin_owner_facts owner = { .spare = { 0 } };
    uint64_t before;

    ck_assert_int_eq(tocsin_clock_move(0), 0);
    ck_assert_int_ge(tocsin_owner_next(0, &owner), 0);
    before = owner.held[TOCSIN_RESOURCE_OPERATIONS];
    server = opened("udp:*:0", NULL, HEARS(&a));
    client = opened("udp:*:0", NULL, NULL);
    ck_assert_int_ge(tocsin_owner_next(0, &owner), 0);
    ck_assert_uint_eq(owner.held[TOCSIN_RESOURCE_OPERATIONS], before + 2);
    for (int i = 0; i < 3; i++) {
        send_text(client, loopback_of(server), "x");
        turns_until(&a.received, i + 1);
    }
    ck_assert_int_eq(tocsin__socket_find(server, &socket), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_clock_move(2000), 0);
    ck_assert_int_eq(socket->readiness.place, TOCSIN__PLACE_PARKED);
    ck_assert_ptr_null(socket->busy);
    send_text(client, loopback_of(server), "x");
    turns_until(&a.received, 4);
    end(server);
    end(client);
    ck_assert_int_ge(tocsin_owner_next(0, &owner), 0);
    ck_assert_uint_eq(owner.held[TOCSIN_RESOURCE_OPERATIONS], before);
}
END_TEST

/* Descriptors that are no datagram sockets stay the caller's. */
START_TEST(no_datagrams)
{
    struct tocsin_op socket;
    char address[64];
    int fds[2];

    ck_assert_int_eq(_i ? pipe(fds) : socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    snprintf(address, sizeof address, "fd:%d", fds[0]);
    ck_assert_int_eq(tocsin_datagram_open(address, NULL, HEARS(&a), &socket), -EINVAL);
    ck_assert_int_eq(close(fds[0]), 0);
    ck_assert_int_eq(close(fds[1]), 0);
}
END_TEST

/* The program calls shutdown for a descriptor that it has opened as "fd:". Variants: it is parked,
 * or active. */
START_TEST(shut_down)
{
    char address[64];
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
    snprintf(address, sizeof address, "fd:%d", fds[0]);
    opened(address, NULL, HEARS(&a));
    for (int i = 0; i < 3 * _i; i++) {
        ck_assert_int_eq(send(fds[1], "", 0, 0), 0);
        turns_until(&a.received, i + 1);
        turns(2);
    }
    ck_assert_int_eq(shutdown(fds[0], SHUT_RDWR), 0);
    turns_until(&a.closed, 1);
    ck_assert_int_eq(a.status, -EPIPE);
    ck_assert_int_eq(a.received, 3 * _i);
    close(fds[1]);
}
END_TEST

START_TEST(freed_with_the_loop)
{
    struct tocsin_op socket = opened(_i ? "udp:localhost:0" : "udp:*:0", NULL, HEARS(&a));

    if (!_i)
        send_text(socket, loopback_of(socket), "x");
    ck_assert_int_eq(tocsin_loop_free(), 1);
    ck_assert_int_eq(a.closed, 1);
    ck_assert_int_eq(a.status, -ECANCELED);
}
END_TEST

/* A drain cancels datagram sockets. */
START_TEST(drained)
{
    opened("udp:*:0", NULL, HEARS(&a));
    drain_all();
    ck_assert_int_eq(a.status, -ECANCELED);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/datagrams");
    TCase *tests = test_case(suite, "datagrams");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, malformed);
    tcase_add_test(tests, wrong_calls);
    tcase_add_loop_test(tests, reply, 0, PAIRS);
    tcase_add_test(tests, both_families);
    tcase_add_test(tests, odd_senders);
    tcase_add_loop_test(tests, names, 0, 3);
    tcase_add_test(tests, name_unknown);
    tcase_add_test(tests, styles);
    tcase_add_test(tests, demand);
    tcase_add_test(tests, truncated);
    tcase_add_test(tests, most);
    tcase_add_loop_test(tests, refused, 0, 2);
    tcase_add_loop_test(tests, refused_without_queue, 0, 2);
    tcase_add_test(tests, broadcast);
    tcase_add_test(tests, multicast);
    tcase_add_test(tests, paths);
    tcase_add_test(tests, jump);
    tcase_add_test(tests, cancel_within);
    tcase_add_test(tests, idle);
    tcase_add_loop_test(tests, no_datagrams, 0, 2);
    tcase_add_loop_test(tests, shut_down, 0, 2);
    tcase_add_loop_test(tests, freed_with_the_loop, 0, 2);
    tcase_add_test(tests, drained);
    return suite;
}
