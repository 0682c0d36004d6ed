/* Work: a function that blocks, on a thread of a pool. The pool's threads block every signal. */
#ifndef TOCSIN_WORK_H
#define TOCSIN_WORK_H

#include <tocsin/op.h>

TOCSIN__BEGIN

/* How long it waited for a thread, and how long it ran. */
#define TOCSIN_WORK_DONE(F) F(i64, queued_us) F(i64, ran_us)
TOCSIN_LAYOUT(tocsin_work_done, TOCSIN_WORK_DONE);

enum { TOCSIN_ABANDON = 1 };              /* cancelled while it runs, the operation ends at once, and the answer of task is lost */

struct tocsin_work_options {
    struct tocsin_pool pool;              /* zero: the pool of the process */
    tocsin_drop drop;                     /* called once with arg when neither task nor the operation uses it any more; any thread */
    unsigned flags;
    uintptr_t spare[4];                   /* zero */
};

/**
 * Runs task(arg) on a thread of the process's pool.
 *
 * @owner   arg is lent until the terminal signal
 * @return  0; -EINVAL: task is NULL; -EAGAIN: the pool's queue is full, or no thread could be made and none is there; else as tocsin_op_new. On
 *          failure ret_op carries the error
 * @emits   work.done exactly once, status: what task answered; -ECANCELED or -ETIMEDOUT if it had not begun
 * @thread  loop
 * @source  POSIX pthread_create(3), pthread_join(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_work(tocsin_task task, void *arg, const struct tocsin_notify *notify, struct tocsin_op *ret_op);

/**
 * Runs task(arg) on a pool of one's own, or so that it can be abandoned while it runs. options NULL: as tocsin_work.
 *
 * @owner   arg is lent until drop is called, or without drop until the terminal signal; with TOCSIN_ABANDON give a drop
 * @return  as tocsin_work; -ENOENT: there is no such pool; -EINVAL also: a flag or spare word is wrong, or TOCSIN_ABANDON without drop. drop
 *          is not called if it fails
 * @emits   as tocsin_work
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_work_with(const struct tocsin_work_options *options, tocsin_task task, void *arg,
                                const struct tocsin_notify *notify, struct tocsin_op *ret_op);

/**
 * Makes a pool of up to so many threads (0: as many as processors, at least 4), which start when they are needed and end when idle for a second,
 * with a queue of so many tasks (0: 1,024).
 *
 * @owner   the pool is the caller's, who ends it with tocsin_pool_free
 * @return  0 and ret_pool set; -EINVAL: threads is negative or over 1,024, or ret_pool is NULL; -ENOMEM. On failure ret_pool carries the error
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_pool_new(int threads, size_t limit, struct tocsin_pool *ret_pool);

/**
 * Ends a pool: it takes no new work, finishes what it has, and its threads end. Does not wait for them.
 *
 * @owner   the pool is gone for the caller
 * @return  0; -ENOENT: there is no such pool
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_pool_free(struct tocsin_pool pool);

TOCSIN__END
#endif
