/* A queue from inside: how things come in (intake.c), and how it is opened, waited for and closed (queue.c). */
#ifndef TOCSIN_STYLE_QUEUE_H
#define TOCSIN_STYLE_QUEUE_H

#include <tocsin/queue.h>

#include "op/op.h"

struct tocsin__fiber;

struct tocsin__queue {
    struct tocsin__sink sink;                          /* the first member: what lib/op knows of it */
    struct tocsin__gate gate;
    struct tocsin__engine *engine;
    uint64_t id;
    struct tocsin_handler handler;                     /* of its pattern; zero: it has none */
    bool take, polled;                                 /* polled: its descriptor stands for what it holds, too */
    struct tocsin_info **ring;
    size_t capacity, first, count;
    size_t reserved, expected, limit;                  /* expected: operations that run, and whose end it hears */
    size_t bytes, limit_bytes;                         /* of what was copied: the result of an operation is not */
    size_t pended;                                     /* that it can take (TOCSIN_TAKE) */
    uint64_t refused, missed;
    bool overflowing;
    const char *where;
    struct tocsin__owner *owner;
    struct tocsin__queue_wait *wait;
};

struct tocsin__queue_wait {
    struct tocsin__timer timer;
    struct tocsin__fiber *fiber;
    bool over, late, closed;
};

int  tocsin__intake_open(struct tocsin__queue *queue, const char *pattern, const struct tocsin_queue_options *options);       /* pattern may be NULL; -errno: end and free it */
void tocsin__intake_end(struct tocsin__queue *queue);            /* nothing comes any more */
void tocsin__intake_free(struct tocsin__queue *queue);           /* what it holds goes; that may be told to objects */
struct tocsin_info *tocsin__intake_pull(struct tocsin__queue *queue);          /* the oldest; else the first of what is pended that it can take. There is one */
void tocsin__intake_room_made(struct tocsin__queue *queue);
void tocsin__intake_held(struct tocsin__queue *queue, uint32_t by);            /* so many more to be taken: a foreign loop may wait for it */
void tocsin__intake_wake(struct tocsin__queue *queue);

static inline bool tocsin__intake_something(const struct tocsin__queue *queue)
{
    return queue->count || queue->pended;
}

#endif
