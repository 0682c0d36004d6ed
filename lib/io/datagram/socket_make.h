/* Makes the operation of a datagram socket. */
#ifndef TOCSIN_IO_DATAGRAM_SOCKET_MAKE_H
#define TOCSIN_IO_DATAGRAM_SOCKET_MAKE_H

#include "io/datagram/socket.h"

/* Makes a socket without a descriptor. The operation is not started yet. The caller has checked the
   options. If this fails after ret_socket was set, the caller must end the operation. */
int tocsin__socket_make(const struct tocsin_datagram_options *options,
                        const struct tocsin_notify *notify, struct tocsin__socket **ret_socket);

#endif
