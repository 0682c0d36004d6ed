/* The watchdog is a thread that reports which handler blocks a loop, while the handler does so.
   Emissions are not timed, so the watchdog costs them nothing. */
#ifndef TOCSIN_WATCHDOG_H
#define TOCSIN_WATCHDOG_H

#include <tocsin/info.h>

TOCSIN__BEGIN

/* The payload of loop.blocked: one call, or one turn, has lasted for as long as the loop's watchdog
 * allows. The signal is posted again each time that the duration has doubled. If another loop
 * listens, the other loop delivers the signal immediately. The blocked loop delivers it in its next
 * turn. If a post is refused, the watchdog repeats it soon.
 *
 * handler: the handler whose call has lasted all the time. This handler, or a function that it
 * called, still runs. If handler is 0, no single handler blocks the loop, but a notify, a task, a
 * fiber, or many short calls in one turn. Then the members from signal to emission describe the
 * code that ran when the watchdog checked the loop, if this code is known.
 *
 * signal: the name of the signal that the handler handles; "" if the handler was connected to a
 * pattern of several names. emission: the sequence number of the emission that the handler handles.
 * pattern, function, where: facts of the handler. source: the source that the handler is connected
 * to, or the operation of a notify or a fiber; 0: none. blocked_us: how long the watchdog has seen
 * the call; the call began up to a quarter of the limit earlier. */
#define TOCSIN_LOOP_BLOCKED(F) \
    F(u64, loop) \
    F(u64, handler) \
    F(string, signal) \
    F(string, pattern) \
    F(string, function) \
    F(string, where) F(string, owner) F(u64, source) F(u64, emission) F(i64, blocked_us)
TOCSIN_LAYOUT(tocsin_loop_blocked, TOCSIN_LOOP_BLOCKED);

/**
 * Makes the watchdog post loop.blocked if one function of the program (a handler, a notify, a
 * task, …) keeps the loop of the calling thread busy for more than limit_ms milliseconds. A further
 * call changes the limit; 0 ends the watch.
 *
 * One thread watches all loops. It looks four times within the shortest limit, but at most once in
 * a millisecond. It blocks every signal, and ends when no loop is watched any longer.
 *
 * @owner   none; a loop that is freed is not watched any longer
 * @return  0; -EINVAL: limit_ms is negative; -EAGAIN: no further thread can be created; -ENOMEM;
 *          or the error of creating the thread's loop
 * @emits   loop.blocked, posted by the watchdog's thread
 * @thread  loop
 * @source  Node perf_hooks.monitorEventLoopDelay
 * @since   0.1
 */
TOCSIN_API int tocsin_watchdog(int64_t limit_ms);

/* The listener of the watchdog. It receives the payload of loop.blocked and a sentence such as
   "loop main has been blocked for 1016 ms: handler on_tick (bell.c:12) of plugin bell for
   host.ticked". */
typedef void (*tocsin_watchdog_fn)(const struct tocsin_loop_blocked *blocked, const char *text,
                                   void *arg);

/**
 * Makes the watchdog's thread call `fn` each time that it posts loop.blocked. `fn` is called even
 * if no loop can receive the post, because all loops are blocked or an inbox is full. If `fn` is
 * NULL, calls end; when this function has returned, the old `fn` does not run any more. A process
 * has one such function.
 *
 * `fn` must return soon, because no loop is watched meanwhile. `fn` must not call the library.
 *
 * @owner   arg stays the caller's; the arguments of fn last until fn returns
 * @return  none
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API void tocsin_watchdog_tell(tocsin_watchdog_fn fn, void *arg);

/**
 * Writes a text that says what runs in the process. The text first says what each loop does at this
 * moment. Then it lists the tasks, timers, watches, fibers and other operations of each plugin. If
 * no plugin has any, it lists those of the program. For example: "loop main: handler on_tick
 * (bell.c:12) of plugin bell for host.ticked; plugin bell: 1 task, 2 timers".
 *
 * The function never waits, so a thread that is about to end the program can report the cause. A
 * handler is named only on a loop that the watchdog watches.
 *
 * @owner   none
 * @return  the length of the text, which is cut to size - 1 bytes; 0: nothing runs
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API size_t tocsin_still_running(char *text, size_t size);

TOCSIN__END
#endif
