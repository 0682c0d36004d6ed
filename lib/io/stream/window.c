/* The received bytes of the stream that is being served. */
#include <string.h>

#include "io/stream/limits.h"
#include "io/stream/medium.h"
#include "io/stream/window.h"
#include "io/stream/wire.h"

enum {
    KEPT_MOVED = 16 * 1024, /* up to this size, the kept bytes are moved into the loop's buffer */
    KEPT_LEAST = 256
};

void tocsin__window_open(struct tocsin__stream *stream)
{
    struct tocsin__io *io = tocsin__stream_engine(stream)->io;
    struct tocsin__window *window = &io->window;

    if (window->stream || window->is_kept)
        tocsin__window_close(io);
    *window = (struct tocsin__window){ .stream = stream, .data = io->buffer };
    if (!stream->busy || !stream->busy->kept.data)
        return;
    window->data = stream->busy->kept.data;
    window->begin = stream->busy->kept.begin;
    window->end = stream->busy->kept.end;
    window->capacity = stream->busy->kept.capacity;
    window->scanned = stream->busy->kept.scanned;
    window->is_kept = true;
    stream->busy->kept.data = NULL;
}

/* Makes the memory of the window the stream's kept bytes. */
static void window_hand_over(struct tocsin__window *window)
{
    struct tocsin__busy *busy = window->stream->busy;

    busy->kept.data = window->data;
    busy->kept.begin = window->begin;
    busy->kept.end = window->end;
    busy->kept.capacity = window->capacity;
    busy->kept.scanned = window->scanned;
}

/* Copies the bytes that are left into memory of the stream. If there is no memory, the stream takes
   the loop's buffer, so that no byte is lost. */
static void window_keep_copy(struct tocsin__io *io)
{
    struct tocsin__window *window = &io->window;
    size_t size = tocsin__window_size(window), capacity = size < KEPT_LEAST ? KEPT_LEAST : size;
    unsigned char *copy = tocsin__alloc(capacity + 1);

    if (copy) {
        memcpy(copy, window->data + window->begin, size);
        window->data = copy;
        window->begin = 0;
        window->end = size;
        window->capacity = capacity;
    } else {
        io->buffer = NULL;
        window->capacity = TOCSIN__BUFFER;
    }
    window_hand_over(window);
}

void tocsin__window_close(struct tocsin__io *io)
{
    struct tocsin__window *window = &io->window;
    bool has_rest = window->stream && tocsin__window_size(window) > 0;

    tocsin__window_unseal(window);
    if (has_rest && window->is_kept)
        window_hand_over(window);
    else if (has_rest)
        window_keep_copy(io);
    else if (window->is_kept)
        tocsin__release(window->data);
    *window = (struct tocsin__window){ .stream = NULL };
}

void tocsin__window_forget(struct tocsin__io *io, struct tocsin__stream *stream)
{
    if (io && io->window.stream == stream)
        io->window.stream = NULL;
}

static int buffer_make(struct tocsin__io *io)
{
    if (!io->buffer)
        io->buffer = tocsin__alloc_lines(TOCSIN__BUFFER + 1);
    return io->buffer ? 0 : -ENOMEM;
}

/* Moves the bytes of the window to the beginning of its memory. */
static void window_compact(struct tocsin__window *window)
{
    memmove(window->data, window->data + window->begin, tocsin__window_size(window));
    window->end -= window->begin;
    window->begin = 0;
}

static void window_move_to_buffer(struct tocsin__io *io)
{
    struct tocsin__window *window = &io->window;

    memcpy(io->buffer, window->data + window->begin, tocsin__window_size(window));
    tocsin__release(window->data);
    window->data = io->buffer;
    window->end -= window->begin;
    window->begin = 0;
    window->is_kept = false;
}

/* Makes room for 64 KiB behind the bytes of the window. */
static int window_grow(struct tocsin__io *io)
{
    struct tocsin__window *window = &io->window;
    size_t size = tocsin__window_size(window), capacity = 2 * size + TOCSIN__BUFFER;
    unsigned char *data;

    if (window->is_kept) {
        window_compact(window);
        if (window->capacity - window->end >= TOCSIN__BUFFER)
            return 0;
        data = tocsin__resize(window->data, capacity + 1);
    } else {
        data = tocsin__alloc(capacity + 1);
        if (data)
            memcpy(data, window->data + window->begin, size);
    }
    if (!data)
        return -ENOMEM;
    window->data = data;
    window->begin = 0;
    window->end = size;
    window->capacity = capacity;
    window->is_kept = true;
    return 0;
}

static int window_make_room(struct tocsin__io *io)
{
    struct tocsin__window *window = &io->window;
    size_t size = tocsin__window_size(window);

    if (size > KEPT_MOVED)
        return window_grow(io);
    if (buffer_make(io) < 0)
        return -ENOMEM;
    if (window->is_kept) {
        window_move_to_buffer(io);
    } else {
        window->data = io->buffer;
        window_compact(window);
    }
    window->capacity = TOCSIN__BUFFER;
    return 0;
}

ssize_t tocsin__window_fill(struct tocsin__io *io, size_t most)
{
    struct tocsin__window *window = &io->window;
    size_t room;
    ssize_t count;

    if (tocsin__stream_occupy(window->stream) < 0 || window_make_room(io) < 0)
        return -ENOMEM;
    room = window->capacity - window->end;
    room = room < most ? room : most;
    count = tocsin__wire_receive(window->stream, window->data + window->end, room);
    if (count > 0)
        window->end += (size_t)count;
    /* a layer may have more than one call returns */
    if (count < 0 || ((size_t)count < room && !tocsin__medium_of(window->stream)))
        tocsin__stream_unmark(window->stream, TOCSIN__STREAM_READABLE);
    if (count > 0) {
        window->stream->closed.received_bytes += (size_t)count;
        tocsin__limit_idle_refresh(window->stream);
    }
    return count;
}
