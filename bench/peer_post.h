/* What bench/post and its peers share: the message, the producers that post it, what is checked, and what a run prints. */
#ifndef BENCH_PEER_POST_H
#define BENCH_PEER_POST_H

#include <sched.h>
#include <stdatomic.h>

#include "bench.h"

enum { POST_PRODUCERS = 4 };

/* 48 bytes, as all send them: tocsin's payload has its layout in front. */
struct post_message { uint64_t spare, producer, number, value, others[2]; };

/* The same for all: any word that depends on both. */
static inline uint64_t post_value(uint64_t producer, uint64_t number)
{
    return number ^ producer;
}

/* ---- receiving ---- */

struct post_check {
    uint64_t next[POST_PRODUCERS];        /* the number that is due from each */
    uint64_t sum, wrong, expected;
    _Atomic uint64_t heard;
};
extern struct post_check post_check;

/* Called for each message by the handler of each side. True: it was the last one. */
static inline bool post_heard(uint64_t producer, uint64_t number, uint64_t value)
{
    uint64_t heard = atomic_load_explicit(&post_check.heard, memory_order_relaxed) + 1;

    post_check.wrong += number != post_check.next[producer % POST_PRODUCERS]++;
    post_check.sum += value;
    atomic_store_explicit(&post_check.heard, heard, memory_order_release);
    return heard == post_check.expected;
}

/* ---- posting ---- */

struct post_producer {
    uint64_t index, count;
    uint64_t first_ns;                    /* when it posted its first */
    uint64_t refused;                     /* for lack of room: it yields, and tries again */
};

static inline void post_surely(struct post_producer *producer, uint64_t number, bool (*post)(uint64_t producer, uint64_t number))
{
    while (!post(producer->index, number)) {
        producer->refused++;
        sched_yield();
    }
}

/* In a function of each side, so that its post may be inlined. */
static inline __attribute__((always_inline)) void post_flood(struct post_producer *producer, bool (*post)(uint64_t producer, uint64_t number))
{
    for (uint64_t number = 0; number < producer->count; number++)
        post_surely(producer, number, post);
}

/* ---- a side ---- */

struct post_side {
    void (*open)(void);                   /* on the receiving thread, as all but post and flood */
    bool (*post)(uint64_t producer, uint64_t number);     /* any thread; false: there is no room */
    void (*flood)(struct post_producer *producer);        /* post_flood with post */
    void (*receive)(void);                /* returns when post_heard has answered true */
    uint64_t (*wakeups)(void);            /* how often it was woken so far */
    void (*close)(void);
};

/* A side's whole program: PROGRAM CASE [quick] prints nanoseconds, wake-ups and refusals a message. */
int post_main(const struct post_side *side, int argc, char **argv);

void post_must(bool done, const char *what);              /* ends the program */

/* ---- a list under a lock, for those that have none of their own ---- */

struct post_node { struct post_node *next; struct post_message message; };

void post_list_add(const struct post_message *message);
struct post_node *post_list_take(void);   /* all, the oldest first; free(3) each */

#endif
