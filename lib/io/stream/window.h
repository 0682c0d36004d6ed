/* The window: the received bytes of the stream that is being served. The window is opened when
   input is handed out, and closed afterwards. At the close, the stream keeps the bytes that nobody
   has taken. If a handler jumps out of its call, the window stays open. The next stream that is
   served closes the window first, so no byte is lost. */
#ifndef TOCSIN_IO_WINDOW_H
#define TOCSIN_IO_WINDOW_H

#include <sys/types.h>

#include "io/stream/stream.h"

void tocsin__window_open(struct tocsin__stream *stream);
/* Closes the window. The stream keeps the bytes that are left. */
void tocsin__window_close(struct tocsin__io *io);
/* Reads at most `most` bytes from the descriptor into the window. Returns the number of bytes; 0:
   the peer's end; -EAGAIN: there is no data; -ENOMEM: no memory, and nothing was read; another
   -errno. */
ssize_t tocsin__window_fill(struct tocsin__io *io, size_t most);
/* Called when the stream ends: the bytes in its window are dropped. Their memory is freed later,
   since a handler may still be reading them. */
void tocsin__window_forget(struct tocsin__io *io, struct tocsin__stream *stream);

static inline size_t tocsin__window_size(const struct tocsin__window *window)
{
    return window->end - window->begin;
}

/* Puts a NUL behind the first `size` bytes. tocsin__window_unseal restores the byte that the NUL
   has replaced. */
static inline void tocsin__window_seal(struct tocsin__window *window, size_t size)
{
    if (!window->data)
        return;
    window->saved_at = window->data + window->begin + size;
    window->saved_byte = *window->saved_at;
    *window->saved_at = 0;
}

static inline void tocsin__window_unseal(struct tocsin__window *window)
{
    if (window->saved_at)
        *window->saved_at = window->saved_byte;
    window->saved_at = NULL;
}

#endif
