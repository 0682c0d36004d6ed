/* The descriptor of a datagram socket: options, binding, connecting, joining groups. */
#ifndef TOCSIN_IO_DATAGRAM_BIND_H
#define TOCSIN_IO_DATAGRAM_BIND_H

#include "io/datagram/socket.h"

/* A multicast group. */
struct tocsin__group {
    struct tocsin__endpoint address; /* without a port */
    unsigned interface;              /* 0: as the kernel's routes say */
};

struct tocsin__bind_options {
    unsigned flags;      /* TOCSIN_DATAGRAM_… */
    int ttl;             /* of multicast datagrams; 0: 1 */
    unsigned interface;  /* 0: as the kernel's routes say */
    unsigned mode;       /* of a Unix path */
    size_t buffer_bytes; /* 0: the system's default */
    size_t group_count;
    struct tocsin__group *groups;
};

/* Opens, binds and connects. local: its size is 0 for all addresses, then its port counts. to: its
   size is 0 if there is no only peer. -errno: nothing was opened. */
int tocsin__bind(struct tocsin__socket *socket, const struct tocsin__bind_options *options,
                 const struct tocsin__endpoint *local, const struct tocsin__endpoint *to);
/* Adopts a descriptor. After a failure it is the caller's. */
int tocsin__bind_adopt(struct tocsin__socket *socket, int fd);
/* Removes the path of a Unix socket, if it is still ours. */
void tocsin__bind_undo(struct tocsin__socket *socket);
/* How many datagrams the kernel has dropped, since its buffer was full. */
uint64_t tocsin__bind_drops(const struct tocsin__socket *socket);

#endif
