/* Measures streams at work, beside plain epoll, libevent's bufferevents and libuv: small messages,
   bulk, short connections, and more clients than descriptors. Each figure comes from a server
   process of its own. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* for sched_setaffinity() */
#endif
#include "bench.h"
#include "peer_stream.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { CONNECTIONS = 32, ALLOWED = 64, KNOCKING = 2000, RECOVERIES = 5 };

static struct stream_server servers[STREAM_SERVERS];

struct measured;

/* One case over one kind of socket, by one server. */
struct run {
    const struct measured *measured;
    bool is_unix;
    const struct stream_server *server;
};

struct measured {
    const char *name, *unit;
    const char *against;
    enum stream_mode mode;
    rlim_t descriptors;
    double (*measure)(const struct stream_load *load);
};

/* ping-pong */

static void pingpong_many(const int *fds, int poll, long trips)
{
    struct epoll_event events[CONNECTIONS];
    char line[STREAM_LINE] = { 0 };

    for (int i = 0; i < CONNECTIONS; i++)
        stream_send(fds[i], line, sizeof line);
    for (long done = 0; done < trips;) {
        int count = epoll_wait(poll, events, CONNECTIONS, -1);

        for (int i = 0; i < count; i++) {
            if (!stream_receive(events[i].data.fd, line, sizeof line))
                stream_die("the server has closed a stream");
            if (++done <= trips - CONNECTIONS)
                stream_send(events[i].data.fd, line, sizeof line);
        }
    }
}

/* Nanoseconds of the server for a round trip, 32 of which are on the way. */
static double measure_many(const struct stream_load *load)
{
    const long trips = bench_quick ? 10000 : 60000;
    int fds[CONNECTIONS], poll = epoll_create1(EPOLL_CLOEXEC);
    double before;

    for (int i = 0; i < CONNECTIONS; i++) {
        struct epoll_event event = { .events = EPOLLIN };

        event.data.fd = fds[i] = stream_connect(load, i);
        if (epoll_ctl(poll, EPOLL_CTL_ADD, fds[i], &event))
            stream_die("epoll_ctl");
    }
    pingpong_many(fds, poll, 1000);
    before = stream_cpu_ns(load);
    pingpong_many(fds, poll, trips);
    before = stream_cpu_ns(load) - before;
    for (int i = 0; i < CONNECTIONS; i++)
        stream_reset(fds[i]);
    close(poll);
    return before / (double)trips;
}

/* One connection. Both ends run on one core: otherwise this would measure how cores wake each
   other. */
static double measure_one(const struct stream_load *load)
{
    const long trips = bench_quick ? 5000 : 30000;
    cpu_set_t all, one;
    double before;
    int fd;

    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof all, &all))
        stream_die("sched_getaffinity");
    for (int cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof one, &one) || sched_setaffinity(load->pid, sizeof one, &one))
        stream_die("sched_setaffinity");
    fd = stream_connect(load, 0);
    for (long i = 0; i < 500; i++)
        stream_echo(fd);
    before = stream_cpu_ns(load);
    for (long i = 0; i < trips; i++)
        stream_echo(fd);
    before = stream_cpu_ns(load) - before;
    stream_reset(fd);
    if (sched_setaffinity(0, sizeof all, &all))
        stream_die("sched_setaffinity");
    return before / (double)trips;
}

/* bulk: bytes for each second of the server's time */

static double measure_sink(const struct stream_load *load)
{
    const long blocks = bench_quick ? 1000 : 6000;
    static char block[STREAM_BLOCK];
    int fd = stream_connect(load, 0);
    double before;
    char byte;

    stream_send(fd, block, sizeof block);
    before = stream_cpu_ns(load);
    for (long i = 0; i < blocks; i++)
        stream_send(fd, block, sizeof block);
    shutdown(fd, SHUT_WR);
    if (stream_receive(fd, &byte, 1))
        stream_die("a sink has sent something");
    before = stream_cpu_ns(load) - before;
    close(fd);
    return (double)blocks * STREAM_BLOCK / before * 1e9;
}

static double measure_source(const struct stream_load *load)
{
    const long blocks = bench_quick ? 1000 : 6000;
    static char block[STREAM_BLOCK];
    int fd = stream_connect(load, 0);
    double before;

    if (!stream_receive(fd, block, sizeof block))
        stream_die("the server has closed a stream");
    before = stream_cpu_ns(load);
    for (long i = 0; i < blocks; i++)
        if (!stream_receive(fd, block, sizeof block))
            stream_die("the server has closed a stream");
    before = stream_cpu_ns(load) - before;
    stream_reset(fd);
    return (double)blocks * STREAM_BLOCK / before * 1e9;
}

/* accept: connections that the peer ends at once */

static void accept_round(const struct stream_load *load, int round)
{
    int fds[CONNECTIONS];
    char byte;

    for (int i = 0; i < CONNECTIONS; i++)
        fds[i] = stream_connect(load, round + i);
    for (int i = 0; i < CONNECTIONS; i++)
        shutdown(fds[i], SHUT_WR);
    for (int i = 0; i < CONNECTIONS; i++) {
        if (stream_receive(fds[i], &byte, 1))
            stream_die("the server has sent something");
        close(fds[i]);
    }
}

static double measure_accept(const struct stream_load *load)
{
    const int rounds = bench_quick ? 30 : 200;
    double before;

    accept_round(load, 0);
    before = stream_cpu_ns(load);
    for (int i = 0; i < rounds; i++)
        accept_round(load, i);
    return (stream_cpu_ns(load) - before) / (rounds * CONNECTIONS);
}

/* knocking: more clients than descriptors */

/* Waits until another client is served. Returns its descriptor; -1: none within the time. */
static int knock_served(int poll, int timeout_ms)
{
    struct epoll_event event;
    char line[STREAM_LINE];

    while (epoll_wait(poll, &event, 1, timeout_ms) == 1) {
        if (recv(event.data.fd, line, sizeof line, MSG_DONTWAIT) > 0)
            return event.data.fd;
        epoll_ctl(poll, EPOLL_CTL_DEL, event.data.fd, NULL); /* the server has refused it */
    }
    return -1;
}

/* All clients knock, and those that are served are counted. Returns the last one. */
static int knock_all(const struct stream_load *load, int *fds, int poll)
{
    char line[STREAM_LINE] = { 0 };
    int last = -1, next;

    for (int i = 0; i < KNOCKING; i++) {
        struct epoll_event event = { .events = EPOLLIN };

        event.data.fd = fds[i] = stream_connect(load, i);
        if (epoll_ctl(poll, EPOLL_CTL_ADD, fds[i], &event))
            stream_die("epoll_ctl");
        send(fds[i], line, sizeof line, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    while ((next = knock_served(poll, 300)) >= 0)
        last = next;
    return last;
}

static double measure_knocking_cpu(const struct stream_load *load)
{
    const long ms = bench_quick ? 1000 : 2000;
    int fds[KNOCKING], poll = epoll_create1(EPOLL_CLOEXEC);
    double before;
    uint64_t begin_ns;

    knock_all(load, fds, poll);
    before = stream_cpu_ns(load);
    begin_ns = bench_ns();
    stream_sleep_ms(ms);
    before = 100 * (stream_cpu_ns(load) - before) / (double)(bench_ns() - begin_ns);
    for (int i = 0; i < KNOCKING; i++)
        stream_reset(fds[i]);
    close(poll);
    return before;
}

/* Microseconds from the end of a client that is served until the next one is served. The end is a
   FIN: the server must close, too. */
static double measure_knocking_recovery(const struct stream_load *load)
{
    int fds[KNOCKING], poll = epoll_create1(EPOLL_CLOEXEC), live = knock_all(load, fds, poll);
    double us[RECOVERIES];
    int count = 0;

    while (count < RECOVERIES && live >= 0) {
        uint64_t begin_ns = bench_ns();

        shutdown(live, SHUT_WR);
        epoll_ctl(poll, EPOLL_CTL_DEL, live, NULL);
        live = knock_served(poll, 3000);
        us[count++] = live >= 0 ? (double)(bench_ns() - begin_ns) / 1e3 : NAN;
    }
    for (int i = 0; i < KNOCKING; i++)
        stream_reset(fds[i]);
    close(poll);
    return count && live >= 0 ? bench_median(us, count) : NAN;
}

/* The comparison */

static const struct measured cases[] = {
    { "ping-pong", "ns", "epoll", STREAM_ECHO, 0, measure_many },
    { "ping-pong,one", "ns", "epoll", STREAM_ECHO, 0, measure_one },
    { "bulk", "bytes", "libuv", STREAM_SINK, 0, measure_sink },
    { "bulk,send", "bytes", "libuv", STREAM_SOURCE, 0, measure_source },
    { "accept", "ns", "epoll", STREAM_ECHO, 0, measure_accept },
    { "knocking", "count", NULL, STREAM_ECHO, ALLOWED, measure_knocking_cpu },
    { "knocking,recovery", "us", NULL, STREAM_ECHO, ALLOWED, measure_knocking_recovery },
};
enum { CASES = sizeof cases / sizeof *cases };

static double measure(void *arg)
{
    const struct run *run = arg;
    struct stream_setup setup = { run->server, run->measured->mode, run->is_unix,
                                  run->measured->descriptors };
    struct stream_load load;
    double value;

    stream_begin(&load, &setup);
    value = run->measured->measure(&load);
    stream_end(&load);
    return value;
}

/* The clients run in a child, so that a server that ends badly costs one row only. */
static double forked(void *arg)
{
    return bench_forked(measure, arg);
}

static double value_of(const struct bench_side *sides, const char *who)
{
    for (int i = 0; i < STREAM_SERVERS; i++)
        if (who && !strcmp(sides[i].who, who))
            return sides[i].value;
    return NAN;
}

static void compare(const struct measured *measured, bool is_unix)
{
    struct run runs[STREAM_SERVERS];
    struct bench_side sides[STREAM_SERVERS];
    int count = 0;
    char what[64];

    snprintf(what, sizeof what, "%s,%s", measured->name, is_unix ? "unix" : "tcp");
    for (int i = 0; i < STREAM_SERVERS; i++) {
        sides[i] = (struct bench_side){ servers[i].who, forked, &runs[i], NAN };
        runs[i] = (struct run){ measured, is_unix, &servers[i] };
        if (servers[i].serve || servers[i].program)
            count = i + 1;
    }
    bench_interleave(sides, count, bench_quick ? 3 : measured->descriptors ? 5 : 9);
    for (int i = 0; i < STREAM_SERVERS; i++)
        if (isnan(sides[i].value) && i > 0)
            bench_none(sides[i].who, what, measured->unit);
        else
            bench_row(sides[i].who, what, sides[i].value, measured->unit,
                      measured->against && strcmp(sides[i].who, measured->against)
                          ? measured->against
                          : NULL,
                      value_of(sides, measured->against));
}

int main(int argc, char **argv)
{
    bench_begin(argc, argv, "Measures streams at work, beside plain epoll, libevent and libuv.");
    stream_descriptors();
    stream_servers_find(servers);
    bench_remark("the time is the CPU time of the server process, with what the kernel does in its "
                 "name");
    bench_remark("ping-pong: one round trip of %d bytes, %d on the way; one: a single connection, "
                 "both ends on one core",
                 STREAM_LINE, CONNECTIONS);
    bench_remark("bulk: bytes that the server receives in a second of its time; send: that it "
                 "sends; blocks of %d",
                 STREAM_BLOCK);
    bench_remark("accept: a connection that the peer ends at once: accepted, read to its end, "
                 "closed");
    bench_remark("knocking: %d descriptors, %d clients: percent of a core; recovery: from the end "
                 "of one client until the next one is served, if it waits in the backlog",
                 ALLOWED, KNOCKING);
    for (int i = 0; i < CASES; i++)
        for (int is_unix = 0; is_unix < 2; is_unix++)
            compare(&cases[i], is_unix);
    free((void *)(uintptr_t)servers[STREAM_SERVERS - 1].program);
    return bench_end();
}
