/* Serving a datagram socket: everything that it does each time it is woken. */
#ifndef TOCSIN_IO_DATAGRAM_SOCKET_SERVE_H
#define TOCSIN_IO_DATAGRAM_SOCKET_SERVE_H

#include "io/datagram/socket.h"

/* The function of socket->node, which the loop calls from its ready list. */
void tocsin__socket_serve(struct tocsin__node *node);

#endif
