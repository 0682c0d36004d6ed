/* The watchdog: a thread that says which handler blocks a loop, while it does. Nothing is timed where an emission is made. */
#ifndef TOCSIN_WATCHDOG_H
#define TOCSIN_WATCHDOG_H

#include <tocsin/info.h>

TOCSIN__BEGIN

/* loop.blocked: a call, or a turn that works, has gone on for as long as the loop's watchdog allows; then again each time that the duration has doubled.
   It is posted: another loop that listens hears it at once, the blocked one in its next turn. A post that is refused is made again soon.

   handler is the one whose call has lasted all that time; it runs, or what it called does. 0: no single handler. Then a notify, a task or a fiber has, or the
   turn has, in many short calls; and the fields from signal to emission tell what ran at the moment of looking, if anything is known of it.
   signal is "" if the handler was connected to a pattern of several: emission, a sequence number, says which it is. pattern, function, where are
   those of the handler. source: the one that the handler listens to alone; of a notify or a fiber, its operation; 0: none.
   blocked_us is for how long the watchdog has seen it: it began up to a quarter of the limit earlier. */
#define TOCSIN_LOOP_BLOCKED(F) F(u64, loop) F(u64, handler) F(string, signal) F(string, pattern) F(string, function) F(string, where) F(string, owner) \
    F(u64, source) F(u64, emission) F(i64, blocked_us)
TOCSIN_LAYOUT(tocsin_loop_blocked, TOCSIN_LOOP_BLOCKED);

/**
 * Has the calling thread's loop watched from now on, so that loop.blocked is posted when it serves nothing else for limit_ms milliseconds; called again,
 * with another limit. 0: not any more. One thread watches all loops, looking four times in the shortest limit, at most once in a millisecond; it
 * blocks every signal, and ends with the last of them.
 *
 * @owner   none; a loop that is freed is not watched any more
 * @return  0; -EINVAL: limit_ms is negative; -EAGAIN: there can be no more threads; -ENOMEM; or what making the thread's loop answered
 * @emits   loop.blocked, posted by the watchdog's thread
 * @thread  loop
 * @source  Node perf_hooks.monitorEventLoopDelay
 * @since   0.1
 */
TOCSIN_API int tocsin_watchdog(int64_t limit_ms);

TOCSIN__END
#endif
