/* A proxy: proxy tcp:*:8080 tcp:example.org:80. It reads neither side faster than the other side
   accepts data, and it passes the end of each side on. */
#include <stdio.h>

#include <tocsin/io.h>

static int on_accepted(const struct tocsin_info *info, void *upstream)
{
    const struct tocsin_listener_accepted *accepted = tocsin_listener_accepted_of(info);
    struct tocsin_op server;

    if (!accepted)
        return TOCSIN_NEXT;
    tocsin_stream_open(upstream, NULL, NULL, &server);
    tocsin_stream_pipe(accepted->stream, server, NULL, NULL);
    /* The error of a malformed address is returned, and the client is closed. */
    return tocsin_stream_pipe(server, accepted->stream, NULL, NULL);
}

static int on_closed(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    if (info->status < 0 && info->status != -ECANCELED)
        fprintf(stderr, "%s\n", tocsin_strerror(info->status));
    return TOCSIN_NEXT;
}

int main(int argc, char *argv[])
{
    if (argc != 3 || tocsin_on("stream.closed", on_closed, NULL) < 0)
        return 2;
    return tocsin_listen(argv[1], NULL, TOCSIN_EACH(on_accepted, argv[2]), NULL) < 0 ||
           tocsin_run() < 0;
}
