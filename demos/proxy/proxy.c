/* A TCP proxy with a live picture: proxy tcp:*:8080 tcp:example.org:80. The proxy is on_accepted:
   it reads no side faster than the other side accepts data, and passes the end of each side on. All
   else counts and draws. If the output is no terminal, it is one line for each connection. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <tocsin/io.h>

enum { TICK_MS = 250, WIDE = 40, NARROW = 8 };

struct flow {                    /* what one side was sent */
    uint64_t bytes, speed[WIDE]; /* bytes a second, the newest last */
};
struct link { /* a client and its server */
    struct link *next;
    struct tocsin_op to[2]; /* the server, the client */
    struct flow flows[2];   /* up, down */
    char peer[112];
    int streams, status, stalled; /* streams: those that have not ended; stalled: data has waited
                                     for a whole tick */
};

static struct link *links;
static struct flow total[2];
static int live, opened, failed, stalls, terminal;

static const char *bytes_text(uint64_t bytes)
{
    static char texts[4][16];
    static unsigned next;
    double value = (double)bytes;
    int unit = 0;

    for (next++; value >= 999.5; unit++)
        value /= 1000;
    snprintf(texts[next % 4], sizeof texts[0], "%.*f %.*sB", unit > 0 && value < 9.95, value,
             (unit > 0), &" kMGTPE"[unit]);
    return texts[next % 4];
}

static void flow_add(struct flow *flow, uint64_t bytes)
{
    memmove(flow->speed, flow->speed + 1, sizeof flow->speed - sizeof flow->speed[0]);
    flow->speed[WIDE - 1] = bytes * 1000 / TICK_MS;
    flow->bytes += bytes;
}

static void flow_draw(const struct flow *flow, int width)
{
    static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    uint64_t top = 1;

    for (int i = WIDE - width; i < WIDE; i++)
        top = flow->speed[i] > top ? flow->speed[i] : top;
    for (int i = WIDE - width; i < WIDE; i++)
        fputs(blocks[(unsigned)((double)flow->speed[i] / (double)top * 8 + 0.99)], stdout);
    printf(" %7s/s %7s ", bytes_text(flow->speed[WIDE - 1]), bytes_text(flow->bytes));
}

static void link_measure(struct link *link)
{
    int was_stalled = link->stalled;

    link->stalled = 0;
    for (int way = 0; way < 2; way++) {
        struct tocsin_stream_facts facts = { .sent_bytes = link->flows[way].bytes };
        /* if the stream has ended, the facts stay as they are */
        int err = tocsin_stream_get(link->to[way], &facts);
        uint64_t bytes = err < 0 ? 0 : facts.sent_bytes - link->flows[way].bytes;

        link->stalled |= facts.waiting_bytes && !bytes;
        flow_add(&link->flows[way], bytes);
        total[way].speed[WIDE - 1] += link->flows[way].speed[WIDE - 1];
        total[way].bytes += bytes;
    }
    stalls += link->stalled && !was_stalled;
}

/* Measures, and draws. */
static int on_tick(const struct tocsin_info *info, void *arg)
{
    struct winsize size = { .ws_row = 24 };
    char **addresses = arg;

    (void)info;
    flow_add(&total[0], 0);
    flow_add(&total[1], 0);
    for (struct link *link = links; link; link = link->next)
        link_measure(link);
    if (!terminal)
        return fflush(stdout);
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    printf("\033[H\033[1m proxy\033[m %.32s to %.32s\033[K\n\033[K\n\033[36m up    ", addresses[1],
           addresses[2]);
    flow_draw(&total[0], WIDE);
    fputs("\033[K\n\033[33m down  ", stdout);
    flow_draw(&total[1], WIDE);
    printf("\033[m\033[K\n\033[K\n %d live, %d in all, %d failed, %d stalls\033[K\n\033[K\n", live,
           opened, failed, stalls);
    printf("\033[2m %-21s %-26s%s", "client", "up", "down");
    for (struct link *link = links; link && size.ws_row-- > 8; link = link->next) {
        printf("\033[m\033[K\n%s%-21.21s ", link->stalled ? "\033[31m!" : " ", link->peer);
        flow_draw(&link->flows[0], NARROW);
        flow_draw(&link->flows[1], NARROW);
    }
    fputs("\033[m\033[K\033[J", stdout);
    return fflush(stdout);
}

/* The end of one stream. The second one ends the link. */
static int on_closed(const struct tocsin_info *info, void *arg)
{
    struct link *link = arg, **at = &links;
    int way = info->source.id == link->to[1].source.id;
    uint64_t rest = tocsin_stream_closed_of(info)->sent_bytes - link->flows[way].bytes;

    link->flows[way].bytes += rest;
    total[way].bytes += rest;
    if (info->status < 0 && info->status != -ECANCELED)
        link->status = info->status;
    if (--link->streams)
        return TOCSIN_NEXT;
    live--;
    failed += link->status < 0;
    if (!terminal)
        printf("%s: up %s, down %s, %s\n", link->peer, bytes_text(link->flows[0].bytes),
               bytes_text(link->flows[1].bytes), tocsin_strerror(link->status));
    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    free(link);
    return TOCSIN_NEXT;
}

static int on_accepted(const struct tocsin_info *info, void *upstream)
{
    struct tocsin_op client = tocsin_listener_accepted_of(info)->stream;
    const char *peer = tocsin_listener_accepted_of(info)->peer;
    struct link *link = calloc(1, sizeof *link);

    if (!link)
        return tocsin_cancel(client);
    *link = (struct link){ .next = links, .to[1] = client, .streams = 1 };
    snprintf(link->peer, sizeof link->peer, "%s", strchr(peer, ':') + 1);
    links = link;
    live++, opened++;
    tocsin_op_notify(client, TOCSIN_CALL(on_closed, link));
    if (tocsin_stream_open(upstream, NULL, TOCSIN_CALL(on_closed, link), &link->to[0]) < 0)
        return tocsin_cancel(client);
    link->streams++;
    tocsin_stream_pipe(client, link->to[0], NULL, NULL);
    return tocsin_stream_pipe(link->to[0], client, NULL, NULL);
}

int main(int argc, char *argv[])
{
    int err, help = argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));

    if (argc != 3)
        return fputs("Usage: proxy [--help] LISTEN UPSTREAM\n", help ? stdout : stderr),
               help ? 0 : 2;
    terminal = isatty(STDOUT_FILENO);
    if ((err = tocsin_listen(argv[1], NULL, TOCSIN_EACH(on_accepted, argv[2]), NULL)) < 0 ||
        (err = tocsin_every(TICK_MS, TOCSIN_EACH(on_tick, argv), NULL)) < 0)
        return fprintf(stderr, "proxy: %s: %s\n", argv[1], tocsin_strerror(err)), 1;
    fputs(terminal ? "\033[?1049h\033[?25l" : "", stdout);
    err = tocsin_run(); /* until SIGINT or SIGTERM */
    tocsin_loop_free();
    printf("%s%d connections, %d failed, %d stalls, up %s, down %s\n",
           terminal ? "\033[?25h\033[?1049l" : "", opened, failed, stalls,
           bytes_text(total[0].bytes), bytes_text(total[1].bytes));
    return err < 0 || fflush(stdout) < 0;
}
