/* Calls a function once on every loop, on the thread of the loop, between turns. */
#ifndef TOCSIN_REMOTE_CALL_ALL_LOOPS_H
#define TOCSIN_REMOTE_CALL_ALL_LOOPS_H

#include "base/inbox.h"

struct tocsin__loop;
struct tocsin__call_all_loops;

struct tocsin__call {
    struct tocsin__node node;
    struct tocsin__call_all_loops *loops_call;
    _Atomic bool is_out; /* the call was sent to this loop, and has not returned yet */
};

struct tocsin__call_all_loops {
    void (*on_loop)(
        struct tocsin__call_all_loops *loops_call); /* the function that is called on each loop */
    /* called once, on any thread, after the last call; it may free the whole struct */
    void (*on_end)(struct tocsin__call_all_loops *loops_call);
    void *arg;
    const struct tocsin__loop *except; /* a loop on which on_loop is not called; NULL: none */
    uint32_t count;                    /* length of calls */
    _Atomic uint32_t called;           /* number of loops to which a call was sent; final when
                                          tocsin__call_all_loops_begin returns */
    _Atomic uint32_t left;             /* number of calls that have not returned, plus one while
                                        * tocsin__call_all_loops_begin runs */
    struct tocsin__call calls[];
};

/* Makes the calls for the loops that exist now. A loop that is made later is not called. A loop
 * that is about to end is called before its end. Returns NULL if there is no memory. */
struct tocsin__call_all_loops *
tocsin__call_all_loops_new(void (*on_loop)(struct tocsin__call_all_loops *loops_call),
                           void (*on_end)(struct tocsin__call_all_loops *loops_call), void *arg);

/* Makes room for the loops that were made after tocsin__call_all_loops_new. Returns the struct to
   use from now on. If there is no memory, returns `loops_call` unchanged. */
struct tocsin__call_all_loops *
tocsin__call_all_loops_grow(struct tocsin__call_all_loops *loops_call);

void tocsin__call_all_loops_begin(struct tocsin__call_all_loops *loops_call);

#endif
