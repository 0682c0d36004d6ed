/* Connects a stream. If a host name has several addresses, they are tried in their order. */
#ifndef TOCSIN_IO_CONNECT_H
#define TOCSIN_IO_CONNECT_H

#include "io/address.h"
#include "io/stream/stream.h"

/* Begins to connect, or to resolve the host name. The socket is bound to `local` first; NULL: it is
   not bound. -errno: the start has failed. Later errors make the stream fail. */
int tocsin__connect_begin(struct tocsin__stream *stream, const struct tocsin__address *address,
                          const struct tocsin__address *local);
/* Makes a stream of a descriptor that is open already. After a failure the caller still owns the
   descriptor. */
int tocsin__connect_adopt(struct tocsin__stream *stream, int fd);
/* Begins to open a file. */
int tocsin__connect_file(struct tocsin__stream *stream, const struct tocsin__address *address);
/* Called when the stream is woken while it is connecting. */
void tocsin__connecting_serve(struct tocsin__stream *stream);
/* Fills in how long resolving and connecting took. */
void tocsin__connecting_times(const struct tocsin__stream *stream,
                              struct tocsin_stream_connected *ret_connected);
void tocsin__connecting_free(struct tocsin__busy *busy);

#endif
