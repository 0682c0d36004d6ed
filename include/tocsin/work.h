/* Work is a function that runs on a thread of a pool, because it may block.
 *
 * The thread runs the task and its drop with an empty signal mask. So children that they start
 * (system, popen, posix_spawn) have an empty mask, too, and handlers of real signals may interrupt
 * them: calls that SA_RESTART does not cover return EINTR. Between tasks the thread blocks every
 * signal (S2, <tocsin/os.h>). A task may be cancelled (pthread_cancel) or call pthread_exit. Then
 * its operation ends with -ECANCELED, drop is called, and another thread replaces this one. */
#ifndef TOCSIN_WORK_H
#define TOCSIN_WORK_H

#include <tocsin/op.h>

TOCSIN__BEGIN

/* The payload of work.done, in microseconds. queued_us: how long the task waited for a thread.
   ran_us: how long the task ran. */
#define TOCSIN_WORK_DONE(F) F(i64, queued_us) F(i64, ran_us)
TOCSIN_LAYOUT(tocsin_work_done, TOCSIN_WORK_DONE);

/* The flags of work. */
enum {
    TOCSIN_ABANDON = 1 /* if the operation is cancelled while the task runs, it ends immediately,
                          and the result of the task is lost */
};

/* The options of tocsin_work_with. Members that are not set must be zero. */
struct tocsin_work_options {
    struct tocsin_pool pool; /* the pool that runs the task; zero: the pool of the process */
    tocsin_drop drop;        /* called once with `arg`, on any thread, when neither the task nor the
                                operation uses `arg` any longer; NULL: nothing to free */
    unsigned flags;          /* TOCSIN_ABANDON or 0 */
    uintptr_t spare[4];      /* must be zero */
};

/**
 * Runs task(arg) on a thread of the process's pool.
 *
 * @owner   arg is lent until the terminal signal
 * @return  0; -EINVAL: task is NULL; -EAGAIN: the queue of the pool is full, or no thread could be
 *          created and the pool has none; else as tocsin_op_new. On failure ret_op carries the
 *          error
 * @emits   work.done exactly once. Its status is the result of task; -ECANCELED or -ETIMEDOUT if
 *          the task had not begun; -ECANCELED if the task ended its thread; -EAGAIN if an earlier
 *          task ended the last thread, and no new one could be created
 * @thread  loop
 * @source  POSIX pthread_create(3), pthread_join(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_work(tocsin_task task, void *arg, const struct tocsin_notify *notify,
                           struct tocsin_op *ret_op);

/**
 * Runs task(arg) with options: on another pool, with a drop, or so that the operation can end while
 * the task still runs. If `options` is NULL, works as tocsin_work.
 *
 * @owner   arg is lent until drop is called, or, without drop, until the terminal signal;
 *          TOCSIN_ABANDON needs a drop
 * @return  as tocsin_work; -ENOENT: the pool does not exist; -EINVAL also: a flag or spare word is
 *          wrong, or TOCSIN_ABANDON is set without drop. On failure drop is not called
 * @emits   as tocsin_work
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_work_with(const struct tocsin_work_options *options, tocsin_task task,
                                void *arg, const struct tocsin_notify *notify,
                                struct tocsin_op *ret_op);

/**
 * Makes a pool of at most `threads` threads (0: the number of processors, at least 4), with a queue
 * of `limit` tasks (0: 1,024). Threads are created when they are needed. They end after a second
 * without work.
 *
 * @owner   the pool is the caller's, who ends it with tocsin_pool_free
 * @return  0 and ret_pool set; -EINVAL: threads is negative or over 1,024, or ret_pool is NULL;
 *          -ENOMEM. On failure ret_pool carries the error
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_pool_new(int threads, size_t limit, struct tocsin_pool *ret_pool);

/**
 * Ends a pool. The pool accepts no new tasks, finishes the tasks that it has, and ends its threads.
 * This function does not wait for them.
 *
 * @owner   the id is invalid afterwards
 * @return  0; -ENOENT: the pool does not exist
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_pool_free(struct tocsin_pool pool);

TOCSIN__END
#endif
