/* Connecting a stream: its addresses are tried in their order. */
#ifndef TOCSIN_IO_CONNECT_H
#define TOCSIN_IO_CONNECT_H

#include "io/address.h"
#include "io/stream/stream.h"

/* Begins to connect, or to resolve the name. local: bound first; NULL: any. -errno: the start has
   failed; what depends on data lets the stream fail. */
int tocsin__connect_begin(struct tocsin__stream *stream, const struct tocsin__address *address,
                          const struct tocsin__address *local);
/* Adopts a descriptor. After a failure it is the caller's. */
int tocsin__connect_adopt(struct tocsin__stream *stream, int fd);
/* Begins to open a file. */
int tocsin__connect_file(struct tocsin__stream *stream, const struct tocsin__address *address);
/* The stream was woken while it connects. */
void tocsin__connecting_serve(struct tocsin__stream *stream);
/* How long each step took. */
void tocsin__connecting_times(const struct tocsin__stream *stream,
                              struct tocsin_stream_connected *ret_connected);
void tocsin__connecting_free(struct tocsin__busy *busy);

#endif
