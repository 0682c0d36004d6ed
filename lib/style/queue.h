/* A queue from inside. queue.c opens, waits for and closes it; queue_input.c puts infos into it. */
#ifndef TOCSIN_STYLE_QUEUE_H
#define TOCSIN_STYLE_QUEUE_H

#include <tocsin/queue.h>

#include "op/op.h"
#include "style/takings.h"

struct tocsin__fiber;

struct tocsin__queue {
    struct tocsin__sink sink;           /* functions that an operation calls; the first member */
    struct tocsin__admission admission; /* functions that delivery calls before an emission */
    struct tocsin__engine *engine;
    uint64_t id;
    struct tocsin_handler
        handler; /* the handler of the queue's pattern; zero: the queue has no pattern */
    bool take;   /* TOCSIN_TAKE */
    bool polled; /* tocsin_queue_fd was called: the descriptor is readable while it has entries */

    /* the ring of entries */
    struct tocsin_info **ring;
    size_t capacity, first, count;

    /* places reserved for running operations: for those that notify by this queue; for those whose
     * end the queue's pattern matches */
    size_t reserved, expected;
    size_t limit; /* the most entries and reserved places */
    size_t bytes,
        limit_bytes; /* size of the copied payloads; payloads of operations are not copied */

    /* TOCSIN_TAKE: pending emissions of the loop that the queue may take */
    size_t pending;
    struct tocsin__takings takings;

    uint64_t refused;  /* emissions and starts refused because it was full */
    uint64_t missed;   /* emissions lost because memory was short */
    bool overflowing;  /* the queue was reported as full, and has not been half empty since then */
    const char *where; /* the source line that opened it; "": not known */
    struct tocsin__owner *owner;
    struct tocsin__queue_wait *wait; /* NULL: nobody waits */
    /* timer of tocsin_queue_wait; not on the stack, which may be lost (T6) */
    struct tocsin__timer timer;
};

/* One call of tocsin_queue_wait, in its stack frame. */
struct tocsin__queue_wait {
    struct tocsin__fiber *fiber; /* NULL: the wait runs turns */
    bool over;                   /* true: the wait must look at the queue again */
    bool late, closed;           /* the time limit has passed; the queue was closed */
};

static inline bool tocsin__queue_input_has_something(const struct tocsin__queue *queue)
{
    return queue->count || queue->pending;
}

#endif
