/* Sends everything back to whoever sent it, with one fiber for each connection:
   echo-fiber tcp:*:7777. */
#include <tocsin/io.h>

static int serve(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op stream = tocsin_listener_accepted_of(info)->stream, op;
    char buffer[4096];
    int count;

    (void)arg;
    for (;;) {
        tocsin_stream_read(stream, &(struct tocsin_part){ .into = buffer, .size = sizeof buffer },
                           TOCSIN_FUTURE, &op);
        count = tocsin_wait(op, 60000, NULL); /* as read(2): the number of bytes; 0: the end */
        if (count <= 0)
            break;
        tocsin_stream_write(stream, buffer, (size_t)count);
        tocsin_stream_flush(stream, TOCSIN_FUTURE, &op);
        if (tocsin_wait(op, 60000, NULL) < 0)
            break;
    }
    return count; /* the return closes the stream; an error cancels it */
}

int main(int argc, char *argv[])
{
    return argc != 2 || tocsin_listen(argv[1], NULL, TOCSIN_FIBERS(serve), NULL) < 0 ||
           tocsin_run() < 0;
}
