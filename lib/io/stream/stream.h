/* A stream from inside: the state of its operation. This file has what every part of a stream
   needs; stream_serve.c is its life.

   The state, changed by tocsin__stream_set_state alone:

       MADE ---- a host name ----> RESOLVING ---- addresses ----> CONNECTING <--.
        | |                                                        |  |  '------'
        | '---- an address, a file --------------------------------'  |  the next address
        |                                                             | connected
        '---- accepted, "fd:" ------------------------------------> OPEN
                                                                      | tocsin_stream_close
                                                                      v
       OVER <---- failed, cancelled, both sides ended, all sent --- CLOSING
         ^
         '---- from every state

   The two sides of an open stream:

       in:   OPEN ---- its end was read ----> ENDED ---- somebody was told ----> TOLD
       out:  OPEN ---- tocsin_stream_shutdown ----> SHUTTING ---- all sent ----> SHUT
               '---- an error of a write ----> BROKEN

   NONE: the descriptor has no such side. */
#ifndef TOCSIN_IO_STREAM_H
#define TOCSIN_IO_STREAM_H

#include <tocsin/stream.h>

#include "io/io.h"
#include "io/op_access.h"
#include "io/settings.h"
#include "loop/fd/readiness.h"
#include "loop/idle.h"

enum tocsin__stream_state {
    TOCSIN__STREAM_MADE,
    TOCSIN__STREAM_RESOLVING,
    TOCSIN__STREAM_CONNECTING,
    TOCSIN__STREAM_OPEN,
    TOCSIN__STREAM_CLOSING, /* what was written is sent; what is received is dropped. If something
                               was received, it then waits for the end of the peer */
    TOCSIN__STREAM_OVER     /* its end is announced, or about to be */
};

enum tocsin__side {
    TOCSIN__SIDE_OPEN,
    TOCSIN__SIDE_ENDED,    /* in: the end was read, and waits for a read or for stream.received */
    TOCSIN__SIDE_TOLD,     /* in: the end was announced */
    TOCSIN__SIDE_SHUTTING, /* out: it ends when all was sent */
    TOCSIN__SIDE_SHUT,     /* out: it has ended */
    TOCSIN__SIDE_BROKEN,   /* out: a write has failed */
    TOCSIN__SIDE_NONE
};

/* Bits of stream->flags. */
enum {
    TOCSIN__STREAM_READABLE = 2, /* a read from the kernel may return something */
    TOCSIN__STREAM_WRITABLE = 4, /* a write may be accepted */
    TOCSIN__STREAM_LEFT = 8,     /* the peer has ended its side, perhaps behind unread data */
    TOCSIN__STREAM_SHOCKED = 16, /* the descriptor has reported an error */
    TOCSIN__STREAM_STALLED = 32, /* more than high_bytes wait */
    TOCSIN__STREAM_TELL_CONNECTED = 64, /* these are to be announced */
    TOCSIN__STREAM_TELL_STALLED = 128,
    TOCSIN__STREAM_TELL_DRAINED = 256,
    TOCSIN__STREAM_SOCKET = 512,
    TOCSIN__STREAM_UNIX = 1024,
    TOCSIN__STREAM_ACCEPTED = 2048,
    TOCSIN__STREAM_USED = 4096,      /* it was written, read or piped: somebody has taken it (I8) */
    TOCSIN__STREAM_PULLED = 8192,    /* a read or a pipe has taken its data */
    TOCSIN__STREAM_NONBLOCK = 16384, /* O_NONBLOCK was set, and is to be unset */
    TOCSIN__STREAM_CLOSE_LATER = 32768, /* it is closed once it is connected */
    TOCSIN__STREAM_LINGERS = 65536      /* while it was being closed, the peer sent data */
};

struct tocsin__chunk;
struct tocsin__connecting;
struct tocsin__crowd;
struct tocsin__flush;
struct tocsin__medium;
struct tocsin__pipe;
struct tocsin__read;

/* What only a stream that is at work needs. When all of it is empty, it is freed, or kept for the
   next stream (struct tocsin__io). */
struct tocsin__busy {
    struct {                 /* received bytes that no part took yet */
        unsigned char *data; /* NULL: none */
        size_t begin, end, capacity, scanned;
    } kept;
    struct { /* descriptors that came with the data */
        int *fds;
        uint32_t count, at; /* those before `at` were delivered */
    } passed;
    struct tocsin__read *reads, **reads_last; /* in their order */
    struct tocsin__flush *flushes, **flushes_last;
    struct tocsin__pipe *pipe;     /* the pipe out of this stream; NULL */
    struct tocsin__pipe *pipes_in; /* the pipes into it */
    struct tocsin__chunk *output, **output_last;
    size_t waiting_bytes;                /* bytes of output */
    struct tocsin__owner *waiting_owner; /* for which these bytes are counted */
    int64_t stalled_us;                  /* since when it is stalled, or for how long it was */
    struct tocsin__connecting *connecting;
    const struct tocsin__medium **medium; /* the first member of the medium; NULL: none */
    struct tocsin__timer *limit;          /* of opening, then of closing; NULL */
    struct tocsin__rate_wait waits[TOCSIN__RATE_WAYS]; /* for the rates of both ways */
};

/* The state of a thin operation, so the members before `closed` are lost when the end is announced:
   only an open stream, or one that is about to be, uses them. */
struct tocsin__stream {
    struct tocsin__idle idle; /* its idle limit, while it is open; limits.c */
    struct tocsin__settings *settings;
    struct tocsin__busy *busy;   /* NULL: idle */
    struct tocsin__crowd *crowd; /* the streams of the same listener; NULL: it was opened */
    /* The payload of the end. It counts bytes all the time; total_us is the time of the begin. */
    struct tocsin_stream_closed closed;
    struct tocsin__readiness readiness;
    int failure;    /* it ends with this status when it is served next; 0: none */
    int out_error;  /* in BROKEN */
    uint32_t flags; /* TOCSIN__STREAM_READABLE … */
    uint8_t state, in, out;
};

_Static_assert(offsetof(struct tocsin__stream, closed) >= TOCSIN__THIN_LOST,
               "the payload of the end must not lie where the info of the end will be");

static inline struct tocsin__op *tocsin__stream_op(const struct tocsin__stream *stream)
{
    return tocsin__op_of_thin(stream);
}

static inline struct tocsin__engine *tocsin__stream_engine(const struct tocsin__stream *stream)
{
    return tocsin__op_engine(tocsin__stream_op(stream));
}

static inline size_t tocsin__stream_waiting(const struct tocsin__stream *stream)
{
    return stream->state != TOCSIN__STREAM_OVER && stream->busy ? stream->busy->waiting_bytes : 0;
}

static inline bool tocsin__stream_is(const struct tocsin__stream *stream, unsigned flag)
{
    return stream->flags & flag;
}

static inline void tocsin__stream_mark(struct tocsin__stream *stream, unsigned flags)
{
    stream->flags |= flags;
}

static inline void tocsin__stream_unmark(struct tocsin__stream *stream, unsigned flags)
{
    stream->flags &= ~flags;
}

/* Whether the operation is a stream. */
static inline bool tocsin__op_is_stream(const struct tocsin__op *op)
{
    const struct tocsin__io *io = tocsin__op_engine(op)->io;

    return io && io->stream_type && tocsin__op_has_type(op, io->stream_type);
}

/* Finds a stream of this thread's loop. -EINVAL: another operation; else as tocsin__op_find. */
int tocsin__stream_find(struct tocsin_op id, struct tocsin__stream **ret_stream);
void tocsin__stream_set_state(struct tocsin__stream *stream, enum tocsin__stream_state state);
/* The stream is served in this turn or the next one. */
void tocsin__stream_wake(struct tocsin__stream *stream);
/* The stream ends with this status when it is served. The first one counts. */
void tocsin__stream_fail(struct tocsin__stream *stream, int status);
/* Makes stream->busy. -ENOMEM */
int tocsin__stream_occupy(struct tocsin__stream *stream);
/* Gives stream->busy back if nothing is in it. */
void tocsin__stream_rest(struct tocsin__stream *stream);

#endif
