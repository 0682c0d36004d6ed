/* Receives datagrams and announces them. */
#ifndef TOCSIN_IO_DATAGRAM_RECEIVE_H
#define TOCSIN_IO_DATAGRAM_RECEIVE_H

#include "io/datagram/socket.h"

/* Whether somebody wants a datagram now. If not, the operation is resumed when somebody does. */
bool tocsin__receive_is_wanted(struct tocsin__socket *socket);
/* Announces what is kept, then reads and announces, at most socket->most datagrams. */
void tocsin__receive_serve(struct tocsin__socket *socket);

#endif
