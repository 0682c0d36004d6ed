/* The watchdog checks a watched loop. If several checks find the same code, the loop is stalled.
 * The caller of all these functions holds the watchdog's lock. */
#ifndef TOCSIN_LOOP_WATCHDOG_STALL_H
#define TOCSIN_LOOP_WATCHDOG_STALL_H

#include <tocsin/watchdog.h>

#include "loop/engine.h"
#include "loop/watchdog/sight.h"

/* The number of checks within the time limit. A stall must be found by so many checks, because a
 * process that was stopped meanwhile is not stalled. */
enum { TOCSIN__STALL_LOOKS = 4 };

/* The time in which all checks have found the same code. */
struct tocsin__stall_span {
    int looks; /* number of checks of the watchdog that have found this code; 0: the last check
                * found nothing */
    int64_t since_us;
    int64_t post_us;     /* the duration at which loop.blocked is posted next */
    int64_t listener_us; /* the duration at which the listener is called next */
};

struct tocsin__watched {
    struct tocsin__watched *next; /* next in the watchdog's list */
    struct tocsin__cleanup cleanup;
    struct tocsin__loop *loop;
    uint64_t id; /* id of the watched loop */
    int64_t limit_us;
    struct tocsin__sight sight;           /* the code that ran on the loop at the last check of the
                                           * watchdog */
    struct tocsin__stall_span turn, call; /* the times in which the checks have found the same turn,
                                           * and the same handler or function */
    /* The node is pushed to the loop, which then counts the stall of the handler (quarantine). */
    struct tocsin__node stall_node;
    _Atomic uint64_t stall_handler; /* id of the handler that stalled; 0: the node is not in the
                                       inbox */
    bool ended; /* true if the engine has ended; then the node frees this record when it runs */
};

void tocsin__stall_set_listener(tocsin_watchdog_fn fn, void *arg);
void tocsin__stall_look(struct tocsin__watched *watched, int64_t now_us);

#endif
