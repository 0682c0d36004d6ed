/* The life of an open stream: what is done each time it is woken. */
#ifndef TOCSIN_IO_STREAM_SERVE_H
#define TOCSIN_IO_STREAM_SERVE_H

#include "io/stream/stream.h"

/* Runs from the ready list. */
void tocsin__stream_serve(struct tocsin__node *node);

#endif
