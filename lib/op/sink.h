/* The functions of a queue that an operation calls. lib/style implements it: the first member of
 * every queue. */
#ifndef TOCSIN_OP_SINK_H
#define TOCSIN_OP_SINK_H

#include <tocsin/info.h>

/* An operation reserves a place in each queue that its end will go to when it starts, so that its
   end is never refused (O2). */
struct tocsin__sink {
    /* Reserves a place, for the notify of an operation. -EAGAIN: the queue is full; -ENOMEM. */
    int (*reserve)(struct tocsin__sink *sink);
    /* Gives a reserved place back. */
    void (*release)(struct tocsin__sink *sink);
    /* Whether there is room for an info without a reserved place. */
    bool (*has_room)(struct tocsin__sink *sink);
    /* Counts and reports a start that failed because the queue is full. name: the terminal signal
     */
    void (*refused)(struct tocsin__sink *sink, const char *name);
    /* Fills a reserved place, and takes over the caller's reference. */
    void (*put)(struct tocsin__sink *sink, struct tocsin_info *info);

    /* The list of the queues that listen to signals (ops->listening). */
    struct tocsin__sink *next, **link;
    /* Reserves a place for the end of an operation that runs, if the queue listens to its terminal
       signal. -ENOMEM */
    int (*expect)(struct tocsin__sink *sink, int signo);
    /* Gives that place back: the end has been delivered, or there will be none. */
    void (*unexpect)(struct tocsin__sink *sink, int signo);
};

#endif
