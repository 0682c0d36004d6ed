/* Creates, runs and joins the loops and threads. */
#ifndef LOOPS_H
#define LOOPS_H

#include "../traffic.h"

struct loop {
    struct tocsin_loop id;
    int thread;                     /* its thread id (gettid) */
    int status, left;               /* results of tocsin_run and tocsin_loop_free */
    struct tocsin_loop_facts facts; /* figures at the loop's end */
    int64_t ran_us;                 /* how long the loop ran */
};

/* Runs all loops until the run is over, the main loop on the calling thread. Calls begin there
   first. Returns 0, or -errno if nothing has run. */
int loops_run(int (*begin)(void));
const struct loop *loops_get(enum party loop);

#endif
