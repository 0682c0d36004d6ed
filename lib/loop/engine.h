/* The engine of a loop consists of libevent's base, the time, the ready list and the descriptors
   that wake the loop. The first start, run or turn makes the engine; the first connect does not. So
   a program that uses only the registry never uses libevent. */
#ifndef TOCSIN_LOOP_ENGINE_H
#define TOCSIN_LOOP_ENGINE_H

#include <stdatomic.h>

#include <tocsin/loop.h>

#include "delivery/loop.h"
#include "loop/timer.h"
#include "loop/watch.h"

struct event;
struct tocsin__delayed;
struct tocsin__fiber;
struct tocsin__idle_limits;
struct tocsin__io;
struct tocsin__poll_fd;
struct tocsin__ready_set;
struct tocsin__watched;

/* An object that another part of the library keeps for a loop. Its function `run` is called once,
   when the engine ends. */
struct tocsin__cleanup {
    struct tocsin__cleanup *next;
    void (*run)(struct tocsin__cleanup *cleanup, struct tocsin__engine *engine);
};

/* The operations of a loop (lib/op), as the loop sees them. The struct has their numbers, and the
   functions that the loop calls when it runs, drains and ends. */
struct tocsin__loop_client {
    uint32_t running;        /* operations that run, without background operations */
    uint32_t serving;        /* number of background operations that run */
    uint32_t kept;           /* number of ended operations that keep their result (W1) */
    uint32_t threads;        /* number of operations that a pool thread of the library will
                              * complete */
    uint32_t polled_entries; /* number of entries in queues whose descriptor is polled */
    /* returns true if a listener may want the progress of a paused operation again */
    bool (*resumable)(struct tocsin__loop_client *loop_client);
    void (*resume)(struct tocsin__loop_client *loop_client);
    /* cancels persistent operations */
    void (*drain)(struct tocsin__loop_client *loop_client);
    /* cancels all operations except background operations; if `serving` is true, cancels the
       background operations instead */
    void (*cancel)(struct tocsin__loop_client *loop_client, bool serving);
    /* called after a jump (longjmp) has left the delivery of a completion; does the work that
     * follows the delivery */
    void (*recover)(struct tocsin__loop_client *loop_client);
    /* returns the number of running fibers whose function has returned */
    uint32_t (*finished)(const struct tocsin__loop_client *loop_client);
    /* drops all operations without announcing their ends, in the child of a fork (T8) */
    void (*forget)(struct tocsin__loop_client *loop_client);
    /* ends all waits and empties the queues, when the thread has ended (T6) */
    void (*desert)(struct tocsin__loop_client *loop_client);
    /* ends the operations that `cancel` did not end, when the thread has ended (T6) */
    void (*finish)(struct tocsin__loop_client *loop_client, bool serving);
};

/* The clock for idle limits (idle.h). */
enum { TOCSIN__IDLE_UNKNOWN = 0 };
struct tocsin__idle_clock {
    uint32_t now;       /* the tick at which the work of this turn began; between turns
                         * TOCSIN__IDLE_UNKNOWN */
    int64_t stalled_us; /* how far the idle clock is behind the clock of the loop, in
                         * microseconds */
};

/* The engine of a loop. Only the loop's own thread reads and writes it. Other threads only write to
 * wake_fd. */
struct tocsin__engine {
    struct tocsin__loop *loop;
    struct event_base *base;
    bool adopted;           /* `base` belongs to the program (tocsin_loop_adopt) */
    bool turning;           /* true while a turn is on the stack */
    bool in_dispatch;       /* this turn runs inside the program's own dispatch of the adopted
                             * base */
    const void *turn_frame; /* stack frame of the running turn */
    /* called after a jump (longjmp) to another stack has left the running fiber; lib/style sets
     * this function */
    void (*fiber_left)(struct tocsin__engine *engine);
    int received; /* number of messages and nodes taken out of the inbox in the last turn */
    bool polled;  /* true if another event loop waits for this loop (polled.h) */

    struct event *alarm, *wake; /* events of libevent for alarm_fd and wake_fd */
    int alarm_fd, wake_fd;      /* alarm_fd is a timerfd; wake_fd is an eventfd that other threads
                                   write */
    int probe_fd;               /* an epoll set for checking descriptors (watch.c); -1: not made
                                 * yet */
    int64_t alarm_us;           /* time at which alarm_fd expires; 0: the alarm is not set */
    struct tocsin__wheel timers; /* the armed timers (struct tocsin__timer) */
    bool clock_stopped; /* true if a test has stopped the clock at clock_us */
    int64_t clock_us;
    struct tocsin__idle_clock idle_clock;
    struct tocsin__idle_limits *idle_limits; /* list of all idle limits of this loop; NULL: none */

    struct tocsin__node *ready, **ready_last; /* the ready list (ready.h) */
    /* messages that an inject function delays (inject.c), the oldest first */
    struct tocsin__delayed *delayed, **delayed_last;
    uint32_t delayed_count;
    struct tocsin__watch *watches;
    struct tocsin__ready_set *ready_set; /* descriptors of streams and listeners (fd/readiness.h);
                                          * NULL: no stream was ever opened */
    /* true if a descriptor was closed before its watch ended; then its file may still be in the
       epoll sets */
    bool has_stale_fds;
    struct tocsin__poll_fd *poll_fd; /* the second epoll set (poll_fd.c); NULL: tocsin_loop_fd was
                                        never called */
    struct tocsin__cleanup *cleanups;
    struct tocsin__watched *watched; /* the watchdog's record of this loop; NULL: the loop was never
                                        watched */

    uint64_t os_taken;                       /* set of the real signals that tocsin_run has taken
                                                over (T7) */
    struct tocsin__loop_client *loop_client; /* the operations of the loop; NULL: no operation was
                                                ever started */
    bool draining;                           /* tocsin_drain was called */
    bool drain_begun;                        /* the drain has cancelled the persistent operations */
    bool drain_expired;                      /* the time limit of the drain was reached */
    bool had_last_turn;                      /* tocsin_loop_free has run the last turn */
    struct tocsin__timer drain_timer;

    struct tocsin__io *io; /* the streams of the loop; only lib/io writes it; NULL: no stream was
                            * ever opened */

    /* Only lib/style writes the following members. */
    struct tocsin__timer suspend_timer; /* Timer of tocsin_suspend. It is not on the stack, because
                                         * a thread may end without returning (T6). */
    struct tocsin__fiber *fiber;        /* the running fiber; NULL: no fiber runs */
    struct tocsin__fibers *fibers;
};

/* Returns the engine of the calling thread's loop in *ret_engine. Makes the loop and the engine if
   there is none. */
int tocsin__engine_make(struct tocsin__engine **ret_engine);
void tocsin__engine_free(struct tocsin__engine *engine);
void tocsin__engine_add_cleanup(struct tocsin__engine *engine, struct tocsin__cleanup *cleanup);

/* Opens the descriptors and events, and also the base if there is none. Returns 0, -EMFILE, -ENOMEM
   or another -errno. On failure the caller must call tocsin__engine_shut, which closes everything
   except the base. */
int tocsin__engine_open(struct tocsin__engine *engine);
void tocsin__engine_shut(struct tocsin__engine *engine);

/* tocsin__engine_read_wake and tocsin__engine_read_alarm read wake_fd and alarm_fd, so that the
   descriptor is not readable any more. */
void tocsin__engine_read_wake(struct tocsin__engine *engine);
void tocsin__engine_read_alarm(struct tocsin__engine *engine);

#endif
