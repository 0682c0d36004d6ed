/* Handlers: who is called when a signal is emitted. POSIX's sigaction, with a list instead of one. */
#ifndef TOCSIN_HANDLER_H
#define TOCSIN_HANDLER_H

#include <tocsin/info.h>

TOCSIN__BEGIN

/* E6. What a handler answers: NEXT, STOP or a negative errno. Any other positive value is NEXT, so that a handler may
   return what another call answered; no other function answers TOCSIN_STOP. */
enum { TOCSIN_NEXT = 0, TOCSIN_STOP = 0x70c51 };

enum {
    TOCSIN_ONCE = 1,                      /* E4: disconnected before its first call. SA_RESETHAND */
    TOCSIN_NODEFER = 2,                   /* E5: while it runs, an emission of its own signal nests. SA_NODEFER */
    TOCSIN_EARLY = 4,                     /* a plain name need not be declared yet; nor need one that a plugin says it consumes */
    TOCSIN_REPLACE = 8                    /* os.*: take a real signal over from a handler that is not ours (S3) */
};

struct tocsin_action {
    tocsin_fn fn;
    void *arg;
    tocsin_drop drop;                     /* called once with arg, after its last use, never while the handler runs; not if connecting failed */
    struct tocsin_source source;          /* hear this source alone; zero: any */
    const char *mask;                     /* a pattern of signals that are blocked on the loop while the handler runs, in addition to its own: sa_mask. NULL: none */
    int priority;                         /* E1: -32768 to 32767, higher first; equals in the order in which they were connected */
    unsigned flags;
    uintptr_t spare[4];                   /* zero */
};

/* Contracts of one delivery, that is of one emission meeting the handlers of one loop.
   E2  A handler that is connected during a delivery is not called by it.
   E3  Once tocsin_disconnect has returned, the handler is never called again, even if it was next in line. Disconnecting
       oneself, the previous, the next, all; freeing the source; stopping or freeing the loop: all legal in any handler,
       at any depth.
   E5  While a signal's handlers run it is blocked: emissions of it are pended, and delivered in their order when
       the outermost delivery of it ends (what is pended by then; what those pend waits for the next turn). NODEFER belongs to the
       handler that runs: during its call a nested emission calls the whole list, to a depth of 32, then answers -ELOOP.
   E6  STOP ends the handlers of this delivery; observers and the operation's notify see it all the same. An error is
       counted and announced as tocsin.handler.failed, and the delivery goes on.
   E8  No lock is held while a handler runs.
   E10 What a mask holds back while the handler runs is delivered when the outermost delivery of its signal has ended. */

/* A pattern is a name; or one with * for one segment or ** as the last, for one or more; or several, parted by commas. One that begins
   with ! takes out again what those in front of it have: "**, !tocsin.**". */

/**
 * Connects a handler to all signals that match a pattern: the simple call. It stays until the loop is freed.
 *
 * @owner   arg is the caller's
 * @return  0; -EINVAL: the pattern is malformed, or fn is NULL; -ENOENT: a plain name that nobody declared (misspelt?);
 *          -ENOMEM; -ESHUTDOWN: the loop is being freed; or what making the thread's loop answered
 * @emits   tocsin.connected
 * @thread  loop
 * @source  POSIX sigaction(2)
 * @since   0.1
 */
#define tocsin_on(...) tocsin_on_at(TOCSIN__HERE, #__VA_ARGS__, __VA_ARGS__)
TOCSIN_API int (tocsin_on)(const char *pattern, tocsin_fn fn, void *arg);

/**
 * Connects a handler as an action says: priority, once, nodefer, one source, drop. ret_handler may be NULL.
 *
 * @owner   arg is the caller's until drop is called; with the handler goes nothing else
 * @return  0 and ret_handler set; -EINVAL: pattern, mask, priority, flags or a spare word is wrong, or fn is NULL; -ENOENT: a plain
 *          name that nobody declared, or no such source; -EXDEV: the source belongs to another loop; -ENOMEM; -ESHUTDOWN: the loop is
 *          being freed; or what making the thread's loop answered. On failure ret_handler carries the error
 * @emits   tocsin.connected
 * @thread  loop
 * @source  POSIX sigaction(2)
 * @since   0.1
 */
#define tocsin_connect(...) tocsin_connect_at(TOCSIN__HERE, #__VA_ARGS__, __VA_ARGS__)
TOCSIN_API int (tocsin_connect)(const char *pattern, const struct tocsin_action *action, struct tocsin_handler *ret_handler);

/**
 * E18. Connects an observer: it sees every emission, also after STOP; it cannot stop, and does not count as handling. Logs,
 * metrics and tools observe.
 *
 * @owner   as tocsin_connect
 * @return  as tocsin_connect
 * @emits   tocsin.connected
 * @thread  loop
 * @source  none
 * @since   0.1
 */
#define tocsin_observe(...) tocsin_observe_at(TOCSIN__HERE, #__VA_ARGS__, __VA_ARGS__)
TOCSIN_API int (tocsin_observe)(const char *pattern, const struct tocsin_action *action, struct tocsin_handler *ret_handler);

/**
 * E3. Disconnects a handler or observer. On its loop's thread: once this has returned it is never called again. From any other thread: its loop
 * is asked to, and does so in its next turn; this never waits, and neither memory nor room can run out. drop tells when its last use is over.
 *
 * @owner   drop(arg) is called, on the handler's loop: before this returns, or, if a delivery is running, when that has ended; asked from another
 *          thread, when that loop has obeyed
 * @return  0; -ENOENT: there is no such handler, or not any more, or it has been asked for already; or the error that handler carries
 * @emits   tocsin.disconnected, on the handler's loop
 * @thread  any, async-signal-safe from a thread that is not its loop's
 * @source  GLib g_signal_handler_disconnect
 * @since   0.1
 */
TOCSIN_API int tocsin_disconnect(struct tocsin_handler handler);

/**
 * Disconnects a handler of another thread's loop and waits until its last use is over, for at most timeout_ms milliseconds (-1: without limit): when
 * this has answered 0 it is not running, is never called again, and its drop has been called. For threads without a loop: one that waits for another
 * loop is a deadlock in the making.
 *
 * @owner   as tocsin_disconnect
 * @return  0; -ENOENT: there is no such handler, or not any more, or somebody else has asked; -ETIMEDOUT: it is disconnected all the same, later;
 *          -EDEADLK: the thread has a loop; -EINVAL: timeout_ms is below -1; -ENOMEM; or the error that handler carries
 * @emits   tocsin.disconnected, on the handler's loop
 * @thread  any without a loop
 * @source  Linux free_irq
 * @since   0.1
 */
TOCSIN_API int tocsin_disconnect_wait(struct tocsin_handler handler, int64_t timeout_ms) TOCSIN_CHECKED;

/**
 * The handler that is running on the calling thread, so that it can disconnect itself.
 *
 * @owner   none
 * @return  the handler; zero: none is running, or what runs is the notify of an operation
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API struct tocsin_handler tocsin_current(void);

/**
 * Whose handler it is: "program" (P1).
 *
 * @owner   constant text
 * @return  the owner's name; "unknown": there is no such handler on the calling thread's loop
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API const char *tocsin_handler_owner(struct tocsin_handler handler);

/**
 * tocsin_on with the place that it is called from, "chat.c:42", and the text of its arguments, from which the name of the function is
 * read. The macros pass both; bindings pass their own, or "".
 *
 * @owner   where and call are constant text of the caller's object file
 * @return  as tocsin_on
 * @emits   tocsin.connected
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_on_at(const char *where, const char *call, const char *pattern, tocsin_fn fn, void *arg);

/**
 * tocsin_connect with the place that it is called from, and the text of its arguments.
 *
 * @owner   where and call are constant text of the caller's object file
 * @return  as tocsin_connect
 * @emits   tocsin.connected
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_connect_at(const char *where, const char *call, const char *pattern, const struct tocsin_action *action,
                                 struct tocsin_handler *ret_handler);

/**
 * tocsin_observe with the place that it is called from, and the text of its arguments.
 *
 * @owner   where and call are constant text of the caller's object file
 * @return  as tocsin_connect
 * @emits   tocsin.connected
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_observe_at(const char *where, const char *call, const char *pattern, const struct tocsin_action *action,
                                 struct tocsin_handler *ret_handler);

/* tocsin.connected, tocsin.disconnected: a handler came, a handler went (not when its loop is freed). The handler that came is not called until that has
   been told: neither for its own coming nor for what is emitted meanwhile. */
#define TOCSIN_CONNECTED(F) F(string, pattern) F(string, function) F(string, where) F(string, owner) F(u64, handler) F(i32, priority) F(bool, observer)
TOCSIN_LAYOUT(tocsin_connected, TOCSIN_CONNECTED);
#define TOCSIN_DISCONNECTED(F) TOCSIN_CONNECTED(F)
TOCSIN_LAYOUT(tocsin_disconnected, TOCSIN_DISCONNECTED);

/* tocsin.handler.failed: a handler answered a negative errno. A fault while a tocsin.* signal is delivered is only counted.
   handler is 0 if it was a ONCE handler, which is not there any more. */
#define TOCSIN_HANDLER_FAILED(F) F(string, signal) F(error, error) F(string, where) F(string, owner) F(u64, handler) F(u64, faults)
TOCSIN_LAYOUT(tocsin_handler_failed, TOCSIN_HANDLER_FAILED);

TOCSIN__END
#endif
