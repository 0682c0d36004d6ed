/* Connects the socket of a stream: tries its addresses as RFC 8305 says. */
#ifndef TOCSIN_IO_ATTEMPTS_H
#define TOCSIN_IO_ATTEMPTS_H

#include "io/connect/connecting.h"

/* Orders the addresses that were found. */
void tocsin__attempts_order(struct tocsin__connecting *connecting);
/* Called when the stream is woken while its socket is not connected. */
void tocsin__attempts_serve(struct tocsin__stream *stream);
void tocsin__attempts_drop(struct tocsin__connecting *connecting);

#endif
