/* A medium stands between a stream and its descriptor: a layer (layered.h), or the threads that
   serve a file (io/disk/disk.h). A stream without a medium makes its system calls itself.

   The functions of a medium run on the loop and never wait. One that returns -EAGAIN wakes the
   stream when it can go on. */
#ifndef TOCSIN_IO_MEDIUM_H
#define TOCSIN_IO_MEDIUM_H

#include <sys/types.h>
#include <sys/uio.h>

#include "io/stream/stream.h"

struct tocsin__medium {
    /* As read(2), or -errno. */
    ssize_t (*receive)(struct tocsin__stream *stream, void *buffer, size_t size);
    /* As writev(2), or -errno. After -EAGAIN the next call has at least the same bytes. */
    ssize_t (*send)(struct tocsin__stream *stream, const struct iovec *pieces, int count);
    /* Whether something is there to be received: 1; 0: the end; -EAGAIN: nothing; -errno. NULL: the
       stream cannot lose its peer. */
    int (*peek)(struct tocsin__stream *stream);
    /* Ends the outgoing side, once all was sent. 0: it has ended; -errno */
    int (*finish)(struct tocsin__stream *stream);
    /* The stream wants to receive or send (TOCSIN__READY_…). Returns what the descriptor is to be
       watched for. A medium without a descriptor that can be watched marks the stream READABLE or
       WRITABLE if receive or send may return something. */
    unsigned (*want)(struct tocsin__stream *stream, unsigned wanted);
    /* Writes what the medium knows into the facts. */
    void (*describe)(const struct tocsin__stream *stream, struct tocsin_stream_facts *facts);
    void (*close)(struct tocsin__stream *stream); /* frees the medium */
    /* A file. send is called for queued data only, not for data that a caller lends. close closes
       the descriptor as soon as no thread uses it. */
    bool is_queued;
};

/* The type of the stream's medium. NULL: it has none. */
static inline const struct tocsin__medium *tocsin__medium_of(const struct tocsin__stream *stream)
{
    return stream->busy && stream->busy->medium ? *stream->busy->medium : NULL;
}

/* Whether the stream is a file. */
static inline bool tocsin__medium_is_queued(const struct tocsin__stream *stream)
{
    return tocsin__medium_of(stream) && tocsin__medium_of(stream)->is_queued;
}

#endif
