/* An operation that runs a blocking function on a thread of a pool. */
#include <stdatomic.h>

#include <tocsin/work.h>

#include "registry/catalogue.h"
#include "registry/owner.h"
#include "base/refusal.h"
#include "loop/clock.h"
#include "op/complete.h"
#include "op/lifecycle.h"
#include "op/op.h"
#include "op/op_owner.h"
#include "op/work/pool.h"
#include "op/work/worker.h"
#include "delivery/owner_here.h"

/* The part of the state that the pool thread uses. It may live longer than the operation. */
struct work {
    struct tocsin__job job;
    tocsin_task task;
    void *arg;
    tocsin_drop drop;
    uint64_t op;
    struct tocsin__pool *pool;
    int64_t queued_us;
    /* owner of the task; its quota is charged until this struct is freed */
    struct tocsin__owner *owner;
    _Atomic int refs; /* references: one of the operation, one of the pool thread */
};

struct state {
    struct tocsin_work_done done;
    struct work *work;
    struct tocsin__op *op;
    bool abandon;
};

static void work_free(struct work *work)
{
    tocsin__owner_uncharge(work->owner, TOCSIN_RESOURCE_TASKS, 1);
    tocsin__pool_release(work->pool);
    tocsin__release(work);
}

static void work_put(struct work *work)
{
    if (atomic_fetch_sub(&work->refs, 1) > 1)
        return;
    if (work->drop) {
        tocsin__worker_task_begin();
        work->drop(work->arg);
        tocsin__worker_task_end();
    }
    work_free(work);
}

static void work_run(struct tocsin__job *job)
{
    struct work *work = tocsin__container(job, struct work, job);
    int64_t began_us = tocsin__now(NULL);
    struct tocsin__op *op;
    int status;

    tocsin__thread_owner = work->owner;
    tocsin__worker_task_begin();
    status = work->task(work->arg);
    tocsin__worker_task_end();
    op = tocsin__op_claim(work->op);

    if (op) {
        struct state *state = (struct state *)op->state;

        state->done.queued_us = began_us - work->queued_us;
        state->done.ran_us = tocsin__now(NULL) - began_us;
        tocsin__op_finish(op, status, &state->done.tocsin);
    }
    work_put(work);
    tocsin__thread_owner = NULL;
}

/* The task, or its drop, has ended the pool thread. refs is 0 if it was drop. */
static void work_died(struct tocsin__job *job, int status)
{
    struct work *work = tocsin__container(job, struct work, job);
    struct tocsin__op *op;

    tocsin__thread_owner = NULL;
    if (atomic_load(&work->refs) == 0) {
        work_free(work);
        return;
    }
    op = tocsin__op_claim(work->op);
    if (op)
        tocsin__op_finish(op, status, &((struct state *)op->state)->done.tocsin);
    work_put(work);
}

static int work_cancel(struct tocsin_op op, void *arg, int reason)
{
    struct state *state = arg;
    bool queued = tocsin__job_remove(&state->work->job);

    if (!queued && !state->abandon && !tocsin__op_engine(state->op)->loop->life.thread_ended)
        return -EBUSY;
    if (tocsin__op_claim(op.source.id)) { /* the claim is taken already if the pool thread has just
                                           * completed the operation */
        state->done.queued_us = queued ? tocsin__now(NULL) - state->work->queued_us : 0;
        tocsin__op_finish(state->op, reason, &state->done.tocsin);
    }
    if (queued)
        work_put(state->work); /* gives back the reference of the pool thread */
    return 0;
}

static void work_drop(void *arg)
{
    struct state *state = arg;

    if (state->work && state->work->job.forgotten)
        /* gives back the reference of the pool thread: no thread will run the job */
        work_put(state->work);
    if (state->work)
        work_put(state->work);
}

static const struct tocsin_op_type work_type = {
    .done = &tocsin__work_done_spec,
    .state_size = sizeof(struct state),
    .cancel = work_cancel,
    .drop = work_drop,
    .flags = TOCSIN__OWN | TOCSIN__WORKS << TOCSIN__COUNTED,
};

static int work_check_options(const struct tocsin_work_options *options)
{
    if (options->flags & ~(unsigned)TOCSIN_ABANDON || (options->flags && !options->drop))
        return -EINVAL;
    return options->spare[0] || options->spare[1] || options->spare[2] || options->spare[3]
               ? -EINVAL
               : 0;
}

/* Sets up the state of the operation. After a failure state->work is NULL, so work_drop does not
 * call the caller's drop. */
static int work_start(struct tocsin__op *op, const struct tocsin_work_options *options,
                      tocsin_task task, void *arg)
{
    struct state *state = (struct state *)op->state;
    struct tocsin__owner *owner = tocsin__owner_whose((const void *)task, NULL);
    struct work *work;
    int err = tocsin__owner_charge_or_report(owner, TOCSIN_RESOURCE_TASKS);

    if (err < 0)
        return err;
    work = tocsin__alloc(sizeof *work);
    err = work ? tocsin__pool_find(options->pool.id, &work->pool) : -ENOMEM;
    if (err < 0) {
        tocsin__owner_uncharge(owner, TOCSIN_RESOURCE_TASKS, 1);
        tocsin__release(work);
        return err;
    }
    tocsin__op_set_owner(op, (const void *)task);
    work->owner = owner;
    state->op = op;
    state->abandon = options->flags & TOCSIN_ABANDON;
    state->done = tocsin_work_done_make();
    state->work = work;
    work->job.run = work_run;
    work->job.died = work_died;
    work->task = task;
    work->arg = arg;
    work->drop = options->drop;
    work->op = op->source.id;
    work->queued_us = tocsin__now(NULL);
    atomic_init(&work->refs, 2);
    err = tocsin__worker_run(work->pool, &work->job);
    if (err == 0) {
        tocsin__op_set_threaded(op);
    } else {
        state->work = NULL;
        tocsin__owner_uncharge(owner, TOCSIN_RESOURCE_TASKS, 1);
        tocsin__pool_release(work->pool);
        tocsin__release(work);
    }
    return err;
}

int tocsin_work_with(const struct tocsin_work_options *options, tocsin_task task, void *arg,
                     const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    static const struct tocsin_work_options none;
    struct tocsin__op *op;
    int err = task ? work_check_options(options ? options : &none) : -EINVAL;

    if (err == 0)
        err = tocsin__op_new(&work_type, notify, &op);
    if (err < 0)
        return tocsin__traced(tocsin__op_failed(err, ret_op));
    return tocsin__traced(
        tocsin__op_started(op, work_start(op, options ? options : &none, task, arg), ret_op));
}

int tocsin_work(tocsin_task task, void *arg, const struct tocsin_notify *notify,
                struct tocsin_op *ret_op)
{
    return tocsin__traced(tocsin_work_with(NULL, task, arg, notify, ret_op));
}
