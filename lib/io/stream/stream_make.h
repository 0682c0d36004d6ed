/* Makes the operation of a stream. */
#ifndef TOCSIN_IO_STREAM_MAKE_H
#define TOCSIN_IO_STREAM_MAKE_H

#include "io/stream/stream.h"

/* Makes a stream that is not started, with a reference to these settings. */
int tocsin__stream_make(struct tocsin__settings *settings, const struct tocsin_notify *notify,
                        struct tocsin__stream **ret_stream);

/* I8: whether code has taken an accepted stream. */
bool tocsin__stream_is_taken(const struct tocsin__stream *stream);

#endif
