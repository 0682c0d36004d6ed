/* The server of libuv for bench/stream and bench/idle. Arguments: the number of the listening
   socket, the mode, and 1 if the socket is a Unix socket. */
#include "peer_stream.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static uv_loop_t loop;
static char input[STREAM_BLOCK], block[STREAM_BLOCK];
static enum stream_mode mode;
static bool is_unix;

struct echo {
    uv_write_t request;
    char data[];
};

static void must(int err, const char *what)
{
    if (err >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, uv_strerror(err));
    exit(1);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void drop(uv_stream_t *stream)
{
    if (!uv_is_closing((uv_handle_t *)stream))
        uv_close((uv_handle_t *)stream, on_closed);
}

/* One buffer for all: libuv reads into it and calls back at once. */
static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    (void)handle, (void)size;
    *buffer = uv_buf_init(input, sizeof input);
}

static void on_echo_written(uv_write_t *request, int status)
{
    (void)status;
    free(request);
}

/* Tries to write at once, and queues only the rest. */
static void echo(uv_stream_t *stream, size_t size)
{
    uv_buf_t buffer = uv_buf_init(input, (unsigned)size);
    int sent = uv_try_write(stream, &buffer, 1);
    struct echo *rest;

    if (sent == (int)size)
        return;
    if (sent < 0 && sent != UV_EAGAIN) {
        drop(stream);
        return;
    }
    sent = sent < 0 ? 0 : sent;
    rest = malloc(sizeof *rest + size - (size_t)sent);
    must(rest ? 0 : UV_ENOMEM, "malloc");
    buffer = uv_buf_init(memcpy(rest->data, input + sent, size - (size_t)sent),
                         (unsigned)(size - (size_t)sent));
    must(uv_write(&rest->request, stream, &buffer, 1, on_echo_written), "uv_write");
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    (void)buffer;
    if (count < 0)
        drop(stream);
    else if (count > 0 && mode == STREAM_ECHO)
        echo(stream, (size_t)count);
}

static void on_block_written(uv_write_t *request, int status)
{
    uv_buf_t buffer = uv_buf_init(block, sizeof block);

    if (status < 0) {
        drop(request->handle);
        free(request);
        return;
    }
    must(uv_write(request, request->handle, &buffer, 1, on_block_written), "uv_write");
}

static void begin(uv_stream_t *stream)
{
    uv_buf_t buffer = uv_buf_init(block, sizeof block);

    must(uv_read_start(stream, on_alloc, on_read), "uv_read_start");
    for (int i = 0; mode == STREAM_SOURCE && i < STREAM_QUEUED / STREAM_BLOCK; i++) {
        uv_write_t *request = malloc(sizeof *request);

        must(request ? 0 : UV_ENOMEM, "malloc");
        must(uv_write(request, stream, &buffer, 1, on_block_written), "uv_write");
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    uv_stream_t *stream;

    if (status < 0)
        return;
    stream = malloc(is_unix ? sizeof(uv_pipe_t) : sizeof(uv_tcp_t));
    must(stream ? 0 : UV_ENOMEM, "malloc");
    if (is_unix)
        uv_pipe_init(&loop, (uv_pipe_t *)stream, 0);
    else
        uv_tcp_init(&loop, (uv_tcp_t *)stream);
    if (uv_accept(listener, stream) < 0) {
        drop(stream);
        return;
    }
    if (!is_unix)
        uv_tcp_nodelay((uv_tcp_t *)stream, 1);
    begin(stream);
}

int main(int argc, char **argv)
{
    union {
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } listener;
    int fd = argc == 4 ? atoi(argv[1]) : -1;

    must(fd < 0 ? UV_EINVAL : 0, "peer_stream_libuv LISTENER MODE IS_UNIX");
    mode = (enum stream_mode)atoi(argv[2]);
    is_unix = argv[3][0] == '1';
    signal(SIGPIPE, SIG_IGN);
    must(uv_loop_init(&loop), "uv_loop_init");
    if (is_unix) {
        must(uv_pipe_init(&loop, &listener.pipe, 0), "uv_pipe_init");
        must(uv_pipe_open(&listener.pipe, fd), "uv_pipe_open");
    } else {
        must(uv_tcp_init(&loop, &listener.tcp), "uv_tcp_init");
        must(uv_tcp_open(&listener.tcp, fd), "uv_tcp_open");
    }
    must(uv_listen((uv_stream_t *)&listener, 4096, on_connection), "uv_listen");
    return uv_run(&loop, UV_RUN_DEFAULT);
}
