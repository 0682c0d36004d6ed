/* Connecting the socket of a stream: its addresses are tried in their order. */
#ifndef TOCSIN_IO_ATTEMPTS_H
#define TOCSIN_IO_ATTEMPTS_H

#include "io/connect/connecting.h"

/* The stream was woken while its socket is not connected. */
void tocsin__attempts_serve(struct tocsin__stream *stream);
void tocsin__attempts_drop(struct tocsin__connecting *connecting);

#endif
