/* The life of a datagram socket. */
#ifndef TOCSIN_IO_DATAGRAM_SOCKET_SERVE_H
#define TOCSIN_IO_DATAGRAM_SOCKET_SERVE_H

#include "io/datagram/socket.h"

/* Runs from the ready list. */
void tocsin__socket_serve(struct tocsin__node *node);

#endif
