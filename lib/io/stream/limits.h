/* Time limits of a stream. */
#ifndef TOCSIN_IO_LIMITS_H
#define TOCSIN_IO_LIMITS_H

#include "io/stream/stream.h"

/* Makes the stream fail with -ETIMEDOUT after `ms` milliseconds; give_reason is called just before.
   Replaces the limit that was set before. ms -1: no limit. -ENOMEM */
int tocsin__limit_set(struct tocsin__stream *stream, int64_t ms,
                      void (*give_reason)(struct tocsin__stream *stream));
/* Sets the limit for the time that a close may take. -ENOMEM */
int tocsin__limit_close(struct tocsin__stream *stream);
void tocsin__limit_end(struct tocsin__stream *stream);

/* Allocates the loop's idle limits, if these settings have an idle limit. -ENOMEM */
int tocsin__limit_idle_prepare(struct tocsin__engine *engine,
                               const struct tocsin__settings *settings);
/* Starts the idle limit of an open stream, or changes it to the one in its settings. */
void tocsin__limit_idle_begin(struct tocsin__stream *stream);
void tocsin__limit_idle_end(struct tocsin__stream *stream);

/* Restarts the idle time. Called whenever data is received or sent. */
static inline void tocsin__limit_idle_refresh(struct tocsin__stream *stream)
{
    tocsin__idle_refresh(tocsin__stream_engine(stream), &stream->idle);
}

#endif
