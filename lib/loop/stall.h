/* One look at what a watched loop is doing: if it sees the same thing again and again, the loop is
 * stalled. The watchdog's lock is held in all of these functions. */
#ifndef TOCSIN_LOOP_STALL_H
#define TOCSIN_LOOP_STALL_H

#include <tocsin/watchdog.h>

#include "loop/engine.h"
#include "loop/sight.h"

/* Looks within the time limit. A stall must also have been seen so often: a process that was
 * stopped is not stalled. */
enum { TOCSIN__STALL_LOOKS = 4 };

/* The time for which all looks have seen the same code. */
struct tocsin__stall_span {
    int looks; /* 0: the last look has seen nothing */
    int64_t since_us;
    int64_t post_us;     /* the duration at which loop.blocked is posted next */
    int64_t listener_us; /* the duration at which the listener is called next */
};

struct tocsin__watched {
    struct tocsin__watched *next; /* next in the watchdog's list */
    struct tocsin__cleanup cleanup;
    struct tocsin__loop *loop;
    uint64_t id; /* of the loop */
    int64_t limit_us;
    struct tocsin__sight sight;           /* what the loop ran at the last look of the watchdog */
    struct tocsin__stall_span turn, call; /* spans in which the looks have seen the same turn, and
                                             the same handler or function */
    /* Goes to the loop, which counts the stall of this handler when it can (quarantine). */
    struct tocsin__node stall_node;
    _Atomic uint64_t stall_handler; /* 0: the node is not on its way */
    bool ended; /* the engine has ended, so the node frees this record when it runs */
};

void tocsin__stall_set_listener(tocsin_watchdog_fn fn, void *arg);
void tocsin__stall_look(struct tocsin__watched *watched, int64_t now_us);

#endif
