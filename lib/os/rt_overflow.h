/* Keeps real-time signals for which a loop has no room (S1). */
#ifndef TOCSIN_OS_RT_OVERFLOW_H
#define TOCSIN_OS_RT_OVERFLOW_H

#include <signal.h>

#include <tocsin/os.h>

#include "delivery/loop.h"

/* Returns the real-time signals that are taken over. This function is async-signal-safe. */
uint64_t tocsin__os_queued(void);
/* Records that a real-time signal was taken over, or was given back. disposition.c calls these
   functions. */
void tocsin__os_queued_add(int number);
void tocsin__os_queued_remove(int number);

/* Called in the real handler. Keeps a signal for which an inbox had no cell. */
void tocsin__rt_overflow_add(int signo, const struct tocsin_os_signal *what);

/* Called in the real handler. Adds to `mask` the signals that the interrupted thread must block,
   because a loop that listens has no room for another signal. */
void tocsin__rt_overflow_block(struct tocsin__signal *signal, int number, sigset_t *mask);

/* Only the loop's own thread calls the next four functions. This one posts the waiting entries and
 * unblocks the signals, if the loop has room again. */
void tocsin__rt_overflow_retry(struct tocsin__loop *loop);

/* Returns true if tocsin__rt_overflow_retry has something to do. */
bool tocsin__rt_overflow_is_pending(const struct tocsin__loop *loop);

/* Called when the loop ends and refuses posts. Delivers the waiting entries, and restores the mask
   of the thread. */
void tocsin__rt_overflow_finish(struct tocsin__loop *loop);

/* In the child of a fork (T8): restores the mask of the thread, and drops the entries, which belong
 * to the parent. */
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


/* Computes the signal mask of a pool thread while it runs a task (S2). If a thread has unblocked
 * real-time signals for itself (tocsin_os_unblock_here), the mask contains all of them. Otherwise
 * it contains only those for which a loop has no room. */
void tocsin__rt_overflow_task_mask(sigset_t *ret_mask);

#endif
