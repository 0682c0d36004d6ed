/* Prints the open ports of a host: scan 127.0.0.1 1-1024. 100 fibers, half a second for each
   port. */
#include <stdio.h>

#include <tocsin/io.h>

static int next, last;

static int probe(void *host)
{
    const struct tocsin_stream_options options = { .open_ms = 500 };
    struct tocsin_op stream, up;
    char address[300];

    for (int port; (port = next++) <= last;) {
        snprintf(address, sizeof address, "tcp:%s:%d", (const char *)host, port);
        tocsin_stream_open(address, &options, NULL, &stream);
        tocsin_stream_flush(stream, TOCSIN_FUTURE, &up); /* ends when it is connected, or failed */
        if (tocsin_wait(up, -1, NULL) == 0)
            printf("%d\n", port);
        tocsin_cancel(stream);
    }
    return 0;
}

int main(int argc, char *argv[])
{
    if (argc != 3 || sscanf(argv[2], "%d-%d", &next, &last) != 2)
        return 2;
    for (int i = 0; i < 100; i++)
        tocsin_spawn(probe, argv[1], NULL, NULL);
    tocsin_drain(-1);
    return tocsin_run();
}
