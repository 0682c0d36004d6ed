/* Queues: opened, waited for, polled and closed. */
#include <tocsin/inspect.h>

#include "core/emit.h"
#include "core/owner.h"
#include "loop/mirror.h"
#include "style/fiber.h"
#include "style/queue.h"

/* Opening and closing */

static int options_check(const struct tocsin_queue_options *options)
{
    if (options->flags & ~(unsigned)TOCSIN_TAKE || options->priority < -32768 || options->priority > 32767 ||
        options->limit > SIZE_MAX / 64 || options->limit_bytes > SIZE_MAX / 4)
        return -EINVAL;
    return options->spare[0] || options->spare[1] || options->spare[2] || options->spare[3] ? -EINVAL : 0;
}

static int queue_find(struct tocsin_queue id, struct tocsin__queue **ret_queue)
{
    return tocsin__loop_find(offsetof(struct tocsin__loop, queues), id.id, (void **)ret_queue);
}

static void close_all(struct tocsin__ops *ops)
{
    struct tocsin__ids *ids = &ops->engine->loop->queues;

    for (uint32_t i = 0; i < ids->made; i++) {
        struct tocsin__queue *queue = tocsin__id_entry(ids, i)->object;

        if (queue)
            tocsin_queue_close((struct tocsin_queue){ queue->id });
    }
}

static void forget_all(struct tocsin__ops *ops)
{
    struct tocsin__ids *ids = &ops->engine->loop->queues;

    for (uint32_t i = 0; i < ids->made; i++) {
        struct tocsin__queue *queue = tocsin__id_entry(ids, i)->object;

        if (queue)
            queue->wait = NULL;
    }
}

static void queue_free(struct tocsin__queue *queue)
{
    struct tocsin__owner *owner = queue->owner;

    tocsin__intake_free(queue);
    tocsin__release(queue);
    tocsin__owner_give(owner, TOCSIN_HOLDS_QUEUES, 1);
}

static int queue_new(struct tocsin__engine *engine, const char *where, const char *pattern, const struct tocsin_queue_options *options,
                     struct tocsin__queue **ret_queue)
{
    struct tocsin__owner *owner = tocsin__owner_whose(NULL, where);
    int err = tocsin__owner_admit(owner, TOCSIN_HOLDS_QUEUES);
    struct tocsin__queue *queue = err < 0 ? NULL : tocsin__alloc(sizeof *queue);

    if (err == 0 && !queue)
        tocsin__owner_give(owner, TOCSIN_HOLDS_QUEUES, 1);
    if (!queue)
        return err < 0 ? err : -ENOMEM;
    queue->engine = engine;
    queue->where = where ? where : "";
    queue->owner = owner;
    err = tocsin__intake_open(queue, pattern, options);
    queue->id = err < 0 ? 0 : tocsin__id_new(&engine->loop->queues, queue);
    if (!queue->id) {
        tocsin__intake_end(queue);
        queue_free(queue);
        return err < 0 ? err : -ENOMEM;
    }
    tocsin__ops(engine)->queues_close = close_all;
    tocsin__ops(engine)->queues_forget = forget_all;
    *ret_queue = queue;
    return 0;
}

int tocsin_queue_open_at(const char *where, const char *pattern, const struct tocsin_queue_options *options, struct tocsin_queue *ret_queue)
{
    static const struct tocsin_queue_options none;
    struct tocsin__engine *engine;
    struct tocsin__queue *queue = NULL;
    int err = !ret_queue || options_check(options ? options : &none) < 0 ? -EINVAL : tocsin__engine_make(&engine);

    if (err == 0)
        err = engine->loop->freeing ? -ESHUTDOWN : tocsin__ops_make(engine);
    if (err == 0)
        err = queue_new(engine, where, pattern, options ? options : &none, &queue);
    if (ret_queue)
        ret_queue->id = err < 0 ? (uint64_t)(int64_t)err : queue->id;
    return err;
}

int tocsin_queue_close(struct tocsin_queue id)
{
    struct tocsin__queue *queue;
    int err = queue_find(id, &queue);

    if (err < 0)
        return err;
    tocsin__intake_end(queue);
    tocsin__id_free(&queue->engine->loop->queues, queue->id);
    tocsin__intake_room_made(queue);                   /* it refuses nobody any more */
    if (queue->wait)
        queue->wait->closed = true;
    tocsin__intake_wake(queue);
    queue_free(queue);
    return 0;
}

/* Waiting */

static void on_timeout(struct tocsin__timer *timer)
{
    struct tocsin__queue_wait *wait = tocsin__container(timer, struct tocsin__queue_wait, timer);

    wait->over = wait->late = true;
    if (wait->fiber)
        tocsin__fiber_resume(wait->fiber);
}

static int wait_here(struct tocsin__engine *engine, struct tocsin__queue_wait *wait)
{
    int err = 0;

    while (err >= 0 && !wait->over && !engine->loop->free_wanted)
        err = tocsin__turn(engine, -1);
    return err < 0 ? err : engine->loop->free_wanted ? -ECANCELED : 0;
}

static int wait_once(struct tocsin__engine *engine, struct tocsin__queue_wait *wait)
{
    wait->over = false;
    if (!wait->fiber)
        return wait_here(engine, wait);
    tocsin__fiber_suspend(wait->fiber, NULL);
    return tocsin__fiber_cancelled(wait->fiber) ? -ECANCELED : 0;
}

/* Until something is there, or the time is over, or the queue is closed. What came may have been taken by somebody else meanwhile. */
static int wait_for(struct tocsin__queue *queue, struct tocsin__fiber *fiber, int64_t timeout_ms)
{
    struct tocsin__queue_wait wait = { .timer.fire = on_timeout, .fiber = fiber };
    struct tocsin__engine *engine = queue->engine;
    int err;

    if (timeout_ms >= 0)
        tocsin__timer_arm(engine, &wait.timer, tocsin__due_in(engine, timeout_ms));
    queue->wait = &wait;
    do
        err = wait_once(engine, &wait);
    while (err == 0 && !wait.closed && !wait.late && !tocsin__intake_something(queue));
    tocsin__timer_disarm(engine, &wait.timer);
    if (!wait.closed)
        queue->wait = NULL;
    return wait.closed ? -ECANCELED : err;
}

/* One turn, for those who ask again and again: in a foreign loop, that is how the loop gets on. */
static int look(struct tocsin__queue *queue)
{
    struct tocsin_queue id = { queue->id };

    tocsin__turn(queue->engine, 0);
    return queue_find(id, &queue) < 0 ? -ECANCELED : 0;
}

static int queue_fill(struct tocsin__queue *queue, int64_t timeout_ms)
{
    struct tocsin__fiber *fiber = tocsin__fiber_running(queue->engine);
    bool here = tocsin__may_turn(queue->engine);

    if (fiber && tocsin__fiber_cancelled(fiber))
        return -ECANCELED;
    if (timeout_ms == 0)
        return here ? look(queue) : 0;
    if (!fiber && !here)
        return -EDEADLK;
    return queue->wait ? -EBUSY : wait_for(queue, fiber, timeout_ms);
}

int tocsin_queue_wait(struct tocsin_queue id, int64_t timeout_ms, struct tocsin_info **ret_info)
{
    struct tocsin_info *info;
    struct tocsin__queue *queue;
    int err = timeout_ms < -1 ? -EINVAL : queue_find(id, &queue);

    if (err == 0 && !tocsin__intake_something(queue))
        err = queue_fill(queue, timeout_ms);
    if (tocsin__self->free_wanted && tocsin__at_rest(tocsin__self)) {
        tocsin__free_if_wanted();
        return err < 0 ? err : -ECANCELED;
    }
    if (err == 0 && !tocsin__intake_something(queue))
        err = -ETIMEDOUT;
    if (err < 0)
        return err;
    info = tocsin__intake_pull(queue);
    if (ret_info)
        *ret_info = info;
    else
        tocsin_info_unref(info);
    return 0;
}

int tocsin_queue_fd(struct tocsin_queue id)
{
    struct tocsin__queue *queue;
    int err = queue_find(id, &queue), fd = err < 0 ? err : tocsin__mirror_fd(queue->engine);

    if (fd < 0 || queue->polled)
        return fd;
    queue->polled = true;
    tocsin__intake_held(queue, (uint32_t)(queue->count + queue->pended));
    return fd;
}

/* What there is */

int tocsin_queue_next(struct tocsin_queue after, struct tocsin_queue_facts *ret_facts)
{
    struct tocsin__loop *loop = tocsin__self;
    const struct tocsin__handler *handler;
    const struct tocsin__queue *queue = ret_facts ? tocsin__id_after(&loop->queues, after.id) : NULL;

    if (tocsin_id_error(after.id))
        return tocsin_id_error(after.id);
    if (ret_facts && tocsin__inherited(loop))
        return -EOWNERDEAD;
    if (!queue)
        return ret_facts ? -ENOENT : -EINVAL;
    handler = tocsin__id_object(&loop->handlers, queue->handler.id);
    *ret_facts = (struct tocsin_queue_facts){
        .queue = { queue->id }, .pattern = handler ? handler->match.text : NULL, .where = queue->where, .owner = queue->owner->name,
        .flags = queue->take ? TOCSIN_TAKE : 0, .entries = queue->count, .bytes = queue->bytes, .reserved = queue->reserved + queue->expected,
        .limit = queue->limit, .limit_bytes = queue->limit_bytes, .refused = queue->refused, .missed = queue->missed,
    };
    return 0;
}
