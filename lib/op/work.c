#include <stdatomic.h>

#include <tocsin/work.h>

#include "core/catalogue.h"
#include "core/owner.h"
#include "op/op.h"
#include "op/pool.h"

/* What runs on the thread: apart from the operation, which may be gone before the task returns. */
struct work {
    struct tocsin__job job;
    tocsin_task task;
    void *arg;
    tocsin_drop drop;
    uint64_t op;
    struct tocsin__pool *pool;
    int64_t queued_us;
    struct tocsin__owner *owner;                       /* holds it while it may run, whatever becomes of the operation */
    _Atomic int refs;                                  /* the operation's, the thread's */
};

struct state {
    struct tocsin_work_done done;
    struct work *work;
    struct tocsin__op *op;
    bool abandon;
};

static void work_put(struct work *work)
{
    if (atomic_fetch_sub(&work->refs, 1) > 1)
        return;
    if (work->drop)
        work->drop(work->arg);
    tocsin__owner_give(work->owner, TOCSIN_HOLDS_TASKS, 1);
    tocsin__pool_release(work->pool);
    tocsin__release(work);
}

static void work_run(struct tocsin__job *job)
{
    struct work *work = tocsin__container(job, struct work, job);
    int64_t began_us = tocsin__now(NULL);
    struct tocsin__op *op;
    int status;

    tocsin__at_work = work->owner;
    status = work->task(work->arg);
    op = tocsin__op_claim(work->op);

    if (op) {
        struct state *state = (struct state *)op->state;

        state->done.queued_us = began_us - work->queued_us;
        state->done.ran_us = tocsin__now(NULL) - began_us;
        tocsin__op_finish(op, status, &state->done.tocsin);
    }
    work_put(work);
    tocsin__at_work = NULL;
}

static int work_cancel(struct tocsin_op op, void *arg, int reason)
{
    struct state *state = arg;
    bool queued = tocsin__pool_remove(&state->work->job);

    if (!queued && !state->abandon)
        return -EBUSY;
    if (tocsin__op_claim(op.source.id)) {              /* else the thread has, and writes the state */
        state->done.queued_us = queued ? tocsin__now(NULL) - state->work->queued_us : 0;
        tocsin__op_finish(state->op, reason, &state->done.tocsin);
    }
    if (queued)
        work_put(state->work);                         /* the thread's reference */
    return 0;
}

static void work_drop(void *arg)
{
    struct state *state = arg;

    if (state->work && state->work->job.forgotten)
        work_put(state->work);                         /* the thread's reference: none will run it */
    if (state->work)
        work_put(state->work);
}

static const struct tocsin_op_type work_type = {
    .done = &tocsin__work_done_spec, .state_size = sizeof(struct state), .cancel = work_cancel, .drop = work_drop,
    .flags = TOCSIN__OWN,
};

static int options_check(const struct tocsin_work_options *options)
{
    if (options->flags & ~(unsigned)TOCSIN_ABANDON || (options->flags && !options->drop))
        return -EINVAL;
    return options->spare[0] || options->spare[1] || options->spare[2] || options->spare[3] ? -EINVAL : 0;
}

/* state->work is set once the job is in the pool: until then a failure drops nothing of the caller's. */
static int work_begin(struct tocsin__op *op, const struct tocsin_work_options *options, tocsin_task task, void *arg)
{
    struct state *state = (struct state *)op->state;
    struct tocsin__owner *owner = tocsin__owner_whose((const void *)task, NULL);
    struct work *work;
    int err = tocsin__owner_admit(owner, TOCSIN_HOLDS_TASKS);

    if (err < 0)
        return err;
    work = tocsin__alloc(sizeof *work);
    err = work ? tocsin__pool_find(options->pool.id, &work->pool) : -ENOMEM;
    if (err < 0) {
        tocsin__owner_give(owner, TOCSIN_HOLDS_TASKS, 1);
        tocsin__release(work);
        return err;
    }
    tocsin__op_owned(op, (const void *)task);
    work->owner = owner;
    state->op = op;
    state->abandon = options->flags & TOCSIN_ABANDON;
    state->done = tocsin_work_done_make();
    state->work = work;
    work->job.run = work_run;
    work->task = task;
    work->arg = arg;
    work->drop = options->drop;
    work->op = op->source.id;
    work->queued_us = tocsin__now(NULL);
    atomic_init(&work->refs, 2);
    err = tocsin__pool_put(work->pool, &work->job);
    op->threaded = err == 0;
    op->engine->tenant->threads += op->threaded;
    if (err < 0) {
        state->work = NULL;
        tocsin__owner_give(owner, TOCSIN_HOLDS_TASKS, 1);
        tocsin__pool_release(work->pool);
        tocsin__release(work);
    }
    return err;
}

int tocsin_work_with(const struct tocsin_work_options *options, tocsin_task task, void *arg, const struct tocsin_notify *notify,
                     struct tocsin_op *ret_op)
{
    static const struct tocsin_work_options none;
    struct tocsin__op *op;
    int err = task ? options_check(options ? options : &none) : -EINVAL;

    if (err == 0)
        err = tocsin__op_new(&work_type, notify, &op);
    if (err < 0)
        return tocsin__op_failed(err, ret_op);
    return tocsin__op_started(op, work_begin(op, options ? options : &none, task, arg), ret_op);
}

int tocsin_work(tocsin_task task, void *arg, const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    return tocsin_work_with(NULL, task, arg, notify, ret_op);
}
