/* The record that a loop has for all of its streams: the read buffer, and the window over received
   bytes. */
#ifndef TOCSIN_IO_IO_H
#define TOCSIN_IO_IO_H

#include <errno.h>

#include "loop/engine.h"
#include "loop/idle.h"

struct tocsin__datagrams;
struct tocsin__busy;
struct tocsin__stream;
struct tocsin_op_type;

enum { TOCSIN__BUFFER = 64 * 1024 }; /* size of the read buffer, without one more byte for a NUL */

/* The received bytes of the stream that is being served: data[begin] to data[end - 1]. They lie in
   the loop's buffer, or in the memory of the stream's kept bytes. */
struct tocsin__window {
    struct tocsin__stream *stream; /* NULL: the window is closed, or its stream has ended */
    unsigned char *data;
    size_t begin, end, capacity;
    size_t scanned; /* bytes after begin in which the delimiter was searched already */
    bool is_kept;   /* data is the memory of the stream's kept bytes, not the loop's buffer */
    unsigned char *saved_at;  /* where a NUL was written for a delivery; NULL: nowhere */
    unsigned char saved_byte; /* the byte that the NUL has replaced */
};

struct tocsin__drop;

struct tocsin__io {
    struct tocsin__cleanup last;
    struct tocsin__engine *engine;
    const struct tocsin_op_type *stream_type; /* stream_make.c sets it */
    void (*serve)(struct tocsin__node *node); /* serves a stream; stream_make.c sets it */
    unsigned char *buffer;                    /* NULL: not made yet, or a stream has taken it */
    struct tocsin__window window;
    struct tocsin__idle_limits *idle; /* NULL: no stream has had an idle limit */
    struct tocsin__busy *spare;       /* an unused struct, kept for the next stream; NULL: none */
    struct tocsin__datagrams *datagrams;       /* NULL: no datagram socket was opened yet */
    struct tocsin__rate *rates;                /* the rates that the program has not freed */
    void (*rates_free)(struct tocsin__io *io); /* set by rate.c; NULL: no rate has been made */
    struct { /* the queued drop functions of lent data (drops.h) */
        struct tocsin__drop *first, **last;
        struct tocsin__node node; /* entry in the ready list, linked if is_woken */
        bool is_woken;
    } drops;
};

/* Whether the error means that memory, descriptors or a quota are used up for now. */
static inline bool tocsin__is_shortage(int err)
{
    return err == -EMFILE || err == -ENFILE || err == -ENOBUFS || err == -ENOMEM ||
           err == -ENOSPC || err == -EDQUOT || err == -EAGAIN;
}

/* Makes engine->io if there is none. -ENOMEM */
int tocsin__io_make(struct tocsin__engine *engine);

#endif
