/* The queue of the datagrams that wait to be sent. */
#ifndef TOCSIN_IO_DATAGRAM_OUTBOX_H
#define TOCSIN_IO_DATAGRAM_OUTBOX_H

#include "io/datagram/transmit.h"

/* Sends at once if the queue is empty, and queues the datagrams that the kernel does not accept. 0:
   sent or queued; -EAGAIN: the queue would exceed its limit; -ENOMEM; another -errno of sending.
   After an error nothing was sent. */
int tocsin__outbox_add(struct tocsin__socket *socket, const struct tocsin__sending *sending);
/* Sends queued datagrams as long as the kernel accepts them. */
void tocsin__outbox_serve(struct tocsin__socket *socket);
/* Drops all queued datagrams. Returns their number. */
uint64_t tocsin__outbox_drop(struct tocsin__socket *socket);

#endif
