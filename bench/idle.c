/* Measures idle streams that a server has accepted: memory and wake-ups, beside plain epoll,
   libevent's bufferevents and libuv. The clients are another process than the server. */
#include "bench.h"
#include "peer_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STREAMS = 10000, MORE_STREAMS = 18000, TOGETHER = 500, WARM = 300, ROUNDS_MOST = 7 };

/* For one stream each, except wakeups. */
enum figure { BYTES, WAKEUPS, KEPT, AGAIN, BURST_NS, BURST_BYTES, FIGURES };

struct figures {
    double of[FIGURES];
};

static struct stream_server servers[STREAM_SERVERS];
static int *fds;

static long second_ms(void)
{
    return bench_quick ? 1000 : 2000;
}

/* The servers sweep their streams every second, so they are idle after two. */
static void rest(void)
{
    stream_sleep_ms(2200);
}

/* One line for each batch, so that all of it has been accepted. */
static void connect_all(const struct stream_load *load, int count)
{
    for (int i = 0; i < count; i++) {
        fds[i] = stream_connect(load, i);
        if (i % TOGETHER == TOGETHER - 1 || i == count - 1)
            stream_echo(fds[i]);
    }
}

static void reset_all(int count)
{
    for (int i = 0; i < count; i++)
        stream_reset(fds[i]);
    stream_sleep_ms(500);
}

/* All send a line at once, and then the replies are read. */
static double burst_ns(const struct stream_load *load, int count)
{
    char line[STREAM_LINE] = { 0 };
    double before = stream_cpu_ns(load);

    for (int i = 0; i < count; i++)
        stream_send(fds[i], line, sizeof line);
    for (int i = 0; i < count; i++)
        if (!stream_receive(fds[i], line, sizeof line))
            stream_die("the server has closed a stream");
    return (stream_cpu_ns(load) - before) / count;
}

static double wakeups(const struct stream_load *load)
{
    double before = stream_wakeups(load);

    stream_sleep_ms(second_ms());
    return (stream_wakeups(load) - before) * 1000 / (double)second_ms();
}

/* The first wave only, for a larger number of streams. */
static void measure_first(const struct stream_load *load, int count, struct figures *figures)
{
    double before;

    connect_all(load, WARM);
    reset_all(WARM);
    before = stream_bytes(load);
    connect_all(load, count);
    rest();
    figures->of[BYTES] = (stream_bytes(load) - before) / count;
    figures->of[WAKEUPS] = wakeups(load);
}

static void measure(const struct stream_server *server, int count, bool is_whole,
                    struct figures *figures)
{
    struct stream_setup setup = { .server = server, .mode = STREAM_ECHO };
    struct stream_load load;
    double before;

    stream_begin(&load, &setup);
    measure_first(&load, count, figures);
    if (is_whole) {
        before = stream_bytes(&load) - figures->of[BYTES] * count;
        reset_all(count);
        figures->of[KEPT] = (stream_bytes(&load) - before) / count;
        connect_all(&load, count);
        rest();
        figures->of[AGAIN] = (stream_bytes(&load) - before) / count;
        figures->of[BURST_NS] = burst_ns(&load, count);
        rest();
        figures->of[BURST_BYTES] = (stream_bytes(&load) - before) / count;
    }
    reset_all(count);
    stream_end(&load);
}

/* The medians of interleaved rounds. */
static void measure_all(int count, bool is_whole, struct figures medians[STREAM_SERVERS])
{
    struct figures rounds[STREAM_SERVERS][ROUNDS_MOST];
    int rounds_count = bench_quick ? 1 : is_whole ? 5 : 3;

    for (int round = 0; round < rounds_count; round++)
        for (int i = 0; i < STREAM_SERVERS; i++)
            if (servers[i].serve || servers[i].program)
                measure(&servers[i], count, is_whole, &rounds[i][round]);
    for (int i = 0; i < STREAM_SERVERS; i++)
        for (int figure = 0; figure < FIGURES; figure++) {
            double values[ROUNDS_MOST];

            for (int round = 0; round < rounds_count; round++)
                values[round] = rounds[i][round].of[figure];
            medians[i].of[figure] = servers[i].serve || servers[i].program
                                        ? bench_median(values, rounds_count)
                                        : NAN;
        }
}

/* against: the figure of the same server that the ratio is for; FIGURES: the ratio is for
   libevent's. */
static void print(const struct figures *figures, const char *what, const char *unit,
                  enum figure figure, enum figure against)
{
    for (int i = 0; i < STREAM_SERVERS; i++) {
        double value = figures[i].of[figure],
               base = against < FIGURES ? figures[i].of[against] : figures[2].of[figure];

        if (isnan(value) && i > 0)
            bench_none(servers[i].who, what, unit);
        else
            bench_row(servers[i].who, what, value, unit,
                      against < FIGURES ? "stream"
                      : i == 2          ? NULL
                                        : servers[2].who,
                      base);
    }
}

/* The client needs a descriptor for each stream, and so does the server. */
static int allowed(int wanted)
{
    long most = stream_descriptors() - 200;

    if (most >= wanted)
        return wanted;
    bench_remark("%ld instead of %d streams: RLIMIT_NOFILE is %ld", most, wanted, most + 200);
    return (int)most;
}

int main(int argc, char **argv)
{
    struct figures figures[STREAM_SERVERS];
    int count, more;

    bench_begin(argc, argv, "Measures idle streams, beside plain epoll, libevent and libuv.");
    count = allowed(bench_quick ? STREAMS / 5 : STREAMS);
    more = allowed(bench_quick ? MORE_STREAMS / 5 : MORE_STREAMS);
    fds = malloc(sizeof *fds * (size_t)more);
    if (!fds || count < WARM)
        stream_die("cannot begin");
    stream_servers_find(servers);
    bench_remark("%d accepted TCP streams; bytes: memory of the server that it has written to, for "
                 "each; wakeups: of the server in a second",
                 count);
    bench_remark("stream,after: a second wave, when the first one has gone; stream,after,kept: "
                 "between both; stream,burst: all send %d bytes at once, and are idle again",
                 STREAM_LINE);
    measure_all(count, true, figures);
    print(figures, "stream", "bytes", BYTES, FIGURES);
    print(figures, "stream", "wakeups", WAKEUPS, FIGURES);
    print(figures, "stream,after", "bytes", AGAIN, BYTES);
    print(figures, "stream,after,kept", "bytes", KEPT, FIGURES);
    print(figures, "stream,burst", "bytes", BURST_BYTES, BYTES);
    print(figures, "stream,burst", "ns", BURST_NS, FIGURES);
    bench_remark("stream,more: %d streams", more);
    measure_all(more, false, figures);
    print(figures, "stream,more", "bytes", BYTES, FIGURES);
    print(figures, "stream,more", "wakeups", WAKEUPS, FIGURES);
    free(fds);
    free((void *)(uintptr_t)servers[STREAM_SERVERS - 1].program);
    return bench_end();
}
