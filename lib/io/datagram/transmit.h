/* Gives datagrams to the kernel. */
#ifndef TOCSIN_IO_DATAGRAM_TRANSMIT_H
#define TOCSIN_IO_DATAGRAM_TRANSMIT_H

#include "io/datagram/socket.h"

enum { TOCSIN__DATAGRAM_PARTS = 64 };

/* Data to send: one datagram, or several of one size. */
struct tocsin__sending {
    const struct tocsin__endpoint *to; /* NULL: the peer to which the socket is connected */
    const struct tocsin_bytes *parts;
    size_t count;   /* number of parts, at most TOCSIN__DATAGRAM_PARTS */
    size_t size;    /* number of bytes in all parts */
    size_t segment; /* bytes of each datagram; 0: all data is one datagram */
};

/* Returns the number of datagrams after the first `at` bytes. */
static inline uint64_t tocsin__sending_left(const struct tocsin__sending *sending, size_t at)
{
    return sending->segment && sending->size > at
               ? (sending->size - at + sending->segment - 1) / sending->segment
               : 1;
}

/* Sends the data after the first *at bytes, and counts the datagrams as sent. *at is increased by
   the number of sent bytes. 0: all was sent; -EAGAIN, -ENOBUFS, -ENOMEM: the kernel has no room
   now; another -errno. */
int tocsin__transmit(struct tocsin__socket *socket, const struct tocsin__sending *sending,
                     size_t *at);
/* Starts a pause before the next try to send. Needed if the kernel will not report when it has room
   again. */
void tocsin__transmit_pause(struct tocsin__socket *socket);
/* Whether this error of tocsin__transmit means that the kernel has no room now. */
static inline bool tocsin__transmit_is_full(int err)
{
    return err == -EAGAIN || err == -ENOBUFS || err == -ENOMEM;
}

#endif
