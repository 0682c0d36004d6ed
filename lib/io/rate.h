/* Rates: token buckets that streams of one loop share. A stream takes bytes from the bucket before
   it reads or writes, and gives back the bytes that it did not use. If the bucket has too few
   bytes, the stream waits in the queue of the bucket:

       tocsin__rate_take ----------------- enough, and nobody waits ---------> granted
               |                                                                ^
               '--> waits: last of the queue --> the timer shares the bytes ----'
                                                 among the streams in the queue

   A stream that has got a share and wants more goes to the end of the queue, so no stream starves.
   The timer is armed only while a stream waits. */
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

/* The place of one direction of one stream in the queue of a rate. All members are zero at
   first. */
struct tocsin__rate_wait {
    struct tocsin__stream *stream;
    struct tocsin__rate_wait *next, **link; /* in the queue of the rate; link NULL: in no queue */
    size_t granted;                         /* bytes that the stream may move now */
};

struct tocsin__rate {
    uint64_t id;   /* 0: the program has freed the rate */
    uint32_t refs; /* references: one of the id, one of each settings struct that names the rate */
    uint32_t waiting;
    struct tocsin__engine *engine;
    double bytes_s, burst; /* bytes_s 0: no limit, since the rate was freed */
    double level;          /* bytes in the bucket at filled_us */
    int64_t filled_us;
    struct tocsin__rate_wait *first, **last; /* the queue */
    struct tocsin__timer timer;
    struct tocsin__rate *next, **next_link; /* the rates of the loop, in struct tocsin__io */
};

/* Finds a rate of this thread's loop, and takes a reference for the caller. *ret_rate is NULL if
   the id is zero. -ENOENT: no such rate; -EXDEV: a rate of another loop; or the error that the id
   carries */
int tocsin__rate_find(struct tocsin_rate id, struct tocsin__rate **ret_rate);
void tocsin__rate_unref(struct tocsin__rate *rate);

/* Takes at most `wanted` bytes for one direction of a stream. Returns their number; 0: the stream
   waits, and is woken when it gets bytes; -ENOMEM. */
ssize_t tocsin__rate_take(struct tocsin__stream *stream, enum tocsin__rate_way way, size_t wanted);
/* Gives back bytes that were taken and not used. */
void tocsin__rate_give_back(struct tocsin__stream *stream, enum tocsin__rate_way way, size_t bytes);
/* Whether one direction of a stream waits for bytes. */
bool tocsin__rate_waits(const struct tocsin__stream *stream, enum tocsin__rate_way way);
/* Takes one direction of the stream out of the queue, and gives back its granted bytes. */
void tocsin__rate_leave(struct tocsin__stream *stream, enum tocsin__rate_way way);

#endif
