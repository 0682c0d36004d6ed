/* Opens a datagram socket: checks the options, resolves host names, then opens the descriptor. */
#ifndef TOCSIN_IO_DATAGRAM_OPENING_H
#define TOCSIN_IO_DATAGRAM_OPENING_H

#include "io/datagram/socket.h"

/* Checks the address and the options before a socket is made. -EINVAL: they are malformed; -ENODEV:
   there is no such interface; -ENOTSUP: the scheme is not supported */
int tocsin__opening_check(const char *address, const struct tocsin_datagram_options *options);
/* Opens the socket at once, or begins to resolve its host names. */
int tocsin__opening_begin(struct tocsin__socket *socket, const char *address,
                          const struct tocsin_datagram_options *options);
/* Opens the socket. Called when its host names have been resolved. */
int tocsin__opening_bind(struct tocsin__socket *socket);
void tocsin__opening_free(struct tocsin__socket_busy *busy);

#endif
