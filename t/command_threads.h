/* Threads that run one function at a time, when the test asks for it. So a test chooses the order
   in which several loops act. */
#ifndef TOCSIN_T_COMMAND_THREADS_H
#define TOCSIN_T_COMMAND_THREADS_H

#include <pthread.h>
#include <semaphore.h>

#include "handlers.h"

struct peer {
    pthread_t thread;
    sem_t told, done;
    int (*does)(void *arg); /* the function to run; NULL ends the thread */
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

/* Starts a thread. The thread has no loop at first. */
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

/* Ends the thread without a call of tocsin_loop_free(). If the thread has a loop, the end of the
   thread frees the loop. */
TOCSIN__UNUSED static void peer_leaves(struct peer *peer)
{
    peer->does = NULL;
    sem_post(&peer->told);
    ck_assert_int_eq(pthread_join(peer->thread, NULL), 0);
    sem_destroy(&peer->told);
    sem_destroy(&peer->done);
}

/* Functions that a command thread can run */

TOCSIN__UNUSED static int do_free(void *none)
{
    (void)none;
    return tocsin_loop_free();
}

TOCSIN__UNUSED static int do_turn(void *none)
{
    (void)none;
    return tocsin_loop_turn(0);
}

/* Runs turns until a turn finds nothing to do. Returns the sum of the turns' results, or the
   negative errno of the turn that failed. */
TOCSIN__UNUSED static int do_turns(void *none)
{
    int count, sum = 0;

    (void)none;
    while ((count = tocsin_loop_turn(0)) > 0)
        sum += count;
    return count < 0 ? count : sum;
}

TOCSIN__UNUSED static int do_loop(void *ret_loop)
{
    *(struct tocsin_loop *)ret_loop = tocsin_loop_current();
    return 0;
}

/* Frees the loop of the thread, and ends the thread. The test fails if an object is left in the
   loop. */
TOCSIN__UNUSED static void peer_end(struct peer *peer)
{
    ck_assert_int_eq(peer_does(peer, do_free, NULL), 0);
    peer_leaves(peer);
}

#endif
