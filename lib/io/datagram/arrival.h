/* An arrival is the result of one read of a datagram socket: one datagram, or several of one sender
   that the kernel has joined (UDP_GRO). A loop has one arrival, into which it reads. A socket keeps
   an arrival of its own while its listeners cannot take the datagrams. */
#ifndef TOCSIN_IO_DATAGRAM_ARRIVAL_H
#define TOCSIN_IO_DATAGRAM_ARRIVAL_H

#include "io/datagram/socket.h"

struct tocsin__arrival {
    /* the socket that has received the datagrams; NULL: the arrival is empty */
    const struct tocsin__socket *socket;
    size_t begin, end;       /* data[begin] to data[end - 1] is not announced yet */
    size_t segment;          /* size of each datagram; the last one may be shorter */
    size_t truncated;        /* bytes of the datagram that did not fit into data */
    bool is_empty;           /* there is a datagram without data that is not announced yet */
    unsigned char *saved_at; /* where a NUL was written for a delivery; NULL: nowhere */
    unsigned char saved_byte;
    struct tocsin__endpoint peer;
    char text[TOCSIN__PEER_TEXT]; /* the text of peer; valid until the next read */
    size_t capacity;
    unsigned char *data; /* memory of capacity + 1 bytes */
};

/* Returns the loop's arrival, emptied, for a read of this socket. NULL: no memory */
struct tocsin__arrival *tocsin__arrival_open(struct tocsin__socket *socket);
static inline bool tocsin__arrival_has(const struct tocsin__arrival *arrival)
{
    return arrival->begin < arrival->end || arrival->is_empty;
}
/* Returns the number of datagrams that are left in an arrival. */
uint64_t tocsin__arrival_count(const struct tocsin__arrival *arrival);
/* Returns the first datagram, at most `most` bytes of it. A NUL stands behind these bytes until
   tocsin__arrival_pass is called. */
struct tocsin_datagram_received tocsin__arrival_first(struct tocsin__arrival *arrival, size_t most);
/* Ends the delivery of the first datagram. If is_taken, removes it from the arrival. */
void tocsin__arrival_pass(struct tocsin__arrival *arrival, bool is_taken);
/* Empties the loop's arrival. The socket keeps the datagrams that are left. If there is no memory,
   they are dropped. */
void tocsin__arrival_close(struct tocsin__datagrams *shared);
/* Moves the arrival that the socket has kept into the loop's arrival, and returns it. */
struct tocsin__arrival *tocsin__arrival_restore(struct tocsin__socket *socket);
/* Returns the number of datagrams of this socket that were read, and whose announcement has not
   begun. */
uint64_t tocsin__arrival_left(const struct tocsin__socket *socket);
/* Drops the socket's datagrams. Called when the socket ends. */
void tocsin__arrival_forget(struct tocsin__socket *socket);
void tocsin__arrival_free(struct tocsin__arrival *arrival);
/* Returns the sender of the last read, if its text equals `text`; else NULL. */
const struct tocsin__endpoint *tocsin__arrival_peer(const struct tocsin__socket *socket,
                                                    const char *text);

#endif
