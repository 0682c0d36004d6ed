/* Makes the operation of a stream. */
#ifndef TOCSIN_IO_STREAM_MAKE_H
#define TOCSIN_IO_STREAM_MAKE_H

#include "io/stream/stream.h"

/* Makes a stream with a reference to these settings. The operation is not started yet. If this
   fails after *ret_stream was set, the caller must end the operation. */
int tocsin__stream_make(struct tocsin__settings *settings, const struct tocsin_notify *notify,
                        struct tocsin__stream **ret_stream);

/* Whether the program has taken an accepted stream (I8). A stream that nobody has taken is
   closed. */
bool tocsin__stream_is_taken(const struct tocsin__stream *stream);

#endif
