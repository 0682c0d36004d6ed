/* Other threads for a test to command: each does one thing at a time, as it is told, so what several loops do has an order that the test chose. */
#ifndef TOCSIN_T_PEERS_H
#define TOCSIN_T_PEERS_H

#include <pthread.h>
#include <semaphore.h>

#include "told.h"

struct peer {
    pthread_t thread;
    sem_t told, done;
    int (*does)(void *arg);                            /* NULL: it ends */
    void *arg;
    int answer;
};

static void *peer_run(void *arg)
{
    struct peer *peer = arg;

    for (;;) {
        while (sem_wait(&peer->told) < 0)
            ;
        if (!peer->does)
            return NULL;
        peer->answer = peer->does(peer->arg);
        sem_post(&peer->done);
    }
}

/* A thread without a loop, until it does something that makes one. */
TOCSIN__UNUSED static void peer_begin(struct peer *peer)
{
    ck_assert_int_eq(sem_init(&peer->told, 0, 0), 0);
    ck_assert_int_eq(sem_init(&peer->done, 0, 0), 0);
    ck_assert_int_eq(pthread_create(&peer->thread, NULL, peer_run, peer), 0);
}

TOCSIN__UNUSED static void peer_starts(struct peer *peer, int (*does)(void *arg), void *arg)
{
    peer->does = does;
    peer->arg = arg;
    sem_post(&peer->told);
}

TOCSIN__UNUSED static int peer_finishes(struct peer *peer)
{
    while (sem_wait(&peer->done) < 0)
        ;
    return peer->answer;
}

TOCSIN__UNUSED static int peer_does(struct peer *peer, int (*does)(void *arg), void *arg)
{
    peer_starts(peer, does, arg);
    return peer_finishes(peer);
}

/* The thread ends, and leaves its loop behind if it has one. */
TOCSIN__UNUSED static void peer_leaves(struct peer *peer)
{
    peer->does = NULL;
    sem_post(&peer->told);
    ck_assert_int_eq(pthread_join(peer->thread, NULL), 0);
    sem_destroy(&peer->told);
    sem_destroy(&peer->done);
}

/* What peers are told to do */

TOCSIN__UNUSED static int do_free(void *none)
{
    (void)none;
    return tocsin_free();
}

TOCSIN__UNUSED static int do_turn(void *none)
{
    (void)none;
    return tocsin_turn(0);
}

/* Turns until there is nothing to do. */
TOCSIN__UNUSED static int do_turns(void *none)
{
    int count, sum = 0;

    (void)none;
    while ((count = tocsin_turn(0)) > 0)
        sum += count;
    return count < 0 ? count : sum;
}

TOCSIN__UNUSED static int do_loop(void *ret_loop)
{
    *(struct tocsin_loop *)ret_loop = tocsin_loop_current();
    return 0;
}

/* The thread ends, and had nothing left. */
TOCSIN__UNUSED static void peer_end(struct peer *peer)
{
    ck_assert_int_eq(peer_does(peer, do_free, NULL), 0);
    peer_leaves(peer);
}

#endif
