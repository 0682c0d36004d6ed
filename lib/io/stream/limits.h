/* Time limits of a stream. */
#ifndef TOCSIN_IO_LIMITS_H
#define TOCSIN_IO_LIMITS_H

#include "io/stream/stream.h"

/* The stream fails with -ETIMEDOUT after so long; or, while it is being closed, ends with 0.
   Replaces the limit that it had. ms -1: without limit. -ENOMEM */
int tocsin__limit_set(struct tocsin__stream *stream, int64_t ms);
void tocsin__limit_end(struct tocsin__stream *stream);

#endif
