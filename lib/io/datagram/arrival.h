/* What one read of a datagram socket has returned: one datagram, or several of one sender that the
   kernel has joined (UDP_GRO). The loop has one of them; a socket keeps one of its own while those
   who want its datagrams have no room. */
#ifndef TOCSIN_IO_DATAGRAM_ARRIVAL_H
#define TOCSIN_IO_DATAGRAM_ARRIVAL_H

#include "io/datagram/socket.h"

struct tocsin__arrival {
    const struct tocsin__socket *socket; /* the datagrams before `end` are its; NULL: nobody's */
    size_t begin, end;       /* what is not announced yet: data[begin] to data[end - 1] */
    size_t segment;          /* bytes of each datagram; the last one may be shorter */
    size_t truncated;        /* bytes that are missing behind `end` */
    bool is_empty;           /* a datagram without data is not announced yet */
    unsigned char *saved_at; /* where a NUL stands during a delivery; NULL: nowhere */
    unsigned char saved_byte;
    struct tocsin__endpoint peer;
    char text[TOCSIN__PEER_TEXT]; /* of peer; valid until the next read */
    size_t capacity;
    unsigned char *data; /* capacity + 1 bytes */
};

/* Makes the loop's arrival ready for a read of this socket. NULL: no memory */
struct tocsin__arrival *tocsin__arrival_open(struct tocsin__socket *socket);
static inline bool tocsin__arrival_has(const struct tocsin__arrival *arrival)
{
    return arrival->begin < arrival->end || arrival->is_empty;
}
/* The number of datagrams in it. */
uint64_t tocsin__arrival_count(const struct tocsin__arrival *arrival);
/* The first datagram, with a NUL behind it until tocsin__arrival_pass. */
struct tocsin_datagram_received tocsin__arrival_first(struct tocsin__arrival *arrival, size_t most);
/* The delivery is over. is_taken: it is removed. */
void tocsin__arrival_pass(struct tocsin__arrival *arrival, bool is_taken);
/* What is left in the loop's arrival goes to its socket, which keeps it, or, without memory, loses
   it. */
void tocsin__arrival_close(struct tocsin__datagrams *shared);
/* What the socket keeps becomes the loop's arrival. */
struct tocsin__arrival *tocsin__arrival_restore(struct tocsin__socket *socket);
/* The datagrams of this socket that were read and are not announced, nor being announced. */
uint64_t tocsin__arrival_left(const struct tocsin__socket *socket);
/* The socket ends. */
void tocsin__arrival_forget(struct tocsin__socket *socket);
void tocsin__arrival_free(struct tocsin__arrival *arrival);
/* The sender of the last read, if this is its text; NULL. */
const struct tocsin__endpoint *tocsin__arrival_peer(const struct tocsin__socket *socket,
                                                    const char *text);

#endif
