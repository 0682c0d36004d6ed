/* A chat by lines: chat tcp:*:6666, then telnet localhost 6666. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/io.h>

struct client {
    struct client *next;
    struct tocsin_op stream;
    char name[32];
};
static struct client *clients;

static void say(const char *who, const void *text, size_t size)
{
    const struct tocsin_bytes parts[] = { { who, strlen(who) }, { ": ", 2 }, { text, size } };
    const struct tocsin_outgoing outgoing = { .parts = parts, .count = 3 };

    for (struct client *client = clients; client; client = client->next)
        if (tocsin_stream_write_with(client->stream, &outgoing) == -EAGAIN)
            tocsin_cancel(client->stream); /* 1 MiB behind; on_client is called with the end */
}

static int on_client(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *line = tocsin_stream_received_of(info);
    struct client *client = arg, **link;

    if (line && !client->name[0]) /* the data ends with a NUL that is not counted */
        snprintf(client->name, sizeof client->name, "%.*s", (int)strcspn(line->data.data, "\r\n"),
                 (const char *)line->data.data);
    else if (line)
        say(client->name, line->data.data, line->data.size);
    if (!tocsin_stream_closed_of(info))
        return TOCSIN_NEXT;
    for (link = &clients; *link != client; link = &(*link)->next)
        continue;
    *link = client->next;
    say(client->name, "left\n", 5);
    free(client);
    return TOCSIN_NEXT;
}

static int on_accepted(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op stream = tocsin_listener_accepted_of(info)->stream;
    struct client *client = calloc(1, sizeof *client);

    (void)arg;
    if (!client)
        return tocsin_cancel(stream);
    *client = (struct client){ .next = clients, .stream = stream };
    clients = client;
    tocsin_stream_write(stream, "your name?\n", 11);
    return tocsin_op_notify(stream, TOCSIN_BOTH(on_client, client));
}

int main(int argc, char *argv[])
{
    const struct tocsin_stream_options lines = { .part = { .until = "\n", .size = 512 },
                                                 .idle_ms = 600000 };
    const struct tocsin_listen_options options = { .stream = &lines };

    return argc != 2 || tocsin_listen(argv[1], &options, TOCSIN_EACH(on_accepted), NULL) < 0 ||
           tocsin_run() < 0;
}
