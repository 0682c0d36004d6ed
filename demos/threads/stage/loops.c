#ifndef _GNU_SOURCE
#define _GNU_SOURCE                                    /* gettid, pthread_setname_np */
#endif
#include "loops.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pulse.h"
#include "show.h"

static struct loop loops[LOOPS];
static pthread_t threads[PARTIES];
static pthread_barrier_t all_hear, all_quiet;

struct tocsin_loop party_loop(enum party loop)
{
    return loops[loop].id;
}

const struct loop *loops_get(enum party loop)
{
    return &loops[loop];
}

_Noreturn static void die(enum party party, const char *what, int err)
{
    fprintf(stderr, "loops: %s: %s: %s\n", party_name(party), what, tocsin_strerror(err));
    exit(1);
}

static void enter(enum party party)
{
    party_enter(party);
    if (party != MAIN)
        pthread_setname_np(pthread_self(), party_name(party));
}

/* A loop, from the first handler, which makes it, to tocsin_free. All meet twice: nobody sends before all hear, so a post to all reaches four; and no
   loop ends before all are quiet, so what is in its inbox by then is all that there will be, and tocsin_free delivers it. */

static void hear(enum party loop)
{
    int err = show_hear();

    if (err == 0)
        err = pulse_hear(loop);
    for (int i = 0; i < SIGNALS && err == 0; i++)
        if (traffics[i]->heard_on & BIT(loop))
            err = traffics[i]->hear();
    if (err < 0)
        die(loop, "cannot listen", err);
    loops[loop].id = tocsin_loop_current();
    loops[loop].thread = gettid();
}

static void say(enum party loop)
{
    int err = pulse_start();

    for (int i = 0; i < SIGNALS && err == 0; i++)
        if (traffics[i]->say)
            err = traffics[i]->say(loop);
    if (err < 0)
        die(loop, "cannot begin", err);
}

static void run(enum party loop)
{
    int64_t from_us = tocsin_now();

    say(loop);
    loops[loop].status = tocsin_run();
    loops[loop].ran_us = tocsin_now() - from_us;
}

static void end(enum party loop)
{
    tocsin_loop_get(&loops[loop].facts);
    loops[loop].left = tocsin_free();
}

static void *live(void *arg)
{
    enum party loop = (enum party)((struct loop *)arg - loops);

    enter(loop);
    hear(loop);
    pthread_barrier_wait(&all_hear);
    run(loop);
    pthread_barrier_wait(&all_quiet);
    end(loop);
    return NULL;
}

/* Threads without a loop */

static enum party sender(const struct traffic *traffic)
{
    return (enum party)__builtin_ctz(traffic->said_by & ~ALL);
}

static void *send(void *arg)
{
    const struct traffic *traffic = arg;

    enter(sender(traffic));
    traffic->thread();
    return NULL;
}

static void start(enum party party, void *(*body)(void *), const void *arg)
{
    int err = pthread_create(&threads[party], NULL, body, (void *)arg);

    if (err)
        die(party, "no thread", -err);
}

static void start_senders(void)
{
    for (int i = 0; i < SIGNALS; i++)
        if (traffics[i]->thread)
            start(sender(traffics[i]), send, traffics[i]);
}

static void join_senders(void)
{
    for (int i = 0; i < SIGNALS; i++)
        if (traffics[i]->thread)
            pthread_join(threads[sender(traffics[i])], NULL);
}

/* Threads are made with all signals blocked: the main one alone is interrupted. */
static void start_quietly(void (*start_them)(void))
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    start_them();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void start_loops(void)
{
    for (enum party loop = MAIN + 1; loop < LOOPS; loop++)
        start(loop, live, &loops[loop]);
}

static void join_loops(void)
{
    for (enum party loop = MAIN + 1; loop < LOOPS; loop++)
        pthread_join(threads[loop], NULL);
}

int loops_run(int (*begin)(void))
{
    int err = show_open();

    pthread_barrier_init(&all_hear, NULL, LOOPS);
    pthread_barrier_init(&all_quiet, NULL, LOOPS);
    if (err == 0)
        err = pulse_open();
    if (err < 0)
        return err;
    enter(MAIN);
    hear(MAIN);
    start_quietly(start_loops);
    pthread_barrier_wait(&all_hear);
    err = begin();
    if (err < 0)
        die(MAIN, "cannot begin", err);
    start_quietly(start_senders);
    run(MAIN);
    join_senders();
    pthread_barrier_wait(&all_quiet);
    join_loops();
    end(MAIN);                                         /* last: until then it takes the user's Ctrl-C */
    pthread_barrier_destroy(&all_hear);
    pthread_barrier_destroy(&all_quiet);
    return 0;
}
