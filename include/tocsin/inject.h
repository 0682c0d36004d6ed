/* Injection: one function of the program, or of a plugin, sees each end of an operation, post and
   received message, and may delay it, reorder it, duplicate it or make it fail. So a test reaches
   the time-outs and races of a real program without mocks. The plugin "chaos" does this at random.

   The library keeps its contracts, as if the environment had behaved so: a disk was slow, a peer
   gave up, a thread was not scheduled. Only the order of the messages of one sender (T2), and that
   each arrives once, end where the function says so. Nothing is lost. Without an inject function
   each point costs one load, and an emission has no point. */
#ifndef TOCSIN_INJECT_H
#define TOCSIN_INJECT_H

#include <tocsin/info.h>

TOCSIN__BEGIN

/* Points at which the inject function is called. */
enum tocsin_inject_point {
    /* An operation was completed, and its end is about to be announced on its loop; not if
       somebody asked it to end (tocsin_cancel, a deadline, tocsin_loop_free). The end can be
       delayed, come after the next end of this signal, and be turned into a failure. While it is
       delayed the operation counts as running: a deadline or tocsin_cancel ends it at once, with
       -ETIMEDOUT or -ECANCELED, without asking the provider, and a drain waits for it. It cannot
       be duplicated, since everything relies on an operation ending once (O2). */
    TOCSIN_INJECT_COMPLETION,
    /* A tocsin_post, tocsin_post_to or tocsin_post_wait, on the sender's thread, before anything
       is done. It can fail: the call returns the error. A TOCSIN_ASYNC signal has no such point,
       since a real signal handler may be posting it. */
    TOCSIN_INJECT_POST,
    /* A loop takes a post, a real signal, or an emission of another loop out of its inbox; also a
       post of its own. The message can be delayed, come after the next one of this signal on this
       loop, and be duplicated. Ends and progress of another loop's operations have no such
       point. */
    TOCSIN_INJECT_RECEIVE
};

/* An event. The inject function may not change it. */
struct tocsin_inject_event {
    enum tocsin_inject_point point;
    int signo;        /* at COMPLETION: of the terminal signal */
    const char *name; /* the signal's; it lasts as long as the program */
    int code;         /* enum tocsin_code */
    int status;       /* at COMPLETION: the operation's status; else 0 */
    struct tocsin_source
        source; /* at COMPLETION: the operation; at RECEIVE: as in the info; else zero */
    uintptr_t spare[4];
};

/* Treatment of the event by the library. The inject function sets the members. All are zero when
   it is called; if they stay zero, the event is not changed. */
struct tocsin_inject_action {
    int64_t delay_ms; /* COMPLETION, RECEIVE: delay, by the loop's clock; 0 or less: no delay */
    bool behind; /* with delay_ms: deliver it after the next event of the same signal on this loop,
                    at the latest after delay_ms. At most one event of a signal waits so */
    bool twice;  /* RECEIVE: deliver it a second time, after the same delay */
    int error;   /* negative: COMPLETION ends with this status and an empty payload; POST returns it
                  */
    uintptr_t spare[4];
};

/* The most messages of a loop that are delayed at RECEIVE at a time. Further messages are neither
   delayed nor duplicated. */
enum { TOCSIN_INJECT_MAX = 1024 };

/* The inject function. It is called on the thread on which the event happens, by one thread at a
   time. All other threads with an event wait for it, so it must compute and return. It may post
   (without an event); it must not emit, run turns, wait or fork. */
typedef void (*tocsin_inject_fn)(const struct tocsin_inject_event *event,
                                 struct tocsin_inject_action *action, void *arg);

/**
 * Installs the inject function of the process; fn NULL: removes it, whoever installed it. When
 * this returns, a removed function does not run on any thread, and is not called again. Events
 * that it has delayed stay delayed. A function of a plugin is removed when the plugin is unloaded
 * or reloaded, before its fini.
 *
 * @owner   arg stays the caller's
 * @return  0; -EBUSY: another function is installed; -EDEADLK: the inject function made the call;
 *          -ESHUTDOWN: the plugin of fn is being unloaded
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_inject(tocsin_inject_fn fn, void *arg);

/**
 * Exempts the calling thread's loop, which is created if the thread has none. From now on the
 * inject function sees neither ends of its operations, nor messages of its inbox, nor posts of its
 * thread. For a loop that must stay reliable, such as one that ends the program at the second
 * SIGTERM. TOCSIN_NO_INJECT exempts a single operation.
 *
 * @owner   none; it lasts as long as the loop does
 * @return  0; or the error of creating the thread's loop
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_inject_exempt(void);

TOCSIN__END
#endif
