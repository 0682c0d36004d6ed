/* Sends everything back to whoever sent it: echo tcp:*:7777. The library does not read from a
   client that does not read. */
#include <tocsin/io.h>

static int on_received(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);

    (void)arg;
    return tocsin_stream_write(tocsin_info_op(info), came->data.data, came->data.size);
}

int main(int argc, char *argv[])
{
    return argc != 2 || tocsin_on("stream.received", on_received, NULL) < 0 ||
           tocsin_listen(argv[1], NULL, NULL, NULL) < 0 || tocsin_run() < 0;
}
