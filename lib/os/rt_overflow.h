/* Real-time signals for which a loop has no room (S1). */
#ifndef TOCSIN_OS_RT_OVERFLOW_H
#define TOCSIN_OS_RT_OVERFLOW_H

#include <signal.h>

#include <tocsin/os.h>

#include "delivery/loop.h"

/* The real-time signals that are taken over. Async-signal-safe. */
uint64_t tocsin__os_queued(void);
/* Notes that a real-time signal is taken over, or not any more. disposition.c calls them. */
void tocsin__os_queued_add(int number);
void tocsin__os_queued_remove(int number);

/* In the real handler: keeps a signal that found no cell in an inbox. */
void tocsin__rt_overflow_add(int signo, const struct tocsin_os_signal *what);

/* In the real handler: adds to mask the signals that the interrupted thread must block, since a
 * loop that listens has no room for another one. */
void tocsin__rt_overflow_block(struct tocsin__signal *signal, int number, sigset_t *mask);

/* The loop's own thread, for the next four. If the loop has room again: posts the entries that wait
 * and unblocks the signals. */
void tocsin__rt_overflow_retry(struct tocsin__loop *loop);

/* Whether tocsin__rt_overflow_retry has something to do. */
bool tocsin__rt_overflow_is_pending(const struct tocsin__loop *loop);

/* The loop ends and refuses posts: delivers the entries that wait, restores the mask of the thread.
 */
void tocsin__rt_overflow_finish(struct tocsin__loop *loop);

/* T8: restores the mask in a child, and drops the entries, which are for the parent. */
void tocsin__rt_overflow_drop(struct tocsin__loop *loop);

/* Called once in each turn, before the loop may sleep. */
static inline void tocsin__rt_overflow_turn(struct tocsin__loop *loop)
{
    struct tocsin__rt_overflow *overflow = &loop->inbox.overflow;

    if (tocsin__unlikely(atomic_load_explicit(&overflow->retry_wanted, memory_order_relaxed) ||
                         atomic_load_explicit(&overflow->at_limit, memory_order_relaxed) ||
                         atomic_load_explicit(&overflow->masked, memory_order_relaxed)))
        tocsin__rt_overflow_retry(loop);
}


/* S2: the mask of a pool thread while it runs a task: all real-time signals if a thread has
 * unblocked them for itself (tocsin_os_unblock_here), else those for which a loop has no room. */
void tocsin__rt_overflow_task_mask(sigset_t *ret_mask);

#endif
