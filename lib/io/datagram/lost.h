/* Counts the datagrams that did not arrive, for datagram.lost. */
#ifndef TOCSIN_IO_DATAGRAM_LOST_H
#define TOCSIN_IO_DATAGRAM_LOST_H

#include "io/datagram/socket.h"

/* Adds to the count of lost datagrams, which is announced when the socket is served next. peer
   NULL: the peer to which the socket is connected. */
void tocsin__lost_note(struct tocsin__socket *socket, const struct tocsin__endpoint *peer, int err,
                       uint64_t count);
/* Takes one entry from the error queue of the socket, where the kernel stores the network's reports
   of lost datagrams. false: the queue is empty. */
bool tocsin__lost_take(struct tocsin__socket *socket);

#endif
