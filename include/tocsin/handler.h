/* Handlers: functions that a loop calls when a signal is emitted. They are like the handlers of
 * POSIX's sigaction, but each signal has a list of handlers.
 *
 * A handler must return, and so must every other function that a loop calls (a notify, a task, a
 * default action, a drop). It must not throw an exception or jump past its caller. The loop detects
 * such a jump later: when the function that the jump reached, or one of its callers, emits the
 * signal of the handler, runs turns, waits or frees the loop. The loop then continues as if the
 * handler had returned. It skips the rest of the delivery, and the handler counts as failed with
 * -ECANCELED (tocsin.handler.failed). With TOCSIN_DEBUG=1 the library prints a line about the jump.
 * A fiber that was left by a jump to another stack ends with -ECANCELED. The loop cannot detect a
 * jump on a stack that the program made itself. */
#ifndef TOCSIN_HANDLER_H
#define TOCSIN_HANDLER_H

#include <tocsin/info.h>

TOCSIN__BEGIN

/* The results of a handler (E6): TOCSIN_NEXT, TOCSIN_STOP, or a negative errno if the handler
 * failed. Any other positive value means TOCSIN_NEXT. So a handler may return the result of another
 * call, because no function of the library returns TOCSIN_STOP. */
enum { TOCSIN_NEXT = 0, TOCSIN_STOP = 0x70c51 };

/* The flags of an action. */
enum {
    TOCSIN_ONCE = 1,    /* the handler is called only once: it is disconnected before the call (E4),
                         * as with SA_RESETHAND */
    TOCSIN_NODEFER = 2, /* while the handler runs, its signal is not blocked, so emissions nest
                         * (E5), as with SA_NODEFER */
    TOCSIN_EARLY = 4,   /* the pattern may contain names that are not declared yet */
    TOCSIN_REPLACE = 8  /* the handler may replace a real signal handler of the program itself (S3);
                         * for os.* signals */
};

/* Describes a handler, like struct sigaction of POSIX. Members that are not set must be zero. */
struct tocsin_action {
    tocsin_fn fn;
    void *arg; /* the argument that fn is called with */
    /* Called once with `arg`, after the last use of `arg`, and never while the handler runs. If
       connecting failed, this function is not called. NULL means that there is nothing to free. */
    tocsin_drop drop;
    struct tocsin_source source; /* the handler is called only for emissions of this source; zero:
                                    for all emissions */
    const char *mask;   /* pattern of the signals that are blocked on the loop while `fn` runs,
                           besides the handler's own signal (sa_mask); NULL: none */
    int priority;       /* E1: from -32768 to 32767; the highest priority is called first, then the
                           oldest handler */
    unsigned flags;     /* TOCSIN_ONCE, …, TOCSIN_ON_FIBER */
    const char *name;   /* name of `fn`, for reports; the text must last as long as `fn`. NULL: not
                           recorded */
    uintptr_t spare[3]; /* must be zero */
};

/* A delivery is one emission, delivered to the handlers of one loop. A delivery has these
   contracts:

   E2  A handler that is connected during a delivery is not called by that delivery.

   E3  After tocsin_disconnect has returned, the handler is not called again, even if it was next in
       the list. A handler may disconnect itself or any other handler, free a source, and stop or
       free the loop. It may do so at any depth of nesting.

   E5  While the handlers of a signal run, the signal is blocked. Its emissions are pending, and are
       delivered in their order when the outermost delivery of the signal ends. Emissions that
       become pending after that moment wait for the next turn; <tocsin/mask.h> (E10) says what
       delivers them earlier. TOCSIN_NODEFER belongs to one handler: during the call of this
       handler, a nested emission calls the whole list. At a depth of 32, an emission returns
       -ELOOP.

   E6  If a handler returns TOCSIN_STOP, the handlers behind it are not called in this delivery.
       Observers and the notify of an operation are still called. If a handler returns a negative
       errno, the failure is counted and announced as tocsin.handler.failed, and the delivery
       continues.

   E8  The library holds no lock while a handler runs.

   E10 Signals that action.mask blocks are delivered when the outermost delivery of the handler's
       signal has ended: after all handlers of the signal, and not when a nested delivery ends. */

/* A pattern is a name. In the name, * may replace one segment, and ** at the end stands for one or
   more segments. Several of these may be joined by commas. A part that begins with ! excludes names
   that earlier parts include, as in "**, !tocsin.**". */

/**
 * Connects a handler to all signals that match a pattern. The handler stays connected until the
 * loop is freed. Use tocsin_connect for a handler that is disconnected earlier.
 *
 * @owner   arg stays the caller's
 * @return  0; -EINVAL: the pattern is malformed, or fn is NULL; -ENOENT: a plain name in the
 *          pattern is not declared; -EBUSY: the program has a handler of its own for a real
 *          signal (S3); -EDQUOT: the owner has reached its limit of handlers; -ENOMEM; -ESHUTDOWN:
 *          the loop is being freed; or the error of creating the thread's loop
 * @emits   tocsin.connected
 * @thread  loop
 * @source  POSIX sigaction(2)
 * @since   0.1
 */
#define tocsin_on(pattern, fn, arg) tocsin_on_at(TOCSIN__HERE, #fn, (pattern), (fn), (arg))

/**
 * The function behind the macro tocsin_on, for bindings. `where` is the place of the call
 * ("chat.c:42"), and `name` is the name of `fn`. Each may be "", which means that it is not
 * recorded.
 *
 * @owner   as tocsin_on; where and name last as long as fn
 * @return  as tocsin_on
 * @emits   tocsin.connected
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_on_at(const char *where, const char *name, const char *pattern, tocsin_fn fn,
                            void *arg);

/**
 * Connects a handler to all signals that match a pattern, with a priority, flags, one source, a
 * mask or a drop. `ret_handler` may be NULL.
 *
 * @owner   arg is lent until drop is called; the rest of action is copied, except name
 * @return  0 and ret_handler set; -EINVAL: the pattern, mask, priority, flags or a spare word is
 *          wrong, or fn is NULL; -ENOENT: a plain name in the pattern is not declared, or the
 *          source does not exist; -EXDEV: the source belongs to the loop of another thread;
 *          -EBUSY: the program has a handler of its own for a real signal (S3); -EDQUOT: the owner
 *          has reached its limit of handlers; -ENOMEM; -ESHUTDOWN: the loop is being freed; or the
 *          error of creating the thread's loop. On failure ret_handler carries the error
 * @emits   tocsin.connected
 * @thread  loop
 * @source  POSIX sigaction(2)
 * @since   0.1
 */
#define tocsin_connect(...) tocsin_connect_at(TOCSIN__HERE, __VA_ARGS__)
TOCSIN_API int tocsin_connect_at(const char *where, const char *pattern,
                                 const struct tocsin_action *action,
                                 struct tocsin_handler *ret_handler);

/**
 * Connects an observer (E18), for logs, metrics and tools. An observer is called for every
 * emission, even after TOCSIN_STOP. An observer cannot stop a delivery. A signal that has only
 * observers counts as unhandled.
 *
 * @owner   as tocsin_connect
 * @return  as tocsin_connect
 * @emits   tocsin.connected
 * @thread  loop
 * @source  none
 * @since   0.1
 */
#define tocsin_observe(...) tocsin_observe_at(TOCSIN__HERE, __VA_ARGS__)
TOCSIN_API int tocsin_observe_at(const char *where, const char *pattern,
                                 const struct tocsin_action *action,
                                 struct tocsin_handler *ret_handler);

/**
 * Disconnects a handler or an observer (E3). On the thread of its loop, the handler is not called
 * again after this function has returned. On any other thread, this function requests that the
 * handler's loop disconnects the handler. The loop does so in its next turn. The request needs no
 * memory and never waits. The handler's `drop` is called when the last use of `arg` is over.
 *
 * @owner   drop(arg) is called on the handler's loop: before this returns; or, if a delivery is
 *          running, when that delivery has ended; or, after a request from another thread, when
 *          the loop has disconnected the handler
 * @return  0; -ENOENT: the handler does not exist, has been disconnected, or is being disconnected
 *          by another thread; or the error that handler carries
 * @emits   tocsin.disconnected, on the handler's loop
 * @thread  any, async-signal-safe on a thread other than that of its loop
 * @source  GLib g_signal_handler_disconnect
 * @since   0.1
 */
TOCSIN_API int tocsin_disconnect(struct tocsin_handler handler);

/**
 * Disconnects a handler of another thread's loop and waits for the end of its last use, for at most
 * timeout_ms milliseconds (-1: without limit). When this function returns 0, the handler does not
 * run, is not called again, and its `drop` has been called. Only a thread without a loop may call
 * this, because two loops that wait for each other would never return.
 *
 * @owner   as tocsin_disconnect
 * @return  0; -ENOENT: the handler does not exist, has been disconnected, or is being disconnected
 *          by another thread; -ETIMEDOUT: the handler still runs, and is disconnected later;
 *          -EDEADLK: the calling thread has a loop; -EINVAL: timeout_ms is below -1; -ENOMEM; or
 *          the error that handler carries
 * @emits   tocsin.disconnected, on the handler's loop
 * @thread  any without a loop
 * @source  Linux free_irq
 * @since   0.1
 */
TOCSIN_API int tocsin_disconnect_wait(struct tocsin_handler handler,
                                      int64_t timeout_ms) TOCSIN_CHECKED;

/**
 * Returns the handler that runs on the calling thread, so that the handler can disconnect itself.
 *
 * @owner   none
 * @return  the handler; zero: no handler runs, or a notify of an operation runs
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API struct tocsin_handler tocsin_handler_current(void);

/* The payload of tocsin.connected and tocsin.disconnected: a handler was connected, or was
 * disconnected. Nothing is emitted for the handlers of a loop that is freed. A new handler is not
 * called before its own tocsin.connected has been delivered. So the new handler receives neither
 * this signal nor the signals that handlers of tocsin.connected emit. */
#define TOCSIN_CONNECTED(F) \
    F(string, pattern) \
    F(string, function) \
    F(string, where) F(string, owner) F(u64, handler) F(i32, priority) F(bool, observer)
TOCSIN_LAYOUT(tocsin_connected, TOCSIN_CONNECTED);
#define TOCSIN_DISCONNECTED(F) TOCSIN_CONNECTED(F)
TOCSIN_LAYOUT(tocsin_disconnected, TOCSIN_DISCONNECTED);

/* tocsin.handler.failed: a handler returned a negative errno. While a tocsin.* signal is delivered,
   failures are counted, but not announced. faults: the number of failures of this handler so far.
   handler: 0 for a handler with TOCSIN_ONCE, because it is disconnected already; and for a notify
   whose fiber could not begin (TOCSIN_FIBERS), which has no where and no faults. */
#define TOCSIN_HANDLER_FAILED(F) \
    F(string, signal) \
    F(error, error) F(string, where) F(string, owner) F(u64, handler) F(u64, faults)
TOCSIN_LAYOUT(tocsin_handler_failed, TOCSIN_HANDLER_FAILED);

TOCSIN__END
#endif
