/* The engine of a loop: libevent's base, time, the ready list and the descriptors that wake it. The
 * first start, run or turn makes it, not the first connect: a program that uses only the registry
 * never touches libevent. */
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
struct tocsin__io;
struct tocsin__poll_fd;
struct tocsin__ready_set;
struct tocsin__watched;

/* An object that another part of the library keeps for a loop. run is called once, when the engine
 * ends. */
struct tocsin__cleanup {
    struct tocsin__cleanup *next;
    void (*run)(struct tocsin__cleanup *cleanup, struct tocsin__engine *engine);
};

/* The operations of a loop (lib/op), as the loop sees them: how many there are, and what the loop
 * calls when it runs, drains and ends. */
struct tocsin__loop_client {
    uint32_t running;        /* operations that run, background ones not included */
    uint32_t serving;        /* background operations that run */
    uint32_t kept;           /* ended operations that keep their result (W1) */
    uint32_t threads;        /* operations that another thread of the library will complete */
    uint32_t polled_entries; /* entries in queues whose descriptor is polled */
    /* a paused operation may be wanted again */
    bool (*resumable)(struct tocsin__loop_client *loop_client);
    void (*resume)(struct tocsin__loop_client *loop_client);
    /* cancels persistent operations */
    void (*drain)(struct tocsin__loop_client *loop_client);
    /* cancels all operations; serving: the background operations instead */
    void (*cancel)(struct tocsin__loop_client *loop_client, bool serving);
    /* a jump has left the delivery of a completion: continues after that delivery */
    void (*recover)(struct tocsin__loop_client *loop_client);
    /* number of running fibers whose function has returned */
    uint32_t (*finished)(const struct tocsin__loop_client *loop_client);
    /* T8: drops all operations without announcing them */
    void (*forget)(struct tocsin__loop_client *loop_client);
    /* T6: ends all waits and empties the queues */
    void (*desert)(struct tocsin__loop_client *loop_client);
    /* T6: ends operations that cancel did not end */
    void (*finish)(struct tocsin__loop_client *loop_client, bool serving);
};

/* Only the loop's own thread reads and writes it. Other threads only write to wake_fd. */
struct tocsin__engine {
    struct tocsin__loop *loop;
    struct event_base *base;
    bool adopted;           /* base belongs to the program (tocsin_loop_adopt) */
    bool turning;           /* a turn is on the stack */
    bool in_dispatch;       /* this turn runs within the program's dispatch of the adopted base */
    const void *turn_frame; /* stack frame of the running turn */
    /* lib/style sets it: the running fiber was left by a jump to another stack */
    void (*fiber_left)(struct tocsin__engine *engine);
    int received; /* things taken out of the inbox in the last turn */
    bool polled;  /* a foreign loop waits for this one (polled.h) */

    struct event *alarm, *wake; /* libevent's events for alarm_fd and wake_fd */
    int alarm_fd, wake_fd;      /* a timerfd; an eventfd that other threads write */
    int probe_fd;               /* an epoll set (watch.c); -1: not made yet */
    int64_t alarm_us;           /* when alarm_fd expires; 0: it is not set */
    struct tocsin__timers timers;
    bool clock_stopped; /* a test has stopped the clock at clock_us */
    int64_t clock_us;

    struct tocsin__node *ready, **ready_last; /* ready.h */
    /* messages that an injector delays (inject.c), the oldest first */
    struct tocsin__delayed *delayed, **delayed_last;
    uint32_t delayed_count;
    struct tocsin__watch *watches;
    struct tocsin__ready_set *ready_set; /* readiness.h; NULL: no stream was ever opened */
    /* a descriptor was closed before its watch ended; its file may still be in the epoll sets */
    bool has_stale_fds;
    struct tocsin__poll_fd *poll_fd; /* NULL: tocsin_loop_fd was never called */
    struct tocsin__cleanup *cleanups;
    struct tocsin__watched *watched; /* the watchdog's record; NULL: never watched */

    uint64_t os_taken;                       /* real signals that tocsin_run has taken over (T7) */
    struct tocsin__loop_client *loop_client; /* NULL: no operation was ever started */
    bool draining;                           /* tocsin_drain was called */
    bool drain_begun;                        /* persistent operations have been cancelled */
    bool drain_expired;                      /* the time limit of the drain has passed */
    bool had_last_turn;                      /* tocsin_loop_free has run the last turn */
    struct tocsin__timer drain_timer;

    struct tocsin__io *io; /* written by lib/io alone; NULL: no stream was ever opened */

    /* written by lib/style alone */
    struct tocsin__timer
        suspend_timer; /* timer of tocsin_suspend; not on the stack, which may be lost (T6) */
    struct tocsin__fiber *fiber; /* NULL: none runs */
    struct tocsin__fibers *fibers;
};

/* The engine of the calling thread's loop; makes the loop and the engine if there is none. */
int tocsin__engine_make(struct tocsin__engine **ret_engine);
void tocsin__engine_free(struct tocsin__engine *engine);
void tocsin__engine_add_cleanup(struct tocsin__engine *engine, struct tocsin__cleanup *cleanup);

/* Opens the descriptors and events; the base too, if there is none. On failure (-EMFILE, -ENOMEM,
 * another -errno) the caller must call tocsin__engine_shut, which closes all but the base. */
int tocsin__engine_open(struct tocsin__engine *engine);
void tocsin__engine_shut(struct tocsin__engine *engine);

/* Make wake_fd or alarm_fd unreadable again. */
void tocsin__engine_read_wake(struct tocsin__engine *engine);
void tocsin__engine_read_alarm(struct tocsin__engine *engine);

#endif
