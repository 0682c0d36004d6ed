/* Connects a stream: resolves the host name, tries its addresses, then begins the layer. */
#ifndef TOCSIN_IO_CONNECT_H
#define TOCSIN_IO_CONNECT_H

#include "io/address.h"
#include "io/stream/stream.h"

/* Begins to connect, or to resolve the host name. The socket is bound to `local` first; NULL: it is
   not bound. -errno: the start has failed. Later errors make the stream fail. */
int tocsin__connect_begin(struct tocsin__stream *stream, const struct tocsin__address *address,
                          const struct tocsin__address *local);
/* Called when the stream is woken while it is resolving or connecting. */
void tocsin__connecting_serve(struct tocsin__stream *stream);
void tocsin__connecting_free(struct tocsin__busy *busy);

#endif
