/* The addresses of datagrams as text: "udp:HOST:PORT", "unix:/PATH", "unix:@NAME", "unix:#HEX". */
#ifndef TOCSIN_IO_DATAGRAM_PEER_H
#define TOCSIN_IO_DATAGRAM_PEER_H

#include "io/datagram/socket.h"

/* As tocsin__address_parse, for the schemes of datagram sockets. "unix:@": the endpoint has a
   family and no name. -EINVAL; -ENOTSUP: another scheme */
int tocsin__peer_address(const char *text, struct tocsin__address *ret_address);
/* An endpoint to which datagrams can be sent. -EINVAL: also a host name, "*", port 0, "unix:@",
   "fd:N"; -ENOTSUP */
int tocsin__peer_parse(const char *text, struct tocsin__endpoint *ret_endpoint);
/* Writes the text of an endpoint; "": it has no name. An IPv4 address that is mapped into IPv6 is
   written as IPv4. */
void tocsin__peer_text(const struct tocsin__endpoint *endpoint, char text[TOCSIN__PEER_TEXT]);
/* The endpoint of the other end, or of this one, of a descriptor; size 0: not known. */
void tocsin__peer_of(int fd, bool is_local, struct tocsin__endpoint *ret_endpoint);

static inline bool tocsin__peer_is_unix(const struct tocsin__endpoint *endpoint)
{
    return endpoint->any.sa_family == AF_UNIX;
}

#endif
