/* The engine of a loop: libevent's base, time, what is ready, what other threads put in. It is made with the first start, run or turn,
   not with the first connect: who only wants the registry never touches libevent. */
#ifndef TOCSIN_LOOP_ENGINE_H
#define TOCSIN_LOOP_ENGINE_H

#include <stdatomic.h>

#include <tocsin/loop.h>

#include "core/loop.h"
#include "loop/timer.h"
#include "loop/watch.h"

struct event;
struct tocsin__detained;
struct tocsin__fiber;
struct tocsin__mirror;
struct tocsin__watched;

/* Called once, when the engine ends: what other floors keep for a loop. */
struct tocsin__last {
    struct tocsin__last *next;
    void (*run)(struct tocsin__last *last, struct tocsin__engine *engine);
};

/* What the loop asks of those who live on it, the operations (lib/op), when it runs, drains and ends. */
struct tocsin__tenant {
    uint32_t running, serving, kept;                   /* operations: that run; that run in the service of others; that keep their result */
    uint32_t threads;                                  /* that a thread of ours will end */
    uint32_t held;                                     /* entries of queues that are polled: something to be taken */
    bool (*resumable)(struct tocsin__tenant *tenant);  /* something that paused may be wanted again */
    void (*resume)(struct tocsin__tenant *tenant);
    void (*drain)(struct tocsin__tenant *tenant);      /* cancels what stands */
    void (*cancel)(struct tocsin__tenant *tenant, bool serving);     /* cancels what runs, or what serves */
    void (*forget)(struct tocsin__tenant *tenant);     /* T8: drops all that runs, and tells nobody */
};

struct tocsin__engine {
    struct tocsin__loop *loop;
    struct event_base *base;
    bool adopted, turning;
    int received;                                      /* how many things came out of the inbox in the last turn */
    bool polled;                                       /* a foreign loop waits: for the mirror, or on the adopted base */

    struct event *alarm, *wake;                        /* libevent's side of time, and of the inbox */
    int alarm_fd, wake_fd, probe_fd;                   /* probe: asks whether a descriptor can be polled; -1: not made yet */
    int64_t alarm_us;                                  /* when alarm rings; 0: it does not */
    struct tocsin__timers timers;
    bool stopped;                                      /* the clock stands at stopped_us, for a test */
    int64_t stopped_us;

    struct tocsin__node *ready, **ready_last;
    struct tocsin__detained *detained, **detained_last;      /* held up on their way from the inbox, the oldest first */
    uint32_t detained_count;
    struct tocsin__watch *watches;
    struct tocsin__mirror *mirror;                     /* what tocsin_fd stands for; NULL: nobody asked */
    struct tocsin__last *lasts;
    struct tocsin__watched *watched;                   /* by the watchdog; NULL: it has never been */

    struct tocsin__tenant *tenant;                     /* the operations; NULL: there has been none */
    bool draining, drain_begun, drain_over;
    struct tocsin__timer drain_timer;

    /* lib/style's: */
    struct tocsin__fiber *fiber;                       /* that runs; NULL: none */
    struct tocsin__fibers *fibers;
};

int  tocsin__engine_make(struct tocsin__engine **ret_engine);    /* the thread's, with its loop, made if need be */
void tocsin__engine_free(struct tocsin__engine *engine);
void tocsin__engine_last(struct tocsin__engine *engine, struct tocsin__last *last);

void tocsin__polled(struct tocsin__engine *engine);               /* from now on somebody else waits for it */
void tocsin__polled_update(struct tocsin__engine *engine);

/* What is due, or what is ready, may have changed: so has what a foreign poll loop waits for. */
static inline void tocsin__mirror_update(struct tocsin__engine *engine)
{
    if (tocsin__unlikely(engine->polled))
        tocsin__polled_update(engine);
}

/* Its thread: the node is run by the next turn at the latest. */
static inline void tocsin__ready(struct tocsin__engine *engine, struct tocsin__node *node)
{
    node->next = NULL;
    *engine->ready_last = node;
    engine->ready_last = &node->next;
    tocsin__mirror_update(engine);
}

/* T8. part: gives up all that it shares with the parent, which notices nothing, and forgets what ran; it has no descriptors then. reopen: new ones. */
void tocsin__engine_part(struct tocsin__engine *engine);
int  tocsin__engine_reopen(struct tocsin__engine *engine);       /* -ENOMEM, -errno: as after part */

bool tocsin__may_part(const struct tocsin__loop *loop);          /* no handler, turn or fiber that came from the parent is on the stack */
void tocsin__part(struct tocsin__loop *loop);                    /* the whole loop; it is still inherited */

/* Whether the calling code may run turns or be suspended: no handler is on the stack. */
static inline bool tocsin__may_turn(const struct tocsin__engine *engine)
{
    return tocsin__at_rest(engine->loop) && !engine->turning && !engine->fiber;
}

/* One turn; at most timeout_us (-1: without limit). How many things it did; -EDEADLK. */
int  tocsin__turn(struct tocsin__engine *engine, int64_t timeout_us);
void tocsin__free_if_wanted(void);                               /* obeys a tocsin_free that was called in a handler */
bool tocsin__busy(const struct tocsin__engine *engine);          /* a turn has something to do at once */
int64_t tocsin__due(const struct tocsin__engine *engine);        /* when it has; 0: at once; INT64_MAX: not by itself */

#endif
