/* The medium of a stream with a layer (<tocsin/layer.h>). */
#ifndef TOCSIN_IO_LAYERED_H
#define TOCSIN_IO_LAYERED_H

#include <tocsin/layer.h>

#include "io/stream/medium.h"

/* Begins the layer on the descriptor of the stream. -ENOMEM, an error of the layer */
int tocsin__layered_begin(struct tocsin__stream *stream, const struct tocsin_layer_type *type,
                          const char *host);
/* Continues the handshake. 0: the layer is ready; -EAGAIN: the stream waits for the descriptor;
   another error */
int tocsin__layered_handshake(struct tocsin__stream *stream);

#endif
