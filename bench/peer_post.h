/* Code that bench/post shares with its peers: the message, the producers, the checks, and the
   output. */
#ifndef BENCH_PEER_POST_H
#define BENCH_PEER_POST_H

#include <sched.h>
#include <stdatomic.h>

#include "bench.h"

enum { POST_PRODUCERS = 4 };

/* The message has 48 bytes for all peers. tocsin's payload begins with a pointer to its layout,
   which takes the place of the member spare. */
struct post_message {
    uint64_t spare, producer, number, value, others[2];
};

/* Returns a value that depends on the producer and the number. All peers compute the value in the
   same way. */
static inline uint64_t post_value(uint64_t producer, uint64_t number)
{
    return number ^ producer;
}

/* The counters with which the receiver checks the messages */

struct post_check {
    /* the number of the next message that must arrive from each producer */
    uint64_t next[POST_PRODUCERS];
    uint64_t sum, wrong, expected;
    _Atomic uint64_t heard;
};
extern struct post_check post_check;

/* The handler of each measured library calls this function for each message. The function returns
   true for the last message. */
static inline bool post_heard(uint64_t producer, uint64_t number, uint64_t value)
{
    uint64_t heard = atomic_load_explicit(&post_check.heard, memory_order_relaxed) + 1;

    post_check.wrong += number != post_check.next[producer % POST_PRODUCERS]++;
    post_check.sum += value;
    atomic_store_explicit(&post_check.heard, heard, memory_order_release);
    return heard == post_check.expected;
}

/* The counters of one producer */

struct post_producer {
    uint64_t index, count;
    uint64_t first_ns; /* the time when the producer posted its first message */
    /* the number of posts that were refused for lack of room; the producer yields and repeats such
       a post */
    uint64_t refused;
};

static inline void post_surely(struct post_producer *producer, uint64_t number,
                               bool (*post)(uint64_t producer, uint64_t number))
{
    while (!post(producer->index, number)) {
        producer->refused++;
        sched_yield();
    }
}

/* The function is always inlined, so that the compiler can inline the post function of each
   measured library. */
static inline __attribute__((always_inline)) void
post_flood(struct post_producer *producer, bool (*post)(uint64_t producer, uint64_t number))
{
    for (uint64_t number = 0; number < producer->count; number++)
        post_surely(producer, number, post);
}

/* The functions of one measured library */

struct post_side {
    void (*open)(void); /* open, receive and close are called on the receiving thread */
    /* post may be called on any thread; it returns false if the queue has no room */
    bool (*post)(uint64_t producer, uint64_t number);
    /* flood calls post_flood() with the post function of this library */
    void (*flood)(struct post_producer *producer);
    /* receive returns when post_heard() has returned true */
    void (*receive)(void);
    /* wakeups returns how often the receiver was woken */
    uint64_t (*wakeups)(void);
    void (*close)(void);
};

/* The main function of the program that measures one library. The command PROGRAM CASE [quick]
   prints the nanoseconds, wake-ups and refusals of one message. */
int post_main(const struct post_side *side, int argc, char **argv);

/* if done is false, prints the failure and ends the program */
void post_must(bool done, const char *what);

/* This list under a lock is for peers that have no queue of their own. */

struct post_node {
    struct post_node *next;
    struct post_message message;
};

void post_list_add(const struct post_message *message);
/* takes all nodes, the oldest node first; the caller frees each node with free(3) */
struct post_node *post_list_take(void);

#endif
