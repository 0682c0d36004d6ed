/* Datagram sockets of the tests: what a socket has announced, and sockets of the test itself. */
#ifndef TOCSIN_T_IO_DATAGRAMS_H
#define TOCSIN_T_IO_DATAGRAMS_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <tocsin/io.h>

#include "handlers.h"

/* What the signals of one socket have announced. */
struct heard {
    int received, lost, stalled, drained, closed;
    int lost_error, status;
    size_t bytes, size; /* of all datagrams, of the last one */
    uint64_t truncated;
    char data[200], peer[240], lost_peer[240]; /* of the last one */
    struct tocsin_datagram_closed end;
};

TOCSIN__UNUSED static int hear(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_datagram_received *came = tocsin_datagram_received_of(info);
    const struct tocsin_datagram_lost *lost = tocsin_datagram_lost_of(info);
    const struct tocsin_datagram_closed *end = tocsin_datagram_closed_of(info);
    struct heard *heard = arg;

    if (came) {
        ck_assert_int_eq(((const char *)came->data.data)[came->data.size], 0);
        heard->received++;
        heard->bytes += came->data.size;
        heard->size = came->data.size;
        heard->truncated = came->truncated_bytes;
        snprintf(heard->data, sizeof heard->data, "%s", (const char *)came->data.data);
        snprintf(heard->peer, sizeof heard->peer, "%s", came->peer);
    }
    if (lost) {
        heard->lost += (int)lost->count;
        heard->lost_error = lost->error;
        snprintf(heard->lost_peer, sizeof heard->lost_peer, "%s", lost->peer);
    }
    heard->stalled += tocsin_datagram_stalled_of(info) != NULL;
    heard->drained += tocsin_datagram_drained_of(info) != NULL;
    if (end) {
        heard->closed++;
        heard->status = info->status;
        heard->end = *end;
    }
    return TOCSIN_NEXT;
}

#define HEARS(heard) TOCSIN_BOTH(hear, heard)

TOCSIN__UNUSED static struct tocsin_op opened(const char *address,
                                              const struct tocsin_datagram_options *options,
                                              const struct tocsin_notify *notify)
{
    struct tocsin_op socket;

    ck_assert_int_eq(tocsin_datagram_open(address, options, notify, &socket), 0);
    return socket;
}

/* The address of a socket that is bound to all addresses, on the loopback interface. */
TOCSIN__UNUSED static const char *loopback_of(struct tocsin_op socket)
{
    static char texts[4][64];
    static int next;
    struct tocsin_datagram_facts facts;

    next = (next + 1) % 4;
    ck_assert_int_eq(tocsin_datagram_get(socket, &facts), 0);
    snprintf(texts[next], sizeof texts[next], "udp:127.0.0.1%s", strrchr(facts.local, ':'));
    return texts[next];
}

TOCSIN__UNUSED static void turns(int count)
{
    for (int i = 0; i < count; i++)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
}

TOCSIN__UNUSED static void send_text(struct tocsin_op socket, const char *peer, const char *text)
{
    ck_assert_int_eq(tocsin_datagram_send(socket, peer, text, strlen(text)), 0);
}

/* Ends a socket, and waits for that. */
TOCSIN__UNUSED static void end(struct tocsin_op socket)
{
    tocsin_cancel(socket);
    while (tocsin_op_status(socket) == -EINPROGRESS)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
}

/* A UDP socket of the test, bound to the loopback interface. */
TOCSIN__UNUSED static int plain_udp(char *ret_address)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof in;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &size), 0);
    sprintf(ret_address, "udp:127.0.0.1:%d", ntohs(in.sin_port));
    return fd;
}

/* A Unix datagram socket of the test, bound to an abstract name of this many bytes; what is behind
   the text is NUL. */
TOCSIN__UNUSED static int plain_unix(const char *name, size_t bytes)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    memcpy(un.sun_path + 1, name, strlen(name));
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&un,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + bytes)),
                     0);
    return fd;
}

#endif
