/* Finding the addresses of the host of a stream. */
#ifndef TOCSIN_IO_RESOLVER_H
#define TOCSIN_IO_RESOLVER_H

#include "io/connect/connecting.h"

/* Begins. -errno: the start of the stream has failed. */
int tocsin__resolver_begin(struct tocsin__stream *stream, const struct tocsin__address *address);
/* The stream was woken while its name is resolved: asks the resolver, once. */
void tocsin__resolver_serve(struct tocsin__stream *stream);
void tocsin__resolver_drop(struct tocsin__connecting *connecting);

#endif
