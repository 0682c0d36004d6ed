#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* for gettid() and pthread_setname_np() */
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

/* The functions of a loop, from its first handler, which creates the loop, to tocsin_loop_free().
   All loops wait for each other twice. No loop sends before all loops are connected, so a post to
   all loops reaches four loops. No loop is freed before all loops have stopped sending. So
   tocsin_loop_free() delivers every message of the loop's inbox. */

static void connect_handlers(enum party loop)
{
    int err = show_hear();

    if (err == 0)
        err = pulse_hear(loop);
    for (int i = 0; i < SIGNALS && err == 0; i++)
        if (traffics[i]->handled_on & BIT(loop))
            err = traffics[i]->connect();
    if (err < 0)
        die(loop, "cannot connect", err);
    loops[loop].id = tocsin_loop_current();
    loops[loop].thread = gettid();
}

static void begin_sending(enum party loop)
{
    int err = pulse_start();

    for (int i = 0; i < SIGNALS && err == 0; i++)
        if (traffics[i]->start)
            err = traffics[i]->start(loop);
    if (err < 0)
        die(loop, "cannot start", err);
}

static void run(enum party loop)
{
    int64_t from_us = tocsin_now();

    begin_sending(loop);
    loops[loop].status = tocsin_run();
    loops[loop].ran_us = tocsin_now() - from_us;
}

static void end(enum party loop)
{
    tocsin_loop_get(&loops[loop].facts);
    loops[loop].left = tocsin_loop_free();
}

static void *loop_main(void *arg)
{
    enum party loop = (enum party)((struct loop *)arg - loops);

    enter(loop);
    connect_handlers(loop);
    pthread_barrier_wait(&all_hear);
    run(loop);
    pthread_barrier_wait(&all_quiet);
    end(loop);
    return NULL;
}

/* Functions of the threads that send and have no loop */

static enum party sender(const struct traffic *traffic)
{
    return (enum party)__builtin_ctz(traffic->sent_by & ~ALL);
}

static void *sender_main(void *arg)
{
    const struct traffic *traffic = arg;

    enter(sender(traffic));
    traffic->thread();
    return NULL;
}

static void thread_start(enum party party, void *(*body)(void *), const void *arg)
{
    int err = pthread_create(&threads[party], NULL, body, (void *)arg);

    if (err)
        die(party, "cannot create its thread", -err);
}

static void start_senders(void)
{
    for (int i = 0; i < SIGNALS; i++)
        if (traffics[i]->thread)
            thread_start(sender(traffics[i]), sender_main, traffics[i]);
}

static void join_senders(void)
{
    for (int i = 0; i < SIGNALS; i++)
        if (traffics[i]->thread)
            pthread_join(threads[sender(traffics[i])], NULL);
}

/* Creates threads with all signals blocked, so that real signals interrupt only the main thread. */
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
        thread_start(loop, loop_main, &loops[loop]);
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
    connect_handlers(MAIN);
    start_quietly(start_loops);
    pthread_barrier_wait(&all_hear);
    err = begin();
    if (err < 0)
        die(MAIN, "cannot start", err);
    start_quietly(start_senders);
    run(MAIN);
    join_senders();
    pthread_barrier_wait(&all_quiet);
    join_loops();
    end(MAIN); /* the main loop ends last, since it handles Ctrl-C until then */
    pthread_barrier_destroy(&all_hear);
    pthread_barrier_destroy(&all_quiet);
    return 0;
}
