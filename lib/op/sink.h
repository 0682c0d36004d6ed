/* The functions of a queue that operations call. lib/style implements them. A sink is the first
 * member of each queue. */
#ifndef TOCSIN_OP_SINK_H
#define TOCSIN_OP_SINK_H

#include <tocsin/info.h>

/* When an operation starts, it reserves a place in each queue that its end will go to. So the end
 * is never refused (O2). */
struct tocsin__sink {
    /* Reserves a place for an operation that notifies by this queue. -EAGAIN: the queue is full;
     * -ENOMEM. */
    int (*reserve)(struct tocsin__sink *sink);
    /* Gives a reserved place back. */
    void (*release)(struct tocsin__sink *sink);
    /* Whether the queue has room for an info for which no place is reserved. */
    bool (*has_room)(struct tocsin__sink *sink);
    /* Counts and reports a start that was refused because the queue is full. name: the terminal
     * signal. */
    void (*refused)(struct tocsin__sink *sink, const char *name);
    /* Puts an info into a reserved place, and takes over the caller's reference to it. */
    void (*put)(struct tocsin__sink *sink, struct tocsin_info *info);

    /* Links of ops->listening, the list of queues that are connected to a pattern. */
    struct tocsin__sink *next, **link;
    /* Reserves a place for the end of a running operation, if the queue is connected to its
     * terminal signal. Returns 0 or -ENOMEM. */
    int (*expect)(struct tocsin__sink *sink, int signo);
    /* Gives back a place that `expect` has reserved: the end was delivered, or the operation will
     * have no end. */
    void (*unexpect)(struct tocsin__sink *sink, int signo);
};

#endif
