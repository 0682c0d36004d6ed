/* The loops and the threads: made, run, joined. */
#ifndef LOOPS_H
#define LOOPS_H

#include "../traffic.h"

struct loop {
    struct tocsin_loop id;
    int thread;                                        /* the number that the kernel gave it */
    int status, left;                                  /* what tocsin_run and tocsin_free answered */
    struct tocsin_loop_facts facts;                    /* at its end, when it had run so long: */
    int64_t ran_us;
};

/* Runs all loops, the main one on the calling thread, until the show is over; begin is called there before it runs. 0 or -errno: nothing has run. */
int loops_run(int (*begin)(void));
const struct loop *loops_get(enum party loop);

#endif
