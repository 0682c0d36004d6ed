/* Receives datagrams and announces them. */
#ifndef TOCSIN_IO_DATAGRAM_RECEIVE_H
#define TOCSIN_IO_DATAGRAM_RECEIVE_H

#include "io/datagram/socket.h"

/* Whether datagram.received has listeners that can take a datagram now. If not, the operation is
   paused until this changes. */
bool tocsin__receive_is_wanted(struct tocsin__socket *socket);
/* Announces the datagrams that the socket has kept, then reads and announces new ones, until
   socket->most are announced. */
void tocsin__receive_serve(struct tocsin__socket *socket);

#endif
