/* Creates the loops and threads, runs them, and joins the threads. */
#ifndef LOOPS_H
#define LOOPS_H

#include "../traffic.h"

struct loop {
    struct tocsin_loop id;
    int thread;       /* the id of its thread, as gettid() returns it */
    int status, left; /* the results of tocsin_run() and tocsin_loop_free() */
    /* what tocsin_loop_get() has returned for the loop when it ended */
    struct tocsin_loop_facts facts;
    int64_t ran_us; /* the time for which the loop ran */
};

/* Runs all loops until the run is over. The main loop runs on the calling thread, which first calls
   begin(). Returns 0, or -errno if no loop has run. */
int loops_run(int (*begin)(void));
const struct loop *loops_get(enum party loop);

#endif
