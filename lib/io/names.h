/* The names of the two ends of a descriptor. */
#ifndef TOCSIN_IO_NAMES_H
#define TOCSIN_IO_NAMES_H

#include <tocsin/stream.h>

/* Fills in peer, local, pid, uid and gid; all else is zero. */
void tocsin__names_get(int fd, struct tocsin_stream_facts *ret_facts);

#endif
