#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* for gettid() */
#endif
#include "peer_post.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* each producer first posts this many messages, which are not measured */
enum { WARM = 1 << 14, IDLE_WARM = 64 };

_Alignas(128) struct post_check post_check;

void post_must(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "bench/post: %s failed\n", what);
    exit(1);
}

/* Functions for the case "idle": a producer posts the next message when the receiver sleeps */

static int receiver_stat = -1;

static void watch_receiver(void)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)gettid());
    receiver_stat = open(path, O_RDONLY | O_CLOEXEC);
    post_must(receiver_stat >= 0, path);
}

/* Reads the state of the receiver's thread from its stat file. In that file the state follows the
   name, which is in parentheses. */
static bool receiver_sleeps(void)
{
    char text[128] = "";
    ssize_t length = pread(receiver_stat, text, sizeof text - 1, 0);
    const char *state = strrchr(text, ')');

    post_must(length > 0 && state, "reading the state of a thread");
    return !strncmp(state, ") S", 3);
}

static uint64_t idle_ns;

/* Posts the messages one by one. The time in which the receiver falls asleep is not measured. */
static void post_idle(const struct post_side *side, struct post_producer *producer)
{
    idle_ns = 0;
    for (uint64_t number = 0; number < producer->count; number++) {
        uint64_t begin;

        while (!receiver_sleeps())
            sched_yield();
        begin = bench_ns();
        post_surely(producer, number, side->post);
        while (atomic_load_explicit(&post_check.heard, memory_order_acquire) <= number)
            ;
        idle_ns += bench_ns() - begin;
    }
}

/* Functions that run a round, in which several producers post a number of messages */

struct round {
    const struct post_side *side;
    bool idle;
    uint64_t producers, count;
    pthread_barrier_t begin;
    double ns, wakeups, refused; /* the results of the round for one message */
};

struct thread {
    pthread_t id;
    struct round *round;
    struct post_producer producer;
};

static void *produce(void *arg)
{
    struct thread *thread = arg;

    pthread_barrier_wait(&thread->round->begin);
    thread->producer.first_ns = bench_ns();
    if (thread->round->idle)
        post_idle(thread->round->side, &thread->producer);
    else
        thread->round->side->flood(&thread->producer);
    return NULL;
}

static void check(const struct round *round)
{
    uint64_t sum = 0;

    for (uint64_t producer = 0; producer < round->producers; producer++)
        for (uint64_t number = 0; number < round->count; number++)
            sum += post_value(producer, number);
    post_must(post_check.heard == post_check.expected && !post_check.wrong && post_check.sum == sum,
              "checking the number and order of messages:");
}

static void run_round(struct round *round)
{
    struct thread threads[POST_PRODUCERS] = { { .round = NULL } };
    uint64_t messages = round->producers * round->count, first = UINT64_MAX, refused = 0, woken,
             last;

    memset(&post_check, 0, sizeof post_check);
    post_check.expected = messages;
    pthread_barrier_init(&round->begin, NULL, (unsigned)round->producers + 1);
    for (uint64_t i = 0; i < round->producers; i++) {
        threads[i].round = round, threads[i].producer.index = i,
        threads[i].producer.count = round->count;
        post_must(!pthread_create(&threads[i].id, NULL, produce, &threads[i]), "pthread_create");
    }
    woken = round->side->wakeups();
    pthread_barrier_wait(&round->begin);
    round->side->receive();
    last = bench_ns();
    woken = round->side->wakeups() - woken;
    for (uint64_t i = 0; i < round->producers; i++) {
        pthread_join(threads[i].id, NULL);
        first = threads[i].producer.first_ns < first ? threads[i].producer.first_ns : first;
        refused += threads[i].producer.refused;
    }
    pthread_barrier_destroy(&round->begin);
    check(round);
    round->ns = (double)(round->idle ? idle_ns : last - first) / (double)messages;
    round->wakeups = (double)woken / (double)messages;
    round->refused = (double)refused / (double)messages;
}

/* A short run shows how many messages are needed to fill the measured time. */
static void run_rounds(struct round *round, double enough_ns)
{
    double count;

    round->count = round->idle ? IDLE_WARM : WARM;
    run_round(round);
    count = enough_ns / (round->ns * (double)round->producers);
    round->count = count < 1000 ? 1000 : (uint64_t)count;
    run_round(round);
}

static bool read_case(struct round *round, const char *what)
{
    round->idle = !strcmp(what, "idle");
    round->producers = round->idle                        ? 1
                       : !strncmp(what, "producers=", 10) ? (uint64_t)atoi(what + 10)
                                                          : 0;
    return round->producers >= 1 && round->producers <= POST_PRODUCERS;
}

int post_main(const struct post_side *side, int argc, char **argv)
{
    bool quick = argc == 3 && !strcmp(argv[2], "quick");
    struct round round = { .side = side };

    if (argc < 2 || argc > 3 || !read_case(&round, argv[1]))
        return 2;
    watch_receiver();
    side->open();
    run_rounds(&round, (quick ? 3e7 : 3e8) / (round.idle ? 10 : 1));
    side->close();
    printf("%.9f %.9f %.9f\n", round.ns, round.wakeups, round.refused);
    return fflush(stdout) ? 1 : 0;
}

/* A list under a lock, for peers that have no queue of their own */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct post_node *first, **last = &first;

void post_list_add(const struct post_message *message)
{
    struct post_node *node = malloc(sizeof *node);

    post_must(node, "malloc");
    node->next = NULL;
    node->message = *message;
    pthread_mutex_lock(&lock);
    *last = node;
    last = &node->next;
    pthread_mutex_unlock(&lock);
}

struct post_node *post_list_take(void)
{
    struct post_node *all;

    pthread_mutex_lock(&lock);
    all = first;
    first = NULL;
    last = &first;
    pthread_mutex_unlock(&lock);
    return all;
}
