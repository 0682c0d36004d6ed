/* Streams of the tests: a pair over a Unix socket or loopback TCP, and one end of a socket pair as
   a stream. */
#ifndef TOCSIN_T_IO_STREAMS_H
#define TOCSIN_T_IO_STREAMS_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <tocsin/io.h>

#include "handlers.h"

/* A stream of one end of a socket pair; the test reads and writes the other end, *ret_peer. */
TOCSIN__UNUSED static struct tocsin_op stream_of_pair(const struct tocsin_stream_options *options,
                                                      const struct tocsin_notify *notify,
                                                      int *ret_peer)
{
    struct tocsin_op stream;
    char address[32];
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    snprintf(address, sizeof address, "fd:%d", ends[0]);
    ck_assert_int_eq(tocsin_stream_open(address, options, notify, &stream), 0);
    ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    *ret_peer = ends[1];
    return stream;
}

/* Two ends of a TCP connection over the loopback. */
TOCSIN__UNUSED static void tcp_pair(int *ends)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof in;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(bind(listener, (struct sockaddr *)&in, size), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&in, &size), 0);
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(ends[0], (struct sockaddr *)&in, size), 0);
    ends[1] = accept(listener, NULL, NULL);
    ck_assert_int_ge(ends[1], 0);
    close(listener);
}

/* Runs turns until the operation has ended. */
TOCSIN__UNUSED static void turns_until_over(struct tocsin_op op)
{
    while (tocsin_op_status(op) == -EINPROGRESS)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
}

/* Runs turns without waiting, as many as any effect inside of one process needs. */
TOCSIN__UNUSED static void turns_few(void)
{
    for (int i = 0; i < 6; i++)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
}

/* Reads with a future. Returns the status. */
TOCSIN__UNUSED static int read_part(struct tocsin_op stream, const struct tocsin_part *part,
                                    struct tocsin_info **ret_info)
{
    struct tocsin_op read;

    tocsin_stream_read(stream, part, TOCSIN_FUTURE, &read);
    return tocsin_wait(read, -1, ret_info);
}

/* Reads everything that has arrived at a descriptor. */
TOCSIN__UNUSED static ssize_t peer_read(int peer, char *buffer, size_t size)
{
    ssize_t count = read(peer, buffer, size);

    return count < 0 ? -errno : count;
}

TOCSIN__UNUSED static void peer_write(int peer, const char *text)
{
    ck_assert_int_eq(write(peer, text, strlen(text)), (ssize_t)strlen(text));
}

/* Where a listener got its port. */
TOCSIN__UNUSED static void address_of(struct tocsin_op listener, char *address)
{
    struct tocsin_stream_facts facts;

    ck_assert_int_eq(tocsin_stream_get(listener, &facts), 0);
    strcpy(address, facts.local);
}

#endif
