/* The addresses of datagrams as text: "udp:HOST:PORT", "unix:/PATH", "unix:@NAME", "unix:#HEX". */
#ifndef TOCSIN_IO_DATAGRAM_PEER_H
#define TOCSIN_IO_DATAGRAM_PEER_H

#include "io/datagram/socket.h"

/* Parses an address with a scheme of datagram sockets. For "unix:@", the endpoint has a family but
   no name. -EINVAL: the text is malformed; -ENOTSUP: the scheme is not one of datagrams */
int tocsin__peer_address(const char *text, struct tocsin__address *ret_address);
/* Parses an address to which datagrams can be sent. Errors as tocsin__peer_address; -EINVAL also: a
   host name, "*", port 0, "unix:@" or "fd:N". */
int tocsin__peer_parse(const char *text, struct tocsin__endpoint *ret_endpoint);
/* Writes the text of an endpoint, or "" if the endpoint has no name. An IPv4 address that is mapped
   into IPv6 is written as IPv4. */
void tocsin__peer_text(const struct tocsin__endpoint *endpoint, char text[TOCSIN__PEER_TEXT]);
/* Gets the local address of a descriptor (is_local), or its peer's address. The size is 0 if there
   is none. */
void tocsin__peer_of(int fd, bool is_local, struct tocsin__endpoint *ret_endpoint);

static inline bool tocsin__peer_is_unix(const struct tocsin__endpoint *endpoint)
{
    return endpoint->any.sa_family == AF_UNIX;
}

#endif
