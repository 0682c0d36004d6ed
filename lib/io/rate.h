/* Rates: token buckets that streams of one loop share. A stream takes bytes of the bucket before it
   reads or writes, and gives back what it did not use. If there are too few, it waits in the queue
   of the bucket:

       tocsin__rate_take ----------------- enough, and nobody waits ---------> granted
               |                                                                ^
               '--> waits: last of the queue --> the timer shares the bytes ----'
                                                 among the streams in the queue

   A stream that was granted a share and wants more waits behind the others, so none starves. The
   timer is armed only while a stream waits. */
#ifndef TOCSIN_IO_RATE_H
#define TOCSIN_IO_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <tocsin/stream.h>

#include "loop/timer.h"

struct tocsin__engine;
struct tocsin__stream;

enum tocsin__rate_way { TOCSIN__RATE_IN, TOCSIN__RATE_OUT, TOCSIN__RATE_WAYS };

/* One way of one stream. Zeroed at first. */
struct tocsin__rate_wait {
    struct tocsin__stream *stream;
    struct tocsin__rate_wait *next, **link; /* in the queue of the rate; link NULL: it is in none */
    size_t granted;                         /* bytes that it may move now */
};

struct tocsin__rate {
    uint64_t id;   /* 0: the program has freed it */
    uint32_t refs; /* the id, and each settings */
    uint32_t waiting;
    struct tocsin__engine *engine;
    double bytes_s, burst; /* bytes_s 0: no limit, since it was freed */
    double level;          /* bytes in the bucket at filled_us */
    int64_t filled_us;
    struct tocsin__rate_wait *first, **last; /* the queue */
    struct tocsin__timer timer;
    struct tocsin__rate *next, **next_link; /* the rates of the loop, in struct tocsin__io */
};

/* Finds a rate of this thread's loop, with a reference for the caller. *ret_rate is NULL if the id
   is zero. -ENOENT, -EXDEV; or the error that the id carries */
int tocsin__rate_find(struct tocsin_rate id, struct tocsin__rate **ret_rate);
void tocsin__rate_unref(struct tocsin__rate *rate);

/* Takes at most `wanted` bytes for one way of a stream. 0: it waits, and is woken. -ENOMEM */
ssize_t tocsin__rate_take(struct tocsin__stream *stream, enum tocsin__rate_way way, size_t wanted);
/* Gives back bytes that were taken and not used. */
void tocsin__rate_give_back(struct tocsin__stream *stream, enum tocsin__rate_way way, size_t bytes);
/* Whether one way of a stream waits. */
bool tocsin__rate_waits(const struct tocsin__stream *stream, enum tocsin__rate_way way);
/* The stream waits no longer, and gives back what it was granted. */
void tocsin__rate_leave(struct tocsin__stream *stream, enum tocsin__rate_way way);

#endif
