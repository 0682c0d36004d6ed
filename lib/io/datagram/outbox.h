/* Datagrams that wait to be sent. */
#ifndef TOCSIN_IO_DATAGRAM_OUTBOX_H
#define TOCSIN_IO_DATAGRAM_OUTBOX_H

#include "io/datagram/transmit.h"

/* Sends at once if nothing waits, and queues the rest. 0; -EAGAIN: the limit; -ENOMEM; another
   -errno: nothing was sent. */
int tocsin__outbox_add(struct tocsin__socket *socket, const struct tocsin__sending *sending);
/* Sends what waits, as far as the kernel has room. */
void tocsin__outbox_serve(struct tocsin__socket *socket);
/* Drops what waits. Returns the number of dropped datagrams. */
uint64_t tocsin__outbox_drop(struct tocsin__socket *socket);

#endif
