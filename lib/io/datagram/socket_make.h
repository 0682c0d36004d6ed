/* Makes the operation of a datagram socket. */
#ifndef TOCSIN_IO_DATAGRAM_SOCKET_MAKE_H
#define TOCSIN_IO_DATAGRAM_SOCKET_MAKE_H

#include "io/datagram/socket.h"

/* Makes a socket that is not started and has no descriptor. options are checked already.
 *ret_socket is set if there is an operation to undo. */
int tocsin__socket_make(const struct tocsin_datagram_options *options,
                        const struct tocsin_notify *notify, struct tocsin__socket **ret_socket);

#endif
