/* The received bytes of the stream that is being served. The window is open while a stream is
   served; what no part has taken is then kept by the stream. If a jump leaves a delivery, the
   window stays open, and the next stream that is served closes it first: nothing is lost. */
#ifndef TOCSIN_IO_WINDOW_H
#define TOCSIN_IO_WINDOW_H

#include <sys/types.h>

#include "io/stream/stream.h"

void tocsin__window_open(struct tocsin__stream *stream);
/* The stream keeps what is left. */
void tocsin__window_close(struct tocsin__io *io);
/* Reads at most `most` bytes from the kernel. More than 0: bytes were added; 0: the end; -EAGAIN:
   nothing is there; -ENOMEM: no memory, and nothing was read; another -errno. */
ssize_t tocsin__window_fill(struct tocsin__io *io, size_t most);
/* The stream has ended: its bytes are dropped, but they stay in memory while they are lent. */
void tocsin__window_forget(struct tocsin__io *io, struct tocsin__stream *stream);

static inline size_t tocsin__window_size(const struct tocsin__window *window)
{
    return window->end - window->begin;
}

/* A NUL stands behind the first `size` bytes until tocsin__window_unseal. */
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
