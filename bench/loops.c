/* Measures how the cost of emissions grows with the number of loops. Two threads emit at the same
   time, each on its own loop. Their time is compared with the time of one thread. The same is
   measured with threads that walk over arrays of function pointers. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* for sched_setaffinity() */
#endif
#include "bench.h"
#include "raw.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <tocsin.h>

enum { LANES = 2, BATCHES = 300, SERVE_EVERY = 256 };

#define BENCH_COUNTED(F) F(u64, number)
TOCSIN_LAYOUT(bench_counted, BENCH_COUNTED);

/* The data of one thread. The cache lines that hold these data hold no data of another thread. */
struct lane {
    _Alignas(128) int index;
    int signo;
    struct raw_list *list;
    struct tocsin_info info;
    /* the number of emissions of this thread in this batch; 0 means that the thread only runs its
       loop */
    long emits;
    /* `due` is the number of deliveries that end the batch; `refused` counts the emissions that
       were refused */
    uint64_t due, refused;
    uint64_t begin_ns, end_ns;
};

static __thread uint64_t heard;

static int bench_handler(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    heard++;
    return TOCSIN_NEXT;
}

static void must(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "bench/loops: %s failed\n", what);
    exit(1);
}

/* The emitting functions of tocsin and of the raw loops */

static void open_signal(struct lane *lane, const char *name)
{
    lane->signo = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = name, .layout = &bench_counted_layout });
    must(lane->signo > 0 && tocsin_on(name, bench_handler, NULL) >= 0 && tocsin_loop_turn(0) >= 0,
         "tocsin_on");
}

static void open_own(struct lane *lane)
{
    open_signal(lane, lane->index ? "bench.mine" : "bench.yours");
}

static void open_same(struct lane *lane)
{
    open_signal(lane, "bench.ours");
}

static void emit_own(struct lane *lane)
{
    const struct tocsin_payload *payload = TOCSIN_PAYLOAD(bench_counted, .number = 7);

    for (long i = 0; i < lane->emits; i++)
        tocsin_emit(lane->signo, payload);
}

/* Emits until the emission is accepted. The emission is refused while the inbox of the other loop
   is full. The other loop may in turn wait for this loop, so this function runs turns between the
   attempts. */
static void emit_surely(struct lane *lane, const struct tocsin_payload *payload)
{
    int err;

    while ((err = tocsin_emit(lane->signo, payload)) < 0) {
        must(err == -EAGAIN, "tocsin_emit");
        lane->refused++;
        tocsin_loop_turn(0);
        sched_yield();
    }
}

static void emit_same(struct lane *lane)
{
    const struct tocsin_payload *payload = TOCSIN_PAYLOAD(bench_counted, .number = 7);

    for (long i = 0; i < lane->emits; i++) {
        emit_surely(lane, payload);
        if (i % SERVE_EVERY == SERVE_EVERY - 1)
            tocsin_loop_turn(0);
    }
    while (heard < lane->due)
        must(tocsin_loop_turn(0) >= 0, "tocsin_loop_turn");
}

static void close_loop(struct lane *lane)
{
    (void)lane;
    tocsin_loop_free();
}

static const struct bench_counted raw_payload = { .tocsin = { &bench_counted_layout },
                                                  .number = 7 };
static struct raw_list shared_list = { .count = 1, .items = { { bench_handler, NULL } } };

static void open_shared_list(struct lane *lane)
{
    lane->list = &shared_list;
    lane->info.payload = &raw_payload.tocsin;
}

static void open_own_list(struct lane *lane)
{
    open_shared_list(lane);
    lane->list = aligned_alloc(128, (sizeof *lane->list + 127) / 128 * 128);
    must(lane->list, "aligned_alloc");
    *lane->list = shared_list;
}

static void emit_raw(struct lane *lane)
{
    for (long i = 0; i < lane->emits; i++)
        raw_emit(lane->list, &lane->info);
}

static void close_list(struct lane *lane)
{
    if (lane->list != &shared_list)
        free(lane->list);
}

static const struct side {
    const char *who, *what;
    void (*open)(struct lane *lane), (*emit)(struct lane *lane), (*close)(struct lane *lane);
    bool crosses; /* true if the other loop also receives each emission of this loop */
} sides[] = { { "tocsin", "own", open_own, emit_own, close_loop, false },
              { "raw", "own", open_own_list, emit_raw, close_list, false },
              { "tocsin", "same", open_same, emit_same, close_loop, true },
              { "raw", "same", open_shared_list, emit_raw, close_list, false } };
enum { SIDES = sizeof sides / sizeof *sides };

/* Functions that run a batch, in which one thread emits, or both threads emit at once */

static struct course {
    const struct side *side;
    struct lane lanes[LANES];
    /* The second thread waits for this semaphore between batches, so that it does not slow down the
       first thread. */
    sem_t wanted;
    bool over;
    _Alignas(128) _Atomic unsigned met;
} course;

static void run_lane(struct lane *lane)
{
    heard = 0;
    lane->begin_ns = bench_ns();
    course.side->emit(lane);
    lane->end_ns = bench_ns();
    must(heard == lane->due, "receiving all deliveries");
}

/* A barrier: both threads wait here without sleeping. The counter only increases, so a late thread
   cannot miss the moment at which both may continue. */
static void meet(void)
{
    unsigned enough = (atomic_fetch_add(&course.met, 1) / LANES + 1) * LANES;

    for (int i = 1; atomic_load(&course.met) < enough; i++)
        if (i % 1000 == 0)
            sched_yield();
}

static void run_with_the_other(struct lane *lane)
{
    meet();
    run_lane(lane);
    meet();
}

/* Binds each thread to a processor of its own. Otherwise the scheduler may keep both threads on one
   processor for a while. */
static void settle(int index)
{
    cpu_set_t all, own;

    must(!sched_getaffinity(0, sizeof all, &all), "sched_getaffinity");
    CPU_ZERO(&own);
    for (int cpu = 0, nth = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &all) && nth++ == index)
            CPU_SET(cpu, &own);
    if (CPU_COUNT(&own))
        sched_setaffinity(0, sizeof own, &own);
}

static void *second(void *arg)
{
    struct lane *lane = arg;

    settle(lane->index);
    course.side->open(lane);
    meet();
    for (;;) {
        sem_wait(&course.wanted);
        if (course.over)
            break;
        run_with_the_other(lane);
    }
    course.side->close(lane);
    return NULL;
}

/* Returns the nanoseconds per emission, for the emissions of all threads together. The time is from
   the start of the first thread to the end of the last thread. */
static double batch(int threads, long count)
{
    struct lane *lanes = course.lanes;
    uint64_t begin, end;
    int lanes_used = course.side->crosses ? LANES : threads;

    for (int i = 0; i < lanes_used; i++) {
        lanes[i].emits = i < threads ? count : 0;
        lanes[i].due = (uint64_t)(course.side->crosses ? threads * count : count);
    }
    if (lanes_used == 1) {
        run_lane(&lanes[0]);
    } else {
        sem_post(&course.wanted);
        run_with_the_other(&lanes[0]);
    }
    begin = lanes[0].begin_ns, end = lanes[0].end_ns;
    for (int i = 1; i < lanes_used; i++) {
        begin = lanes[i].begin_ns < begin ? lanes[i].begin_ns : begin;
        end = lanes[i].end_ns > end ? lanes[i].end_ns : end;
    }
    return (double)(end - begin) / (double)(threads * count);
}

/* Functions that run each measurement in a process of its own */

static struct figures {
    double one_ns, two_ns, refused;
} * figures; /* The child process stores its results here, in shared memory. */

static long enough(void)
{
    const double enough_ns = course.side->crosses ? 1e6 : 2e5;
    long count = 1024;

    while (batch(1, count) * (double)count < enough_ns)
        count *= 2;
    return count;
}

/* Takes the minimum of many short batches, with one thread and with two threads in turn. During the
   batch with the minimal time, no other program used the processors. */
static void run_batches(void)
{
    int batches = BATCHES / (course.side->crosses ? 5 : 1) / (bench_quick ? 5 : 1);
    long count = enough();
    double two_ns;

    *figures = (struct figures){ INFINITY, INFINITY, 0 };
    course.lanes[0].refused = course.lanes[1].refused = 0;
    for (int i = 0; i < batches; i++) {
        figures->one_ns = fmin(figures->one_ns, batch(1, count));
        two_ns = batch(2, count);
        figures->two_ns = fmin(figures->two_ns, two_ns);
    }
    figures->refused = (double)(course.lanes[0].refused + course.lanes[1].refused) /
                       (double)(count * 3 * batches);
}

static double run(void *arg)
{
    pthread_t thread;

    course.side = arg;
    for (int i = 0; i < LANES; i++)
        course.lanes[i].index = i;
    sem_init(&course.wanted, 0, 0);
    must(!pthread_create(&thread, NULL, second, &course.lanes[1]), "pthread_create");
    /* The new thread inherits the binding to a processor, so the binding is set before the thread
       is created. */
    settle(course.lanes[0].index);
    course.side->open(&course.lanes[0]);
    meet();
    run_batches();
    course.over = true;
    sem_post(&course.wanted);
    pthread_join(thread, NULL);
    course.side->close(&course.lanes[0]);
    return figures->one_ns / figures->two_ns;
}

/* Functions that compare tocsin with the raw loops */

struct runs {
    const struct side *side;
    int count;
    double one_ns[BENCH_PAIRS], two_ns[BENCH_PAIRS], refused[BENCH_PAIRS];
};

static double measure(void *arg)
{
    struct runs *runs = arg;
    double scaling = bench_forked(run, (void *)(uintptr_t)runs->side);

    if (isnan(scaling) || runs->count == BENCH_PAIRS)
        return NAN;
    runs->one_ns[runs->count] = figures->one_ns;
    runs->two_ns[runs->count] = figures->two_ns;
    runs->refused[runs->count++] = figures->refused;
    return scaling;
}

static void print_case(const char *what, const char *suffix, double tocsin, double raw,
                       const char *unit)
{
    char label[64];

    snprintf(label, sizeof label, "%s,%s", what, suffix);
    bench_row("tocsin", label, tocsin, unit, "raw", raw);
    bench_row("raw", label, raw, unit, NULL, 0);
}

/* The row of tocsin has a ratio: its value divided by the value of the raw loops of the same
   kind. */
static void print_values(const struct runs *runs, const struct bench_side *compared)
{
    const struct runs *tocsin = &runs[0], *raw = &runs[1];
    const char *what = tocsin->side->what;

    print_case(what, "threads=1", bench_median(tocsin->one_ns, tocsin->count),
               bench_median(raw->one_ns, raw->count), "ns");
    print_case(what, "threads=2", bench_median(tocsin->two_ns, tocsin->count),
               bench_median(raw->two_ns, raw->count), "ns");
    print_case(what, "scaling", compared[0].value, compared[1].value, "count");
    if (tocsin->side->crosses)
        bench_row("tocsin", "same,refused", bench_median(tocsin->refused, tocsin->count), "count",
                  NULL, 0);
}

int main(int argc, char **argv)
{
    struct runs runs[SIDES];
    struct bench_side compared[SIDES];

    bench_begin(argc, argv,
                "Measures how emission scales: two threads that emit at once, compared with one.");
    figures = mmap(NULL, sizeof *figures, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                   0);
    must(figures != MAP_FAILED, "mmap");
    for (int i = 0; i < SIDES; i++) {
        runs[i] = (struct runs){ .side = &sides[i] };
        compared[i] = (struct bench_side){ sides[i].who, measure, &runs[i], NAN };
    }
    bench_interleave(compared, SIDES, bench_quick ? 3 : 9);
    bench_remark("ns: per emission of all threads together; scaling: emissions per second of two "
                 "threads at once over those of one");
    bench_remark(
        "own: a signal for each thread, handled only by its own loop; raw: an array for each");
    print_values(&runs[0], &compared[0]);
    bench_remark("same: both loops handle one signal, so each emission is delivered twice, once "
                 "through an inbox; a turn every %d emissions",
                 SERVE_EVERY);
    bench_remark("same, threads=1: one emits, both handle it; raw: one array, nothing crosses; "
                 "refused: an emission that is repeated");
    print_values(&runs[2], &compared[2]);
    return bench_end();
}
