/* A medium makes the system calls for a stream: a layer (layered.h), or the threads that read and
   write a file (io/disk/disk.h). A stream without a medium makes its system calls itself.

   The functions of a medium run on the loop's thread and never block. After a function has returned
   -EAGAIN, the medium wakes the stream when the stream must call the function again. */
#ifndef TOCSIN_IO_MEDIUM_H
#define TOCSIN_IO_MEDIUM_H

#include <sys/types.h>
#include <sys/uio.h>

#include "io/stream/stream.h"

struct tocsin__medium {
    /* Receives data as read(2), but returns -errno. */
    ssize_t (*receive)(struct tocsin__stream *stream, void *buffer, size_t size);
    /* Sends data as writev(2), but returns -errno. After -EAGAIN, the stream must call again with
       the same bytes, perhaps followed by more. */
    ssize_t (*send)(struct tocsin__stream *stream, const struct iovec *pieces, int count);
    /* Looks whether the stream can be read. 1: there is data; 0: the peer's end; -EAGAIN: there is
       no data; another -errno. NULL: the stream cannot lose its peer. */
    int (*peek)(struct tocsin__stream *stream);
    /* Ends the outgoing side; called when all data was sent. 0: the side has ended; -EAGAIN: not
       yet; another -errno */
    int (*finish)(struct tocsin__stream *stream);
    /* Says what the stream wants to do next (bits TOCSIN__READY_…). Returns the events for which
       the loop must watch the descriptor. A medium without a descriptor that can be watched marks
       the stream READABLE or WRITABLE if receive or send may return something. */
    unsigned (*want)(struct tocsin__stream *stream, unsigned wanted);
    /* Fills in the facts that the medium knows, such as the path of a file. */
    void (*describe)(const struct tocsin__stream *stream, struct tocsin_stream_facts *facts);
    void (*close)(struct tocsin__stream *stream); /* frees the medium */
    /* A file. a write only queues data, and send is called in a later turn. close closes the
       descriptor as soon as no thread uses it. */
    bool is_queued;
};

/* The functions of the stream's medium. NULL: the stream has no medium. */
static inline const struct tocsin__medium *tocsin__medium_of(const struct tocsin__stream *stream)
{
    return stream->busy && stream->busy->medium ? *stream->busy->medium : NULL;
}

/* Whether a write to the stream only queues data, as for a file. */
static inline bool tocsin__medium_is_queued(const struct tocsin__stream *stream)
{
    return tocsin__medium_of(stream) && tocsin__medium_of(stream)->is_queued;
}

#endif
