/* Measures the cost of a post to the loop of another thread. The cost is compared with a bare ring,
   and with the loops of other libraries. Each figure comes from a process of its own: this program
   for tocsin, and a program peer_post_… for each other side. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* for pipe2() */
#endif
#include "bench.h"
#include "peer_post.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <tocsin.h>
#include <unistd.h>

/* The functions that measure tocsin */

#define BENCH_POSTED(F) F(u64, producer) F(u64, number) F(u64, value) F(u64, other) F(u64, another)
TOCSIN_LAYOUT(bench_posted, BENCH_POSTED);
_Static_assert(sizeof(struct bench_posted) == sizeof(struct post_message),
               "all peers send the same size");

static int posted;

static int on_posted(const struct tocsin_info *info, void *arg)
{
    const struct bench_posted *message = bench_posted_of(info);

    (void)arg;
    if (message && post_heard(message->producer, message->number, message->value))
        tocsin_stop(0);
    return TOCSIN_NEXT;
}

static void open_loop(void)
{
    posted = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "bench.posted", .doc = "A message.", .layout = &bench_posted_layout });
    post_must(posted > 0 && tocsin_on("bench.posted", on_posted, NULL) >= 0, "tocsin_on");
    post_must(tocsin_loop_turn(0) >= 0, "tocsin_loop_turn");
}

static inline bool post(uint64_t producer, uint64_t number)
{
    int err = tocsin_post(posted,
                          TOCSIN_PAYLOAD(bench_posted, .producer = producer, .number = number,
                                         .value = post_value(producer, number)));

    if (err != TOCSIN_PENDED)
        post_must(err == -EAGAIN, "tocsin_post");
    return err == TOCSIN_PENDED;
}

static void flood(struct post_producer *producer)
{
    post_flood(producer, post);
}

static void receive(void)
{
    post_must(tocsin_run() == 0, "tocsin_run");
}

static uint64_t wakeups(void)
{
    struct tocsin_loop_facts facts;

    post_must(tocsin_loop_get(&facts) == 0, "tocsin_loop_get");
    return facts.wakeups;
}

static void close_loop(void)
{
    tocsin_loop_free();
}

/* Functions that compare tocsin with the other libraries */

static const char *const cases[] = { "producers=1", "producers=2", "producers=4", "idle" };
enum { CASES = sizeof cases / sizeof *cases };

/* One other library, and the results of its runs for each case. */
static struct peer {
    const char *who, *program, *missing;
    char *path;
    const char *what;
    int runs;
    double wakeups[BENCH_PAIRS], refused[BENCH_PAIRS];
} peers[] = { { .who = "tocsin" },
              { .who = "ring", .program = "peer_post_ring", .missing = "not built" },
              { .who = "glib",
                .program = "peer_post_glib",
                .missing = "not built: libglib2.0-dev was not installed" },
              { .who = "libuv",
                .program = "peer_post_libuv",
                .missing = "not built: libuv1-dev was not installed" },
              { .who = "event_active",
                .program = "peer_post_event",
                .missing = "not built: libevent-dev, with libevent_pthreads, was not installed" } };
enum { TOCSIN, RING, PEERS = sizeof peers / sizeof *peers };

static void become(const struct peer *peer, int output)
{
    const char *words[] = { peer->path, "--one", peer->what, bench_quick ? "quick" : NULL, NULL };

    if (peer->program)
        words[1] = words[2], words[2] = words[3], words[3] = NULL;
    dup2(output, STDOUT_FILENO);
    execv(peer->path, (char **)(uintptr_t)words);
    _exit(127);
}

static bool read_numbers(int from, double *numbers)
{
    FILE *file = fdopen(from, "r");
    bool all = file && fscanf(file, "%lf %lf %lf", &numbers[0], &numbers[1], &numbers[2]) == 3;

    if (file)
        fclose(file);
    else
        close(from);
    return all;
}

static double measure(void *arg)
{
    struct peer *peer = arg;
    double numbers[3];
    int ends[2], pid, status = 0;
    bool read;

    if (pipe2(ends, O_CLOEXEC))
        return NAN;
    if ((pid = bench_fork()) == 0)
        become(peer, ends[1]);
    close(ends[1]);
    read = read_numbers(ends[0], numbers);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status || !read || peer->runs == BENCH_PAIRS)
        return NAN;
    peer->wakeups[peer->runs] = numbers[1];
    peer->refused[peer->runs++] = numbers[2];
    return numbers[0];
}

static void find_peers(void)
{
    for (int i = 0; i < PEERS; i++) {
        peers[i].path = peers[i].program ? bench_find(peers[i].program) : strdup(bench_self());
        if (!peers[i].path)
            bench_remark("%s: %s", peers[i].who, peers[i].missing);
    }
    bench_remark("producers=N: N threads post to one loop, as fast as they can; ns per message, "
                 "from the first post to the last delivery");
    bench_remark(
        "idle: one thread posts when the loop sleeps in the kernel; ns from the post until "
        "the producer sees the delivery");
    bench_remark("ring: a bare ring of 1024 cells, an eventfd and poll; wakeups, count: per "
                 "message; count: posts refused for lack of room and repeated");
    bench_remark("glib: g_main_context_invoke_full; libuv, event_active: a list under a lock; "
                 "their lists have no bound, so they refuse nothing");
}

static void print_values(const char *what, const char *unit, const double *values)
{
    for (int i = 0; i < PEERS; i++)
        if (isnan(values[i]) && i != TOCSIN)
            bench_none(peers[i].who, what, unit);
        else
            bench_row(peers[i].who, what, values[i], unit, i == RING ? NULL : "ring", values[RING]);
}

static void compare(const char *what)
{
    double ns[PEERS], woken[PEERS];
    struct bench_side sides[PEERS];
    int places[PEERS], count = 0;

    for (int i = 0; i < PEERS; i++) {
        ns[i] = woken[i] = NAN;
        peers[i].what = what, peers[i].runs = 0;
        if (peers[i].path)
            sides[count] = (struct bench_side){ peers[i].who, measure, &peers[i], NAN },
            places[count++] = i;
    }
    bench_interleave(sides, count, bench_quick ? 3 : 9);
    for (int side = 0; side < count; side++) {
        struct peer *peer = &peers[places[side]];

        ns[places[side]] = sides[side].value;
        woken[places[side]] = bench_median(peer->wakeups, peer->runs);
    }
    print_values(what, "ns", ns);
    print_values(what, "wakeups", woken);
    for (int i = TOCSIN; i <= RING; i++)
        bench_row(peers[i].who, what, bench_median(peers[i].refused, peers[i].runs), "count", NULL,
                  0);
}

int main(int argc, char **argv)
{
    const struct post_side side = { open_loop, post, flood, receive, wakeups, close_loop };

    if (argc > 2 && !strcmp(argv[1], "--one"))
        return post_main(&side, argc - 1, argv + 1);
    bench_begin(argc, argv,
                "Measures a post to the loop of another thread, beside a bare ring and other "
                "loops.");
    find_peers();
    for (int i = 0; i < CASES; i++)
        compare(cases[i]);
    return bench_end();
}
