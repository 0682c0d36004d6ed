/* The streams that one listener has accepted, and that live. It outlives the listener. */
#ifndef TOCSIN_IO_CROWD_H
#define TOCSIN_IO_CROWD_H

#include <stdint.h>

#include "io/address.h"

struct tocsin__stream;

struct tocsin__crowd {
    uint32_t refs; /* the listener, and each stream */
    int live;      /* streams that have a descriptor */
    /* A stream has ended, so a descriptor is free. NULL: the listener has ended */
    void (*left)(struct tocsin__crowd *crowd, struct tocsin__stream *stream);
    void *listener;

    struct tocsin__crowd *whole; /* NULL: of all addresses; else this is a part of that crowd */
    struct tocsin__crowd *next, **link; /* of a part: in the table of the whole */
    unsigned char address[16];          /* of a part */
    struct tocsin__crowd **parts;       /* of the whole: a hash table; NULL: not made yet */
};

/* NULL: no memory. One reference is the caller's. */
struct tocsin__crowd *tocsin__crowd_new(void);
void tocsin__crowd_unref(struct tocsin__crowd *crowd);
/* Writes the bytes that identify the peer's address. An IPv4 address and the same address mapped
   into IPv6 are one. A peer over a Unix socket is identified by its user. */
void tocsin__crowd_address(int fd, const struct tocsin__endpoint *peer, unsigned char address[16]);
/* The part of one address, with one reference for the caller. NULL: no memory */
struct tocsin__crowd *tocsin__crowd_part(struct tocsin__crowd *whole,
                                         const unsigned char address[16]);
void tocsin__crowd_join(struct tocsin__crowd *crowd, struct tocsin__stream *stream);
/* The stream has ended. A stream without a crowd stays as it is. */
void tocsin__crowd_leave(struct tocsin__stream *stream);

#endif
