/* Time limits of a stream. */
#ifndef TOCSIN_IO_LIMITS_H
#define TOCSIN_IO_LIMITS_H

#include "io/stream/stream.h"

/* The stream fails with -ETIMEDOUT after so long; give_reason is called before. Replaces the limit
   that it had. ms -1: without limit. -ENOMEM */
int tocsin__limit_set(struct tocsin__stream *stream, int64_t ms,
                      void (*give_reason)(struct tocsin__stream *stream));
/* As tocsin__limit_set, for the time that a close may take. */
int tocsin__limit_close(struct tocsin__stream *stream);
void tocsin__limit_end(struct tocsin__stream *stream);

/* Makes what the loop needs for idle limits, if these settings have one. -ENOMEM */
int tocsin__limit_idle_prepare(struct tocsin__engine *engine,
                               const struct tocsin__settings *settings);
/* The idle limit of an open stream begins, or changes to that of its settings. */
void tocsin__limit_idle_begin(struct tocsin__stream *stream);
void tocsin__limit_idle_end(struct tocsin__stream *stream);

/* Data has come or gone. */
static inline void tocsin__limit_idle_refresh(struct tocsin__stream *stream)
{
    tocsin__idle_refresh(tocsin__stream_engine(stream), &stream->idle);
}

#endif
