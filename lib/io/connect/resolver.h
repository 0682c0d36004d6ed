/* Finds the addresses of the host of a stream. */
#ifndef TOCSIN_IO_RESOLVER_H
#define TOCSIN_IO_RESOLVER_H

#include "io/connect/connecting.h"

/* Begins to find the addresses. -errno: the start of the stream has failed. */
int tocsin__resolver_begin(struct tocsin__stream *stream, const struct tocsin__address *address);
/* Called when the stream is woken while its name is being resolved: asks the resolver, once. */
void tocsin__resolver_serve(struct tocsin__stream *stream);
void tocsin__resolver_drop(struct tocsin__connecting *connecting);

#endif
