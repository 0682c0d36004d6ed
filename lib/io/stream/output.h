/* The data that a stream has to send: sent at once as far as the kernel accepts it, and queued
   otherwise. */
#ifndef TOCSIN_IO_OUTPUT_H
#define TOCSIN_IO_OUTPUT_H

#include "io/stream/stream.h"

/* Sends or queues all of it, or nothing. Returns what tocsin_stream_write_with returns; drop is
   called in every case. */
int tocsin__output_add(struct tocsin__stream *stream, const struct tocsin_outgoing *outgoing);
/* Sends queued data as long as the kernel accepts it. -errno: the outgoing side is broken. */
int tocsin__output_send(struct tocsin__stream *stream);
/* The settings have other limits of waiting bytes: the stream may be stalled now, or drained. */
void tocsin__output_limits_changed(struct tocsin__stream *stream);
/* The outgoing side is broken: the stream ends when nothing more is to be read. Returns err. */
int tocsin__output_break(struct tocsin__stream *stream, int err);
/* Drops what is queued. */
void tocsin__output_drop(struct tocsin__stream *stream);
/* Copies all data that code of this owner has lent to streams of the loop, and calls its drops: the
   code is about to be unmapped. */
void tocsin__outputs_lent_return(struct tocsin__ops *ops, const struct tocsin__owner *owner);

#endif
