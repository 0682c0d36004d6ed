/* Opening a datagram socket: options, host names, and then its descriptor. */
#ifndef TOCSIN_IO_DATAGRAM_OPENING_H
#define TOCSIN_IO_DATAGRAM_OPENING_H

#include "io/datagram/socket.h"

/* -EINVAL: options or addresses are malformed; -ENODEV; -ENOTSUP. Needs no socket. */
int tocsin__opening_check(const char *address, const struct tocsin_datagram_options *options);
/* Opens the socket at once, or begins to resolve its names. */
int tocsin__opening_begin(struct tocsin__socket *socket, const char *address,
                          const struct tocsin_datagram_options *options);
/* The names are resolved: opens the socket. */
int tocsin__opening_bind(struct tocsin__socket *socket);
void tocsin__opening_free(struct tocsin__socket_busy *busy);

#endif
