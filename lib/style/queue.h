/* The private struct of a queue. queue.c opens, closes and waits for queues; queue_input.c adds
 * entries. */
#ifndef TOCSIN_STYLE_QUEUE_H
#define TOCSIN_STYLE_QUEUE_H

#include <tocsin/queue.h>

#include "op/op.h"
#include "style/takings.h"

struct tocsin__fiber;

struct tocsin__queue {
    struct tocsin__sink sink;           /* functions that operations call; must be the first
                                         * member */
    struct tocsin__admission admission; /* functions that lib/delivery calls before an emission */
    struct tocsin__engine *engine;
    uint64_t id;
    struct tocsin_handler
        handler; /* the handler connected to the pattern; 0: the queue has no pattern */
    bool take;   /* opened with TOCSIN_TAKE: it also takes pending emissions */
    bool polled; /* tocsin_queue_fd was called: the loop's descriptor is readable while the queue
                  * has entries */

    /* The entries, in a ring buffer. */
    struct tocsin_info **ring;
    size_t capacity, first, count;

    /* Numbers of reserved places. reserved: for operations that notify by this queue. expected: for
     * operations whose terminal signal matches the pattern. */
    size_t reserved, expected;
    size_t limit;              /* the most entries and reserved places together */
    size_t bytes, limit_bytes; /* the most bytes of copied payloads; payloads of operations are not
                                * copied */

    /* With TOCSIN_TAKE: the pending emissions of the loop that the queue may take. */
    size_t pending;
    struct tocsin__takings takings;

    uint64_t refused;  /* emissions and starts that were refused because the queue was full */
    uint64_t missed;   /* emissions that were lost because memory was short */
    bool overflowing;  /* the queue was reported as full, and has not been half empty since the
                        * report */
    const char *where; /* place of the call that opened the queue; "": not known */
    struct tocsin__owner *owner;
    struct tocsin__queue_wait *wait; /* the current call of tocsin_queue_wait; NULL: none */
    /* Timer of tocsin_queue_wait. It is not in a stack frame, since a thread may end without
     * returning (T6). */
    struct tocsin__timer timer;
};

/* One call of tocsin_queue_wait, in its stack frame. */
struct tocsin__queue_wait {
    struct tocsin__fiber *fiber; /* the waiting fiber; NULL: the wait runs turns */
    bool over;                   /* true: the wait must check the queue again */
    bool late, closed;           /* true: the time limit is reached; the queue was closed */
};

static inline bool tocsin__queue_input_has_something(const struct tocsin__queue *queue)
{
    return queue->count || queue->pending;
}

#endif
