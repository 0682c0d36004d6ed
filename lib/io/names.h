/* The local address and the peer's address of a descriptor, as text. */
#ifndef TOCSIN_IO_NAMES_H
#define TOCSIN_IO_NAMES_H

#include <tocsin/stream.h>

/* Fills in the members peer, local, pid, uid and gid. All other members are 0. */
void tocsin__names_get(int fd, struct tocsin_stream_facts *ret_facts);

#endif
