/* The internal struct of a stream, which is the state of an operation. Every file of this folder
   uses it. stream_serve.c does the work of a stream on each turn.

   The states of a stream. Only tocsin__stream_set_state changes the state:

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

   NONE: the descriptor cannot be read (in), or cannot be written (out). */
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
    /* queued data is sent; received data is dropped. If something was received, it then waits for
       the end of the peer */
    TOCSIN__STREAM_CLOSING,
    TOCSIN__STREAM_OVER /* the end of the stream has been announced, or will be at once */
};

enum tocsin__side {
    TOCSIN__SIDE_OPEN,
    /* in: the peer's end was read, and no read or listener has received it yet */
    TOCSIN__SIDE_ENDED,
    TOCSIN__SIDE_TOLD,     /* in: a read, a pipe or the listeners know the peer's end */
    TOCSIN__SIDE_SHUTTING, /* out: it will be shut down when the queued data is sent */
    TOCSIN__SIDE_SHUT,     /* out: it is shut down */
    TOCSIN__SIDE_BROKEN,   /* out: a write has failed */
    TOCSIN__SIDE_NONE
};

/* Bits of stream->flags. */
enum {
    TOCSIN__STREAM_READABLE = 2, /* a read from the descriptor may return data */
    TOCSIN__STREAM_WRITABLE = 4, /* the kernel may accept a write */
    /* the peer has ended its outgoing side; there may be unread data before the end */
    TOCSIN__STREAM_LEFT = 8,
    TOCSIN__STREAM_SHOCKED = 16,        /* the descriptor has reported an error */
    TOCSIN__STREAM_STALLED = 32,        /* more than high_bytes are queued for sending */
    TOCSIN__STREAM_TELL_CONNECTED = 64, /* stream.connected must be announced */
    TOCSIN__STREAM_TELL_STALLED = 128,
    TOCSIN__STREAM_TELL_DRAINED = 256,
    TOCSIN__STREAM_SOCKET = 512,
    TOCSIN__STREAM_UNIX = 1024,
    TOCSIN__STREAM_ACCEPTED = 2048,
    /* the program has written to, read or piped the stream, so it has taken the stream (I8) */
    TOCSIN__STREAM_USED = 4096,
    TOCSIN__STREAM_PULLED = 8192, /* the program has started a read or a pipe */
    /* the stream has set O_NONBLOCK, and must clear it when it ends */
    TOCSIN__STREAM_NONBLOCK = 16384,
    TOCSIN__STREAM_CLOSE_LATER = 32768, /* tocsin_stream_close was called: close once connected */
    TOCSIN__STREAM_RESETS = 131072, /* the peer must not take what it got for all of the data */
    TOCSIN__STREAM_LINGERS = 65536 /* the peer has sent data while the stream was being closed */
};

struct tocsin__chunk;
struct tocsin__connecting;
struct tocsin__crowd;
struct tocsin__flush;
struct tocsin__medium;
struct tocsin__pipe;
struct tocsin__read;

/* The members that a stream needs only while it reads, writes or connects. When all of them are
   empty, the struct is freed, or kept for the next stream (struct tocsin__io). */
struct tocsin__busy {
    struct {                 /* received bytes that no read, pipe or listener has taken yet */
        unsigned char *data; /* NULL: none */
        size_t begin, end, capacity, scanned;
    } kept;
    struct { /* descriptors that were received with the data */
        int *fds;
        uint32_t count, at; /* the first `at` descriptors were delivered */
    } passed;
    struct tocsin__read *reads, **reads_last; /* in the order of their start */
    struct tocsin__flush *flushes, **flushes_last;
    struct tocsin__pipe *pipe;     /* the pipe that takes the data of this stream; NULL: none */
    struct tocsin__pipe *pipes_in; /* the pipes that write to this stream */
    struct tocsin__chunk *output, **output_last;
    size_t waiting_bytes;                /* bytes in output */
    struct tocsin__owner *waiting_owner; /* the owner for which these bytes are counted */
    /* time when the stream became stalled; afterwards the length of the stall */
    int64_t stalled_us;
    struct tocsin__connecting *connecting;
    const struct tocsin__medium **medium; /* points to the first member of the medium; NULL: none */
    struct tocsin__timer *limit; /* time limit for opening, later for closing; NULL: none */
    /* the stream's places in the queues of its rates */
    struct tocsin__rate_wait waits[TOCSIN__RATE_WAYS];
};

/* The state of a thin operation, so the members before `closed` are lost when the end is announced:
   only an open stream, or one that is about to be, uses them. */
struct tocsin__stream {
    struct tocsin__idle idle; /* the idle limit of an open stream (limits.c) */
    struct tocsin__settings *settings;
    struct tocsin__busy *busy; /* NULL: the stream is idle */
    /* the count of the listener's streams; NULL: no listener accepted the stream */
    struct tocsin__crowd *crowd;
    /* The payload of stream.closed. Its byte counts are always up to date. Until the end, total_us
       is the time at which the stream was made. */
    struct tocsin_stream_closed closed;
    struct tocsin__readiness readiness;
    int failure;    /* the status with which the stream will end when it is served next; 0: none */
    int out_error;  /* the error of the write, if out is BROKEN */
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

/* Finds a stream of this thread's loop. -EINVAL: the operation is not a stream; other errors as
   tocsin__op_find. */
int tocsin__stream_find(struct tocsin_op id, struct tocsin__stream **ret_stream);
void tocsin__stream_set_state(struct tocsin__stream *stream, enum tocsin__stream_state state);
/* Puts the stream the stream's entry in the ready list, so it is served in this turn or the next
   one. */
void tocsin__stream_wake(struct tocsin__stream *stream);
/* Makes the stream end with this status when it is served next. If this is called several times,
   the first status counts. */
void tocsin__stream_fail(struct tocsin__stream *stream, int status);
/* Makes stream->busy if it is NULL. -ENOMEM */
int tocsin__stream_occupy(struct tocsin__stream *stream);
/* Frees stream->busy, or keeps it for the next stream, if all its members are empty. */
void tocsin__stream_rest(struct tocsin__stream *stream);

#endif
