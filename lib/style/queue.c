/* Queues. This file opens and closes them, waits for them, and makes the loop's descriptor readable
 * while they have entries. queue_input.c adds entries. */
#include <tocsin/inspect.h>

#include "delivery/owner_here.h"
#include "delivery/emit.h"
#include "registry/owner.h"
#include "base/refusal.h"
#include "loop/turn.h"
#include "loop/clock.h"
#include "loop/free.h"
#include "loop/poll_fd.h"
#include "style/fiber.h"
#include "style/queue.h"
#include "style/queue_input.h"

/* Opening and closing */

static int queue_check_options(const struct tocsin_queue_options *options)
{
    if (options->flags & ~(unsigned)TOCSIN_TAKE || options->priority < -32768 ||
        options->priority > 32767 || options->limit > SIZE_MAX / 64 ||
        options->limit_bytes > SIZE_MAX / 4)
        return -EINVAL;
    return options->spare[0] || options->spare[1] || options->spare[2] || options->spare[3]
               ? -EINVAL
               : 0;
}

static int queue_find(struct tocsin_queue id, struct tocsin__queue **ret_queue)
{
    return tocsin__loop_find(offsetof(struct tocsin__loop, ids.queues), id.id, (void **)ret_queue);
}

static void queues_close_all(struct tocsin__ops *ops)
{
    struct tocsin__ids *ids = &ops->engine->loop->ids.queues;

    for (uint32_t i = 0; i < ids->made; i++) {
        struct tocsin__queue *queue = tocsin__id_entry(ids, i)->object;

        if (queue)
            tocsin_queue_close((struct tocsin_queue){ queue->id });
    }
}

static void queues_forget_waits(struct tocsin__ops *ops)
{
    struct tocsin__ids *ids = &ops->engine->loop->ids.queues;

    for (uint32_t i = 0; i < ids->made; i++) {
        struct tocsin__queue *queue = tocsin__id_entry(ids, i)->object;

        if (queue)
            queue->wait = NULL;
    }
}

static void queues_forget_left_waits(struct tocsin__ops *ops, const void *here)
{
    struct tocsin__ids *ids = &ops->engine->loop->ids.queues;

    for (uint32_t i = 0; i < ids->made; i++) {
        struct tocsin__queue *queue = tocsin__id_entry(ids, i)->object;

        if (!queue || !queue->wait || !tocsin__frame_left(ops->engine->loop, queue->wait, here))
            continue;
        tocsin__timer_disarm(ops->engine, &queue->timer);
        queue->wait = NULL;
    }
}

static void queue_free(struct tocsin__queue *queue)
{
    struct tocsin__owner *owner = queue->owner;

    tocsin__queue_input_free(queue);
    tocsin__release(queue);
    tocsin__owner_uncharge(owner, TOCSIN_RESOURCE_QUEUES, 1);
}

static int queue_new(struct tocsin__engine *engine, const char *where, const char *pattern,
                     const struct tocsin_queue_options *options, struct tocsin__queue **ret_queue)
{
    struct tocsin__owner *owner = tocsin__owner_whose(NULL, where);
    int err = tocsin__owner_charge_or_report(owner, TOCSIN_RESOURCE_QUEUES);
    struct tocsin__queue *queue = err < 0 ? NULL : tocsin__alloc(sizeof *queue);

    if (err == 0 && !queue)
        tocsin__owner_uncharge(owner, TOCSIN_RESOURCE_QUEUES, 1);
    if (!queue)
        return err < 0 ? err : -ENOMEM;
    queue->engine = engine;
    queue->where = where ? where : "";
    queue->owner = owner;
    err = tocsin__queue_input_open(queue, pattern, options);
    queue->id = err < 0 ? 0 : tocsin__id_new(&engine->loop->ids.queues, queue);
    if (!queue->id) {
        tocsin__queue_input_end(queue);
        queue_free(queue);
        return err < 0 ? err : -ENOMEM;
    }
    tocsin__ops(engine)->queues_close = queues_close_all;
    tocsin__ops(engine)->queues_forget = queues_forget_waits;
    tocsin__ops(engine)->queues_left = queues_forget_left_waits;
    *ret_queue = queue;
    return 0;
}

int tocsin_queue_open_at(const char *where, const char *pattern,
                         const struct tocsin_queue_options *options, struct tocsin_queue *ret_queue)
{
    static const struct tocsin_queue_options none;
    struct tocsin__engine *engine;
    struct tocsin__queue *queue = NULL;
    int err = !ret_queue || queue_check_options(options ? options : &none) < 0
                  ? -EINVAL
                  : tocsin__engine_make(&engine);

    if (err == 0)
        err = engine->loop->life.freeing ? -ESHUTDOWN : tocsin__ops_make(engine);
    if (err == 0)
        err = queue_new(engine, where, pattern, options ? options : &none, &queue);
    if (ret_queue)
        ret_queue->id = err < 0 ? (uint64_t)(int64_t)err : queue->id;
    return tocsin__traced_at(where, err);
}

int tocsin_queue_close(struct tocsin_queue id)
{
    struct tocsin__queue *queue;
    int err = queue_find(id, &queue);

    if (err < 0)
        return tocsin__traced(err);
    tocsin__queue_input_end(queue);
    tocsin__id_free(&queue->engine->loop->ids.queues, queue->id);
    /* resumes operations and pending emissions that wait for room */
    tocsin__queue_input_room_made(queue);
    if (queue->wait)
        queue->wait->closed = true;
    tocsin__timer_disarm(queue->engine, &queue->timer);
    tocsin__queue_input_wake(queue);
    queue_free(queue);
    return 0;
}

/* Waiting */

static void on_queue_timeout(struct tocsin__timer *timer)
{
    struct tocsin__queue_wait *wait = tocsin__container(timer, struct tocsin__queue, timer)->wait;

    if (!wait)
        return;
    wait->over = wait->late = true;
    if (wait->fiber)
        tocsin__fiber_resume(wait->fiber);
}

static int wait_in_turns(struct tocsin__engine *engine, struct tocsin__queue_wait *wait)
{
    int err = 0;

    while (err >= 0 && !wait->over && !engine->loop->life.free_wanted)
        err = tocsin__turn_run(engine, -1);
    return err < 0 ? err : engine->loop->life.free_wanted ? -ECANCELED : 0;
}

static int wait_once(struct tocsin__engine *engine, struct tocsin__queue_wait *wait)
{
    wait->over = false;
    if (!wait->fiber)
        return wait_in_turns(engine, wait);
    tocsin__fiber_suspend(wait->fiber, NULL);
    return tocsin__fiber_is_cancelled(wait->fiber) ? -ECANCELED : 0;
}

/* Waits until the queue has an entry, the time limit is reached, or the queue is closed. Another
 * fiber or handler may take the entry before this wait continues. So the wait checks the queue
 * again after each wakeup. */
static int wait_for(struct tocsin__queue *queue, struct tocsin__fiber *fiber, int64_t timeout_ms)
{
    struct tocsin__queue_wait wait = { .fiber = fiber };
    struct tocsin__engine *engine = queue->engine;
    int err;

    queue->timer.fire = on_queue_timeout;
    if (timeout_ms >= 0)
        tocsin__timer_arm(engine, &queue->timer, tocsin__due_in(engine, timeout_ms));
    queue->wait = &wait;
    do
        err = wait_once(engine, &wait);
    while (err == 0 && !wait.closed && !wait.late && !tocsin__queue_input_has_something(queue));
    if (wait.closed)
        return -ECANCELED;
    tocsin__timer_disarm(engine, &queue->timer);
    queue->wait = NULL;
    return err;
}

/* Runs one turn for a call with timeout_ms 0. So a program with its own event loop can drive the
 * loop by polling a queue. */
static int queue_turn_once(struct tocsin__queue *queue)
{
    struct tocsin_queue id = { queue->id };

    tocsin__turn_run(queue->engine, 0);
    return queue_find(id, &queue) < 0 ? -ECANCELED : 0;
}

static int queue_wait_for_entry(struct tocsin__queue *queue, int64_t timeout_ms)
{
    struct tocsin__fiber *fiber = tocsin__fiber_running(queue->engine);
    bool here = tocsin__can_turn(queue->engine);

    if (fiber && tocsin__fiber_is_cancelled(fiber))
        return -ECANCELED;
    if (timeout_ms == 0)
        return here ? queue_turn_once(queue) : 0;
    if (!fiber && !here)
        return -EDEADLK;
    return queue->wait ? -EBUSY : wait_for(queue, fiber, timeout_ms);
}

int tocsin_queue_wait(struct tocsin_queue id, int64_t timeout_ms, struct tocsin_info **ret_info)
{
    struct tocsin_info *info;
    struct tocsin__queue *queue;
    int err = timeout_ms < -1 ? -EINVAL : queue_find(id, &queue);

    tocsin__check_jump();
    if (err == 0 && !tocsin__queue_input_has_something(queue))
        err = queue_wait_for_entry(queue, timeout_ms);
    if (tocsin__self->life.free_wanted && tocsin__at_rest(tocsin__self)) {
        tocsin__free_if_wanted();
        return tocsin__traced_but(-ETIMEDOUT, err < 0 ? err : -ECANCELED);
    }
    if (err == 0 && !tocsin__queue_input_has_something(queue))
        err = -ETIMEDOUT;
    if (err < 0)
        return tocsin__traced_but(-ETIMEDOUT, err);
    info = tocsin__queue_input_pull(queue);
    if (ret_info)
        *ret_info = info;
    else
        tocsin_info_unref(info);
    return 0;
}

int tocsin_queue_fd(struct tocsin_queue id)
{
    struct tocsin__queue *queue;
    int err = queue_find(id, &queue), fd = err < 0 ? err : tocsin__poll_fd_get(queue->engine);

    if (fd < 0 || queue->polled)
        return tocsin__traced(fd);
    queue->polled = true;
    tocsin__queue_input_count_entries(queue, (uint32_t)(queue->count + queue->pending));
    return tocsin__traced(fd);
}

/* Inspection */

int tocsin_queue_next(struct tocsin_queue after, struct tocsin_queue_facts *ret_facts)
{
    struct tocsin__loop *loop = tocsin__self;
    const struct tocsin__handler *handler;
    struct tocsin__queue *queue = NULL;
    int err = ret_facts ? tocsin__loop_after(offsetof(struct tocsin__loop, ids.queues), after.id,
                                             (void **)&queue)
                        : -EINVAL;

    if (err < 0)
        return tocsin__traced_but(-ENOENT, err);
    handler = tocsin__id_object(&loop->ids.handlers, queue->handler.id);
    *ret_facts = (struct tocsin_queue_facts){
        .queue = { queue->id },
        .pattern = handler ? handler->subscription.text : NULL,
        .where = queue->where,
        .owner = queue->owner->name,
        .flags = queue->take ? TOCSIN_TAKE : 0,
        .entries = queue->count,
        .bytes = queue->bytes,
        .reserved = queue->reserved + queue->expected,
        .limit = queue->limit,
        .limit_bytes = queue->limit_bytes,
        .refused = queue->refused,
        .missed = queue->missed,
    };
    return 0;
}
