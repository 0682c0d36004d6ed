/* A crowd counts the streams that one listener has accepted and that have not ended. It is freed
   when the listener and all its streams have ended. */
#ifndef TOCSIN_IO_CROWD_H
#define TOCSIN_IO_CROWD_H

#include <stdint.h>

#include "io/address.h"

struct tocsin__stream;

struct tocsin__crowd {
    uint32_t refs; /* references: of the listener, of each stream, and of each part */
    int live;      /* the number of streams that have not ended */
    /* Called when a stream has ended, so a descriptor is free. NULL: the listener has ended */
    void (*left)(struct tocsin__crowd *crowd, struct tocsin__stream *stream);
    void *listener;

    /* the crowd of the whole listener, if this is the part of one address; else NULL */
    struct tocsin__crowd *whole;
    struct tocsin__crowd *next, **link; /* links of a part in the hash table of the whole */
    unsigned char address[16];          /* address of a part */
    struct tocsin__crowd **parts; /* hash table of the parts of the whole; NULL: not made yet */
};

/* Makes a crowd, with one reference for the caller. NULL: no memory */
struct tocsin__crowd *tocsin__crowd_new(void);
void tocsin__crowd_unref(struct tocsin__crowd *crowd);
/* Writes the bytes that identify the peer's address. An IPv4 address and the same address mapped
   into IPv6 give the same bytes. A peer over a Unix socket is identified by its user. */
void tocsin__crowd_address(int fd, const struct tocsin__endpoint *peer, unsigned char address[16]);
/* Returns the part of one address, with one reference for the caller. NULL: no memory */
struct tocsin__crowd *tocsin__crowd_part(struct tocsin__crowd *whole,
                                         const unsigned char address[16]);
void tocsin__crowd_join(struct tocsin__crowd *crowd, struct tocsin__stream *stream);
/* Called when the stream has ended: removes it from its crowd, if it has one. */
void tocsin__crowd_leave(struct tocsin__stream *stream);

#endif
