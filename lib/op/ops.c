/* The functions that the loop calls for its operations when it drains, forks and ends (struct
 * tocsin__loop_client). */
#include "remote/completion_message.h"
#include "op/cancel.h"
#include "op/complete.h"
#include "op/end.h"
#include "op/inject.h"
#include "op/late.h"
#include "op/lifecycle.h"
#include "op/ops.h"
#include "op/outlive.h"
#include "op/pause.h"
#include "op/progress.h"
#include "op/reserve.h"
#include "op/work/worker.h"

static void ops_drain(struct tocsin__loop_client *loop_client)
{
    const struct tocsin__ops *ops = (const struct tocsin__ops *)loop_client;
    struct tocsin__op *op;

    for (uint64_t id = 0; (op = tocsin__ops_listed_after(ops, &id));)
        if (tocsin__op_is_persistent(op) && !op->background)
            tocsin__op_end(op, -ECANCELED);
}

static void ops_cancel(struct tocsin__loop_client *loop_client, bool serving)
{
    const struct tocsin__ops *ops = (const struct tocsin__ops *)loop_client;
    struct tocsin__op *op;

    for (uint64_t id = 0; (op = tocsin__ops_listed_after(ops, &id));) {
        if (op->background != serving || op->phase == TOCSIN__OP_UNDONE)
            continue;
        if (tocsin__op_is_unstarted(op))
            tocsin__op_undo(op);
        else
            tocsin__op_end(op, -ECANCELED);
    }
}

/* Removes the waiters of all kept results. A result stays kept, so the program can still take it.
 * If a call of tocsin_then is outstanding, its result is released. */
static void ops_forget_kept(const struct tocsin__ops *ops)
{
    struct tocsin__op *op;

    for (uint64_t id = 0; (op = tocsin__ops_kept_after(ops, &id));) {
        tocsin__op_forget_waiter(op);
        if (!(op->mode & TOCSIN_KEEP))
            tocsin__op_release(op);
    }
}

static void op_forget(struct tocsin__op *op)
{
    tocsin__op_progress_forget(op);
    tocsin__op_delay_free(op);
    if (op->phase != TOCSIN__OP_UNDONE)
        tocsin__op_release_end(op);
    tocsin__op_forget_waiter(op);
    tocsin__op_release(op);
}

static void ops_forget(struct tocsin__loop_client *loop_client)
{
    struct tocsin__ops *ops = (struct tocsin__ops *)loop_client;
    struct tocsin__op *op;

    if (ops->queues_forget)
        ops->queues_forget(ops);
    ops_forget_kept(ops);
    for (uint64_t id = 0; (op = tocsin__ops_listed_after(ops, &id));)
        op_forget(op);
    ops->late_is_ready = false;
    loop_client->threads = 0;
    ops->resume_wanted = false;
}

/* The thread has ended (T6): releases the operations whose end was being delivered. */
static void ops_release_ending(const struct tocsin__ops *ops)
{
    struct tocsin__op *op;

    for (uint64_t id = 0; (op = tocsin__ops_after(ops, &id));)
        if (tocsin__op_is_ending(op))
            tocsin__op_release(op);
}

/* Drops all progress that has not been delivered. */
static void ops_drop_progress(struct tocsin__ops *ops)
{
    struct tocsin__engine *engine = ops->engine;
    struct tocsin__node **link = &engine->ready;
    struct tocsin__op *op;

    while (*link)
        if ((*link)->run == tocsin__op_deliver_progress)
            *link = (*link)->next;
        else
            link = &(*link)->next;
    engine->ready_last = link;
    for (uint64_t id = 0; (op = tocsin__ops_listed_after(ops, &id));)
        tocsin__op_progress_lost(op);
}

static void ops_desert(struct tocsin__loop_client *loop_client)
{
    struct tocsin__ops *ops = (struct tocsin__ops *)loop_client;
    struct tocsin__op *op;

    if (ops->queues_forget)
        ops->queues_forget(ops);
    if (ops->queues_close)
        ops->queues_close(ops);
    for (uint64_t id = 0; (op = tocsin__ops_after(ops, &id));)
        tocsin__op_forget_waiter(op);
    ops->ending = NULL;
    ops->resume_next = NULL;
    ops_drop_progress(ops);
    ops_release_ending(ops);
}

/* Whether a jump (longjmp) has left the function that waits. The waiter lies in the stack frame of
 * this function. */
static bool waiter_is_left(const struct tocsin__loop *loop, const void *waiter)
{
    return waiter &&
           tocsin__frame_left((struct tocsin__loop *)loop, waiter, loop->stack.checked_at);
}

static void waiters_forget_left(const struct tocsin__ops *ops)
{
    struct tocsin__op *op;

    for (uint64_t id = 0; (op = tocsin__ops_after(ops, &id));)
        if (waiter_is_left(ops->engine->loop, tocsin__op_waiter(op)))
            tocsin__op_forget_waiter(op);
}

static void ops_recover(struct tocsin__loop_client *loop_client)
{
    struct tocsin__ops *ops = (struct tocsin__ops *)loop_client;
    struct tocsin__loop *loop = ops->engine->loop;
    struct tocsin__op *op;

    ops->ending = NULL;
    ops->resume_next = NULL;
    tocsin__completion_messages_drop(loop);
    if (!loop->stack.in_turn) {
        waiters_forget_left(ops);
        if (ops->queues_left)
            ops->queues_left(ops, loop->stack.checked_at);
    }
    for (uint64_t id = 0; (op = tocsin__ops_after(ops, &id));)
        if (tocsin__op_is_listed(op))
            tocsin__op_progress_left(op);
        else if (tocsin__op_is_ending(op))
            tocsin__op_late(op);
    tocsin__ops_late_ready(ops);
}

/* Ends all operations of the loop. Skips operations that another thread has claimed, since that
 * thread completes them. A provider may use the state until it completes the operation, so the
 * state of such an operation is kept. */
static void ops_finish(struct tocsin__loop_client *loop_client, bool serving)
{
    const struct tocsin__ops *ops = (const struct tocsin__ops *)loop_client;
    struct tocsin__op *op;

    for (uint64_t id = 0; (op = tocsin__ops_listed_after(ops, &id));) {
        if (op->background != serving || op->phase == TOCSIN__OP_UNDONE ||
            !tocsin__op_claim(op->source.id))
            continue;
        if (tocsin__op_type(op) && !tocsin__op_own(op))
            tocsin__op_outlives(op);
        tocsin__op_finish(op, -ECANCELED, NULL);
    }
}

static uint32_t ops_count_finished(const struct tocsin__loop_client *loop_client)
{
    const struct tocsin__ops *ops = (const struct tocsin__ops *)loop_client;
    const struct tocsin__op *op;
    uint32_t count = 0;

    for (uint64_t id = 0; (op = tocsin__ops_listed_after(ops, &id));)
        count += !op->background && tocsin__op_finished(op);
    return count;
}

static void ops_free(struct tocsin__cleanup *last, struct tocsin__engine *engine)
{
    struct tocsin__ops *ops = tocsin__container(last, struct tocsin__ops, last);
    struct tocsin__op *op;

    if (ops->queues_close)
        ops->queues_close(ops);
    for (uint64_t id = 0; (op = tocsin__ops_kept_after(ops, &id));)
        tocsin__op_release(op);
    tocsin__assert(!ops->late && !ops->loop_client.running && !ops->loop_client.serving);
    tocsin__assert(!ops->loop_client.kept && !ops->loop_client.threads);
    tocsin__assert(!ops->paused && !ops->unwanted);
    while (ops->kinds) {
        struct tocsin__op_type *kind = ops->kinds;

        tocsin__assert(!kind->running);
        ops->kinds = kind->next;
        tocsin__release(kind);
    }
    engine->loop_client = NULL;
    tocsin__slabs_end(&ops->slabs);
    tocsin__release(ops->now);
    tocsin__release(ops);
    tocsin__workers_rest();
}

int tocsin__ops_make(struct tocsin__engine *engine)
{
    struct tocsin__ops *ops;

    if (engine->loop_client)
        return 0;
    ops = tocsin__alloc(sizeof *ops);
    if (ops)
        ops->now = tocsin__alloc(sizeof *ops->now);
    if (!ops || !ops->now) {
        tocsin__release(ops);
        return -ENOMEM;
    }
    ops->loop_client = (struct tocsin__loop_client){ .resumable = tocsin__resumable,
                                                     .resume = tocsin__resume,
                                                     .drain = ops_drain,
                                                     .cancel = ops_cancel,
                                                     .forget = ops_forget,
                                                     .recover = ops_recover,
                                                     .desert = ops_desert,
                                                     .finish = ops_finish,
                                                     .finished = ops_count_finished };
    ops->engine = engine;
    ops->last.run = ops_free;
    ops->late_last = &ops->late;
    ops->late_node.run = tocsin__ops_run_late;
    ops->deliver_end = tocsin__op_deliver_end;
    engine->loop->hooks.source_unpended = tocsin__op_unpended;
    engine->loop->hooks.source_heard = tocsin__op_heard;
    tocsin__workers_use();
    engine->loop_client = &ops->loop_client;
    tocsin__engine_add_cleanup(engine, &ops->last);
    return 0;
}
