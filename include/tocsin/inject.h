/* Injection: one inject function, of the program or of a plugin, receives each end of an operation,
 * each post and each received message. It may delay, reorder or duplicate the event, or make it
 * fail. So a test reaches the time-outs and races of a real program without mocks. The plugin
 * "chaos" does this at random.
 *
 * The library keeps its contracts, as if a disk were slow, a peer had given up, or a thread had not
 * been scheduled. Only two contracts may be broken, if the function asks for it: the messages of
 * one sender arrive in their order (T2), and each message arrives once. Nothing is lost. Without an
 * inject function each point costs one load. An emission on the emitting loop has no such point. */
#ifndef TOCSIN_INJECT_H
#define TOCSIN_INJECT_H

#include <tocsin/info.h>

TOCSIN__BEGIN

/* The points at which the inject function is called. */
enum tocsin_inject_point {
    /* An operation was completed, and its end is about to be announced on its loop. This point does
     * not exist if the operation was cancelled (tocsin_cancel, a deadline, tocsin_loop_free). The
     * end can be delayed, can come after the next end of this signal, and can become a failure.
     * During the delay the operation counts as running, and a drain waits for it. A deadline or
     * tocsin_cancel then ends the operation immediately, with -ETIMEDOUT or -ECANCELED, without a
     * call of the provider. An end cannot be duplicated, because each operation has exactly one end
     * (O2). */
    TOCSIN_INJECT_COMPLETION,
    /* A tocsin_post, tocsin_post_to or tocsin_post_wait begins, on the sender's thread. The post
       can fail; then the call returns the error. A TOCSIN_ASYNC signal has no such point, because a
       real signal handler may be posting it. */
    TOCSIN_INJECT_POST,
    /* A loop takes a message out of its inbox: a post (also the loop's own), a real signal, or an
     * emission of another loop. The message can be delayed, can be delivered after the next message
     * of this signal on this loop, and can be duplicated. Ends and progress of another loop's
     * operations have no such point. */
    TOCSIN_INJECT_RECEIVE
};

/* An event that the inject function sees. The function may not change it. */
struct tocsin_inject_event {
    enum tocsin_inject_point point;
    int signo;        /* the signal; at COMPLETION: the terminal signal */
    const char *name; /* name of the signal; the text lasts as long as the program */
    int code;         /* an enum tocsin_code */
    int status;       /* status of the operation, at COMPLETION; at other points 0 */
    struct tocsin_source
        source; /* the operation, at COMPLETION; the source in the info, at RECEIVE; else zero */
    uintptr_t spare[4];
};

/* The change that the library makes to the event. The inject function sets the members. All members
   are zero when the function is called. If they stay zero, the event is not changed. */
struct tocsin_inject_action {
    int64_t delay_ms; /* delay of the event in milliseconds of the loop's clock, at COMPLETION and
                       * RECEIVE; 0 or less: no delay */
    bool behind; /* true together with delay_ms: the event is delivered after the next event of the
                  * same signal on this loop, but at the latest after delay_ms. At most one event of
                  * a signal waits in this way */
    bool twice;  /* the message is delivered twice, each time after the same delay; only at
                  * RECEIVE */
    int error;   /* an error (negative), or 0. At COMPLETION the operation ends with this status and
                  * an empty payload. At POST the call returns this error */
    uintptr_t spare[4];
};

/* The most messages of one loop that are delayed at RECEIVE at the same time. Further messages are
   neither delayed nor duplicated. */
enum { TOCSIN_INJECT_MAX = 1024 };

/* The inject function. It is called on the thread on which the event happens, by only one thread at
 * a time. Every other thread with an event waits for the end of the call, so the function must not
 * block. The function may post; it is not called for its own posts. It must not emit, run turns,
 * wait or fork. */
typedef void (*tocsin_inject_fn)(const struct tocsin_inject_event *event,
                                 struct tocsin_inject_action *action, void *arg);

/**
 * Installs the inject function of the process. If `fn` is NULL, removes the function, whichever
 * code has installed it. When this call returns, a removed function does not run on any thread, and
 * is not called again. Events that it has delayed stay delayed. A function of a plugin is removed
 * when the plugin is unloaded or reloaded, before the plugin's fini.
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
 * inject function does not see ends of the loop's operations, messages of its inbox, and posts of
 * its thread. This is for a loop that must stay reliable, such as a loop that ends the program at
 * the second SIGTERM. TOCSIN_NO_INJECT exempts a single operation.
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
