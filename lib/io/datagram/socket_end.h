/* The end of a datagram socket. */
#ifndef TOCSIN_IO_DATAGRAM_SOCKET_END_H
#define TOCSIN_IO_DATAGRAM_SOCKET_END_H

#include "io/datagram/socket.h"

/* Ends the socket, and announces that. A second end does nothing. */
void tocsin__socket_end(struct tocsin__socket *socket, int status);
/* Frees everything of the socket, at every kind of end. */
void tocsin__socket_disarm(void *state);

#endif
