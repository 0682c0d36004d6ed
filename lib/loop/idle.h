/* Idle limits of many objects: an object whose owner has not refreshed it for so long is announced.
 * They are for limits that are refreshed at each activity and hardly ever reached. A refresh is one
 * store. Nothing is moved for it: an object is looked at when its bucket is due, and moved on if it
 * was refreshed since.
 *
 * A limit is never announced early, and late by at most an eighth of it and 0.2 s; twice the limit,
 * if the last refresh was made outside of the work of a turn. The time by which a single turn
 * exceeds 1/8 s does not count, since a loop that stalls has not looked for activity meanwhile.
 *
 * How it is used, by the room whose objects have limits:
 *
 *     struct tocsin__idle_limits limits;    once for each loop, in the memory of that room
 *     struct tocsin__idle idle;             in each object
 *
 *     tocsin__idle_init(&limits, engine, on_idle);       before the first object
 *     tocsin__idle_put(&limits, &object->idle, 60000);   the limit begins, or changes
 *     tocsin__idle_refresh(engine, &object->idle);       activity
 *     tocsin__idle_remove(&limits, &object->idle);       before the object is freed, and in a child
 *                                                        after a fork; harmless if it is not in
 *     tocsin__idle_end(&limits);                         before the memory of limits is freed
 *
 * The buckets are those of the kernel's timers (Linux, kernel/time/timer.c): level n has 64 buckets
 * of 8^n ticks each. An object goes into the lowest level that reaches as far as its limit, so the
 * width of its bucket is at most an eighth of the limit:
 *
 *     level        0        1       2       3       4       5 ...       8
 *     bucket       16 ms    0.13 s  1.05 s  8.4 s   67 s    9 min       76 h
 *     limits to    1 s      8 s     66 s    8.8 min 70 min  9.4 h       200 days; looked at again
 *
 *     bucket --> idle <--> idle <--> idle       not ordered
 *
 * There is one timer, for the first bucket that is not empty; none if all are empty. */
#ifndef TOCSIN_LOOP_IDLE_H
#define TOCSIN_LOOP_IDLE_H

#include "loop/engine.h"

enum {
    TOCSIN__IDLE_TICK_BITS = 14, /* a tick is 16.384 ms */
    TOCSIN__IDLE_LEVELS = 9,
    TOCSIN__IDLE_BUCKETS = 64
};

/* A limit and its object's last activity. Zeroed at first. */
struct tocsin__idle {
    struct tocsin__idle *next, **link; /* in a bucket; link NULL: in none */
    uint32_t active;                   /* tick of the last refresh, or TOCSIN__IDLE_UNKNOWN */
    uint32_t limit;                    /* in ticks */
};

struct tocsin__idle_limits {
    struct tocsin__idle_limits *next; /* in engine->idle_limits */
    struct tocsin__engine *engine;
    void (*fire)(struct tocsin__idle *idle);
    struct tocsin__timer timer; /* for the first bucket, at the tick `first` */
    bool is_due;                /* the timer has fired; the end of the turn looks at the buckets */
    uint32_t count;             /* objects in the buckets and in `looking` */
    int64_t first;              /* no bucket is due before this tick */
    int64_t looked;             /* the buckets up to this tick have been emptied */
    struct tocsin__idle *looking;         /* the rest of the bucket that is being looked at */
    uint64_t filled[TOCSIN__IDLE_LEVELS]; /* bit n: bucket n is not empty */
    struct tocsin__idle *buckets[TOCSIN__IDLE_LEVELS][TOCSIN__IDLE_BUCKETS];
};

/* fire is called at the end of a turn, when the ready list has been run; the object has been
 * removed. It may put this object or another, remove any, or find that there is input after all
 * that this turn has not read, and put the object again. It must not end the limits. */
void tocsin__idle_init(struct tocsin__idle_limits *limits, struct tocsin__engine *engine,
                       void (*fire)(struct tocsin__idle *idle));
/* All objects must have been removed. */
void tocsin__idle_end(struct tocsin__idle_limits *limits);

/* The limit begins now. An object that is in already is moved. limit_ms 0, or over a year: the
 * object has no limit, and is only removed. */
void tocsin__idle_put(struct tocsin__idle_limits *limits, struct tocsin__idle *idle,
                      int64_t limit_ms);
void tocsin__idle_remove(struct tocsin__idle_limits *limits, struct tocsin__idle *idle);

static inline bool tocsin__idle_is_in(const struct tocsin__idle *idle)
{
    return idle->link != 0;
}

/* The object's limit begins anew. In callbacks of libevent and between turns the time is not known
 * without asking the kernel; such a refresh counts from the next look at the object. */
static inline void tocsin__idle_refresh(const struct tocsin__engine *engine,
                                        struct tocsin__idle *idle)
{
    idle->active = engine->idle_clock.now;
}

/* The turn calls these three: at the beginning of its work, behind its ready list, and at the end,
 * with the time that the work took. tocsin__idle_look returns how many limits were announced. */
void tocsin__idle_turn_begin(struct tocsin__engine *engine);
int tocsin__idle_look(struct tocsin__engine *engine);
void tocsin__idle_turn_end(struct tocsin__engine *engine, int64_t took_us);

#endif
