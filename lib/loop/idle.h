/* Idle limits: if an object has had no activity for the time of its limit, a function is called.
 * This suits objects with frequent activity, whose limits are hardly ever reached. Activity is
 * recorded by a refresh, which is one store and moves nothing. The objects are kept in buckets.
 * When a bucket is due, its objects are examined: an object that was refreshed meanwhile moves to a
 * later bucket.
 *
 * The function is never called too early. It is late by at most an eighth of the limit and 0.2 s.
 * If the last refresh was made outside of the work of a turn, it is late by at most twice the
 * limit. The time by which a single turn exceeds 1/8 s does not count, since a loop that stalls
 * cannot notice activity meanwhile.
 *
 * How a part of the library uses idle limits for its objects:
 *
 *     struct tocsin__idle_limits limits;    once for each loop
 *     struct tocsin__idle idle;             in each object
 *
 *     tocsin__idle_init(&limits, engine, on_idle);       before the first object
 *     tocsin__idle_put(&limits, &object->idle, 60000);   the limit begins, or changes
 *     tocsin__idle_refresh(engine, &object->idle);       activity
 *     tocsin__idle_remove(&limits, &object->idle);       before the object is freed, and in a child
 *                                                        after a fork; an object that was not
 *                                                        added is allowed
 *     tocsin__idle_end(&limits);                         before the memory of limits is freed
 *
 * The buckets are those of the kernel's timers (Linux, kernel/time/timer.c): level n has 64 buckets
 * of 8^n ticks each. An object goes into the lowest level that reaches as far as its limit, so the
 * width of its bucket is at most an eighth of the limit:
 *
 *     level        0        1       2       3       4       5 ...       8
 *     bucket       16 ms    0.13 s  1.05 s  8.4 s   67 s    9 min       76 h
 *     limits to    1 s      8 s     66 s    8.8 min 70 min  9.4 h       200 days; examined again
 *
 *     bucket --> idle <--> idle <--> idle       not ordered
 *
 * One timer is armed for the first bucket that is not empty. */
#ifndef TOCSIN_LOOP_IDLE_H
#define TOCSIN_LOOP_IDLE_H

#include "loop/engine.h"

enum {
    TOCSIN__IDLE_TICK_BITS = 14, /* one tick is 16.384 ms */
    TOCSIN__IDLE_LEVELS = 9,
    TOCSIN__IDLE_BUCKETS = 64
};

/* A limit and the last activity of its object. It must be zeroed before its first use. */
struct tocsin__idle {
    struct tocsin__idle *next, **link; /* links of a bucket; link NULL: the object is in no
                                        * bucket */
    uint32_t active;                   /* tick of the last refresh, or TOCSIN__IDLE_UNKNOWN */
    uint32_t limit;                    /* the limit in ticks */
};

struct tocsin__idle_limits {
    struct tocsin__idle_limits *next; /* link of the list engine->idle_limits */
    struct tocsin__engine *engine;
    void (*fire)(struct tocsin__idle *idle);
    struct tocsin__timer timer;   /* a timer that fires at the tick `first` */
    bool is_due;                  /* the timer has fired; the end of the turn examines the objects
                                   * that are due */
    uint32_t count;               /* number of objects in the buckets and in `looking` */
    int64_t first;                /* no bucket is due before this tick */
    int64_t looked;               /* all buckets up to this tick are empty */
    struct tocsin__idle *looking; /* objects of a due bucket that are not examined yet */
    uint64_t filled[TOCSIN__IDLE_LEVELS]; /* bit n is set: bucket n is not empty */
    struct tocsin__idle *buckets[TOCSIN__IDLE_LEVELS][TOCSIN__IDLE_BUCKETS];
};

/* Initializes the limits of a loop. `fire` is called for an object that has reached its limit, at
 * the end of a turn, after the ready list has run. The object has been removed before. `fire` may
 * add this object again, add other objects, and remove any object. If there is input that this turn
 * has not read, `fire` should add the object again. It must not call tocsin__idle_end. */
void tocsin__idle_init(struct tocsin__idle_limits *limits, struct tocsin__engine *engine,
                       void (*fire)(struct tocsin__idle *idle));
/* Ends the limits. All objects must have been removed. */
void tocsin__idle_end(struct tocsin__idle_limits *limits);

/* Adds an object, whose limit begins now. An object that was added before is moved. If limit_ms is
 * 0, or over a year, the object has no limit and is only removed. */
void tocsin__idle_put(struct tocsin__idle_limits *limits, struct tocsin__idle *idle,
                      int64_t limit_ms);
void tocsin__idle_remove(struct tocsin__idle_limits *limits, struct tocsin__idle *idle);

static inline bool tocsin__idle_is_in(const struct tocsin__idle *idle)
{
    return idle->link != 0;
}

/* Records activity of the object, so its limit begins again. In callbacks of libevent and between
 * turns, the time is only known to the kernel. Such a refresh counts from the moment when the
 * object is next examined. */
static inline void tocsin__idle_refresh(const struct tocsin__engine *engine,
                                        struct tocsin__idle *idle)
{
    idle->active = engine->idle_clock.now;
}

/* The turn calls these three functions. tocsin__idle_turn_begin is called before the work of the
 * turn. tocsin__idle_look is called after the ready list, and returns the number of limits that
 * were announced. tocsin__idle_turn_end is called at the end, with the duration of the work. */
void tocsin__idle_turn_begin(struct tocsin__engine *engine);
int tocsin__idle_look(struct tocsin__engine *engine);
void tocsin__idle_turn_end(struct tocsin__engine *engine, int64_t took_us);

#endif
