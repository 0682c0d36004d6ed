/* Serving a stream: everything that a stream does each time it is woken. */
#ifndef TOCSIN_IO_STREAM_SERVE_H
#define TOCSIN_IO_STREAM_SERVE_H

#include "io/stream/stream.h"

/* The function of stream->node, which the loop calls from its ready list. */
void tocsin__stream_serve(struct tocsin__node *node);

#endif
