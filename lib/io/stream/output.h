/* The data that a stream sends. A write sends at once the bytes that the kernel accepts, and queues
   the rest. */
#ifndef TOCSIN_IO_OUTPUT_H
#define TOCSIN_IO_OUTPUT_H

#include "io/stream/stream.h"

/* Sends or queues all the data, or none of it. Returns what tocsin_stream_write_with returns.
   outgoing->drop is called exactly once in every case, perhaps later. */
int tocsin__output_add(struct tocsin__stream *stream, const struct tocsin_outgoing *outgoing);
/* Sends queued data as long as the kernel accepts it. -errno: a write has failed, and the outgoing
   side is BROKEN. */
int tocsin__output_send(struct tocsin__stream *stream);
/* Called when the limits of queued bytes have changed: the stream may be stalled or drained now. */
void tocsin__output_limits_changed(struct tocsin__stream *stream);
/* Marks the outgoing side as BROKEN and drops the queued data. The stream ends when its input has
   been read. Returns err. */
int tocsin__output_break(struct tocsin__stream *stream, int err);
/* Drops the queued data. */
void tocsin__output_drop(struct tocsin__stream *stream);
/* Copies all data that code of this owner has lent to streams of the loop, and calls its drops: the
   code is about to be unmapped. */
void tocsin__outputs_lent_return(struct tocsin__ops *ops, const struct tocsin__owner *owner);

#endif
