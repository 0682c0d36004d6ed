/* Gives datagrams to the kernel. */
#ifndef TOCSIN_IO_DATAGRAM_TRANSMIT_H
#define TOCSIN_IO_DATAGRAM_TRANSMIT_H

#include "io/datagram/socket.h"

enum { TOCSIN__DATAGRAM_PARTS = 64 };

/* One datagram, or several of one size. */
struct tocsin__sending {
    const struct tocsin__endpoint *to; /* NULL: the only peer */
    const struct tocsin_bytes *parts;
    size_t count;   /* of parts, at most TOCSIN__DATAGRAM_PARTS */
    size_t size;    /* of all parts */
    size_t segment; /* 0: one datagram */
};

/* How many datagrams are behind `at` bytes. */
static inline uint64_t tocsin__sending_left(const struct tocsin__sending *sending, size_t at)
{
    return sending->segment && sending->size > at
               ? (sending->size - at + sending->segment - 1) / sending->segment
               : 1;
}

/* Sends what is behind *at bytes, and counts it. 0: all was sent; -EAGAIN, -ENOBUFS, -ENOMEM: the
   kernel has no room now; another -errno. *at: what was sent until then. */
int tocsin__transmit(struct tocsin__socket *socket, const struct tocsin__sending *sending,
                     size_t *at);
/* Pauses before the next try, since the kernel will not report when there is room. */
void tocsin__transmit_pause(struct tocsin__socket *socket);
/* Whether -errno of tocsin__transmit means that the kernel has no room now. */
static inline bool tocsin__transmit_is_full(int err)
{
    return err == -EAGAIN || err == -ENOBUFS || err == -ENOMEM;
}

#endif
