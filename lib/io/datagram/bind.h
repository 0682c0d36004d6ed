/* Opens the descriptor of a datagram socket: sets its options, binds and connects it, joins
   groups. */
#ifndef TOCSIN_IO_DATAGRAM_BIND_H
#define TOCSIN_IO_DATAGRAM_BIND_H

#include "io/datagram/socket.h"

/* A multicast group. */
struct tocsin__group {
    struct tocsin__endpoint address; /* an address without a port */
    unsigned interface;              /* index of an interface; 0: the kernel's routes decide */
};

struct tocsin__bind_options {
    unsigned flags;      /* set of TOCSIN_DATAGRAM_… */
    int ttl;             /* time to live of multicast datagrams; 0: the default, 1 */
    unsigned interface;  /* index of an interface; 0: the kernel's routes decide */
    unsigned mode;       /* permissions of a Unix path */
    size_t buffer_bytes; /* size of the kernel's receive buffer; 0: the system's default */
    size_t group_count;
    struct tocsin__group *groups;
};

/* Opens a socket, binds it to `local` and connects it to `to`. If the size of `local` is 0, the
   socket is bound to the port of `local` at all addresses. If the size of `to` is 0, the socket is
   not connected. -errno: nothing was opened. */
int tocsin__bind(struct tocsin__socket *socket, const struct tocsin__bind_options *options,
                 const struct tocsin__endpoint *local, const struct tocsin__endpoint *to);
/* Makes the socket use a descriptor that is open already. After a failure the caller still owns
   it. */
int tocsin__bind_adopt(struct tocsin__socket *socket, int fd);
/* Removes the path of a Unix socket, unless another socket has replaced it there. */
void tocsin__bind_undo(struct tocsin__socket *socket);
/* Returns the number of datagrams that the kernel has dropped because its buffer was full. */
uint64_t tocsin__bind_drops(const struct tocsin__socket *socket);

#endif
