/* Datagrams that did not arrive: datagram.lost. */
#ifndef TOCSIN_IO_DATAGRAM_LOST_H
#define TOCSIN_IO_DATAGRAM_LOST_H

#include "io/datagram/socket.h"

/* Counts lost datagrams; they are announced when the socket is served. peer NULL: the only peer. */
void tocsin__lost_note(struct tocsin__socket *socket, const struct tocsin__endpoint *peer, int err,
                       uint64_t count);
/* Takes one report of the network from the error queue of the socket. false: there is none. */
bool tocsin__lost_take(struct tocsin__socket *socket);

#endif
