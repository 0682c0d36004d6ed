/* The record that a loop has for all of its streams: the read buffer, and the window over received
   bytes. */
#ifndef TOCSIN_IO_IO_H
#define TOCSIN_IO_IO_H

#include "loop/engine.h"
#include "loop/idle.h"

struct tocsin__busy;
struct tocsin__stream;
struct tocsin_op_type;

enum { TOCSIN__BUFFER = 64 * 1024 }; /* bytes of the read buffer, without the NUL behind them */

/* The received bytes of the stream that is being served: data[begin] to data[end - 1]. They lie in
   the loop's buffer, or in memory that the stream had kept. */
struct tocsin__window {
    struct tocsin__stream *stream; /* NULL: the window is closed, or its stream has ended */
    unsigned char *data;
    size_t begin, end, capacity;
    size_t scanned;           /* bytes behind begin in which a delimiter was searched */
    bool is_kept;             /* data was kept by the stream, and is not the loop's buffer */
    unsigned char *saved_at;  /* where a NUL stands during a delivery; NULL: nowhere */
    unsigned char saved_byte; /* the byte that the NUL has replaced */
};

struct tocsin__io {
    struct tocsin__cleanup last;
    struct tocsin__engine *engine;
    const struct tocsin_op_type *stream_type; /* stream_make.c sets it */
    unsigned char *buffer;                    /* NULL: not made yet, or a stream has taken it */
    struct tocsin__window window;
    struct tocsin__idle_limits *idle; /* NULL: no stream had an idle limit yet */
    struct tocsin__busy *spare;       /* empty, for the next stream that needs one; NULL: none */
};

/* Makes engine->io if there is none. -ENOMEM */
int tocsin__io_make(struct tocsin__engine *engine);

#endif
