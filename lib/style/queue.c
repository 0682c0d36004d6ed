/* Queues: a bounded ring of infos. Places are reserved when an operation starts, so that its end always has one. */
#include <tocsin/inspect.h>
#include <tocsin/queue.h>

#include "core/emit.h"
#include "core/owner.h"
#include "op/op.h"
#include "loop/mirror.h"
#include "style/fiber.h"

enum { LIMIT = 1024, LIMIT_BYTES = 1 << 20, RING_LEAST = 16 };

struct queue {
    struct tocsin__sink sink;                          /* the first member: what lib/op knows of it */
    struct tocsin__gate gate;
    struct tocsin__engine *engine;
    uint64_t id;
    struct tocsin_handler handler;                     /* of its pattern; zero: it has none */
    bool take, polled;                                 /* polled: its descriptor stands for what it holds, too */
    struct tocsin_info **ring;
    size_t capacity, first, count;
    size_t reserved, expected, limit;                  /* expected: operations that run, and whose end it hears */
    size_t bytes, limit_bytes;                         /* of what was copied: the result of an operation is not */
    size_t pended;                                     /* that it can take (TOCSIN_TAKE) */
    uint64_t refused, missed;
    bool overflowing;
    const char *where;
    struct tocsin__owner *owner;
    struct queue_wait *wait;
};

struct queue_wait {
    struct tocsin__timer timer;
    struct tocsin__fiber *fiber;
    bool over, late, closed;
};

/* The ring */

static int ring_hold(struct queue *queue, size_t count)
{
    size_t capacity = queue->capacity ? queue->capacity : RING_LEAST;
    struct tocsin_info **ring;

    if (count <= queue->capacity)
        return 0;
    while (capacity < count)
        capacity *= 2;
    ring = tocsin__alloc(capacity * sizeof *ring);
    if (!ring)
        return -ENOMEM;
    for (size_t i = 0; i < queue->count; i++)
        ring[i] = queue->ring[(queue->first + i) % queue->capacity];
    tocsin__release(queue->ring);
    queue->ring = ring;
    queue->capacity = capacity;
    queue->first = 0;
    return 0;
}

/* Room for so many more, besides all that is promised (O2). */
static int ring_room(struct queue *queue, size_t more)
{
    return ring_hold(queue, queue->count + queue->reserved + queue->expected + more);
}

static void wake(struct queue *queue)
{
    struct queue_wait *wait = queue->wait;

    if (!wait)
        return;
    wait->over = true;
    if (wait->fiber)
        tocsin__fiber_resume(wait->fiber);
}

static void held(struct queue *queue, uint32_t by)
{
    if (!queue->polled)
        return;
    queue->engine->tenant->held += by;
    tocsin__mirror_update(queue->engine);
}

static void push(struct queue *queue, struct tocsin_info *info)
{
    queue->ring[(queue->first + queue->count++) % queue->capacity] = info;
    queue->bytes += ((struct tocsin__info *)info)->size;
    held(queue, 1);
    wake(queue);
}

static bool half_empty(const struct queue *queue)
{
    return queue->count + queue->reserved + queue->expected <= queue->limit / 2 && queue->bytes <= queue->limit_bytes / 2;
}

static void room_made(struct queue *queue)
{
    queue->overflowing &= !half_empty(queue);
    tocsin__ops(queue->engine)->resume_wanted = true;
    tocsin__flush_shut(queue->engine->loop);
    tocsin__mirror_update(queue->engine);
}

static struct tocsin_info *pull(struct queue *queue)
{
    struct tocsin_info *info = queue->ring[queue->first];

    queue->first = (queue->first + 1) % queue->capacity;
    queue->count--;
    queue->bytes -= ((struct tocsin__info *)info)->size;
    held(queue, -1u);
    room_made(queue);
    return info;
}

/* As lib/op sees it */

static bool sink_room(struct tocsin__sink *sink)
{
    struct queue *queue = (struct queue *)sink;

    return queue->count + queue->reserved + queue->expected < queue->limit && queue->bytes < queue->limit_bytes;
}

static bool places_left(const struct queue *queue)
{
    return queue->count + queue->reserved + queue->expected < queue->limit;
}

static void refused(struct queue *queue, const char *name)
{
    struct tocsin_queue_full what = tocsin_queue_full_make();

    queue->refused++;
    if (queue->overflowing)
        return;
    queue->overflowing = !half_empty(queue);
    what.signal = name;
    what.queue = queue->id;
    what.entries = queue->count + queue->reserved + queue->expected;
    what.bytes = queue->bytes;
    what.limit = queue->limit;
    what.limit_bytes = queue->limit_bytes;
    what.refused = queue->refused;
    tocsin__queue_full(&what);
}

static void sink_refused(struct tocsin__sink *sink, const char *name)
{
    refused((struct queue *)sink, name);
}

static int sink_reserve(struct tocsin__sink *sink)
{
    struct queue *queue = (struct queue *)sink;

    if (!places_left(queue))
        return -EAGAIN;
    if (ring_room(queue, 1) < 0)
        return -ENOMEM;
    queue->reserved++;
    return 0;
}

static void sink_release(struct tocsin__sink *sink)
{
    struct queue *queue = (struct queue *)sink;

    queue->reserved--;
    room_made(queue);
}

static void sink_put(struct tocsin__sink *sink, struct tocsin_info *info)
{
    struct queue *queue = (struct queue *)sink;

    queue->reserved--;
    push(queue, info);
}

static bool hears(const struct queue *queue, int signo)
{
    const struct tocsin__handler *handler = tocsin__id_object(&queue->engine->loop->handlers, queue->handler.id);

    for (uint32_t i = 0; handler && i < handler->match.slots_count; i++)
        if (handler->match.slots[i]->signal->signo == signo)
            return true;
    return false;
}

static int sink_expect(struct tocsin__sink *sink, int signo)
{
    struct queue *queue = (struct queue *)sink;

    if (!hears(queue, signo))
        return 0;
    if (ring_room(queue, 1) < 0)
        return -ENOMEM;
    queue->expected++;
    return 0;
}

static void sink_expected(struct tocsin__sink *sink, int signo)
{
    struct queue *queue = (struct queue *)sink;

    if (!hears(queue, signo))
        return;
    queue->expected--;
    room_made(queue);
}

/* As a handler of its set (W3) */

static struct queue *queue_of(struct tocsin__gate *gate)
{
    return tocsin__container(gate, struct queue, gate);
}

/* What alone is larger than the limit is let in when nothing else is there: it would never be. */
static bool gate_open(struct tocsin__gate *gate, size_t size)
{
    const struct queue *queue = queue_of(gate);

    return places_left(queue) && (!queue->bytes || queue->bytes + size <= queue->limit_bytes);
}

static void gate_refused(struct tocsin__gate *gate, const char *name)
{
    refused(queue_of(gate), name);
}

static void gate_pended(struct tocsin__gate *gate, uint32_t by)
{
    struct queue *queue = queue_of(gate);

    queue->pended += (size_t)(int32_t)by;
    held(queue, by);
    if ((int32_t)by > 0)
        wake(queue);
}

/* The end of an operation has a place by sink_expect; anything else was let in by the gate. */
static int on_signal(const struct tocsin_info *info, void *arg)
{
    struct queue *queue = arg;
    struct tocsin_info *kept;

    kept = info->code != TOCSIN_DONE && ring_room(queue, 1) < 0 ? NULL : tocsin_info_ref(info);
    if (!kept) {
        queue->missed++;
        return -ENOMEM;
    }
    push(queue, kept);
    return queue->take ? TOCSIN_STOP : TOCSIN_NEXT;
}

/* The ends of operations that will come to it: of those that run, of the one that is being told, of those that are pended. */
static size_t ends_expected(const struct queue *queue)
{
    const struct tocsin__ops *ops = tocsin__ops(queue->engine);
    const struct tocsin__handler *handler = tocsin__id_object(&queue->engine->loop->handlers, queue->handler.id);
    size_t count = ops->ending && !tocsin__op_pended(ops->ending) && hears(queue, ops->ending->kind->done);

    for (const struct tocsin__op *op = ops->running; op; op = op->next)
        count += !op->never && hears(queue, op->kind->done);
    for (uint32_t i = 0; i < handler->match.slots_count; i++)
        for (const struct tocsin__pend *pend = handler->match.slots[i]->pend; pend; pend = pend->next)
            count += pend->gone != NULL;
    for (const struct tocsin__pend *pend = queue->engine->loop->telling; pend; pend = pend->next)
        count += pend->gone && hears(queue, pend->info->seen.signo);
    return count;
}

static int set_connect(struct queue *queue, const char *pattern, const struct tocsin_queue_options *options)
{
    struct tocsin__ops *ops = tocsin__ops(queue->engine);
    struct tocsin__wish wish = {
        .where = queue->where, .action = { .fn = on_signal, .arg = queue, .priority = options->priority }, .gate = &queue->gate,
        .flags = queue->take ? TOCSIN__FIRST : 0,
    };
    int err;

    err = tocsin__connect(&wish, pattern, &queue->handler);
    if (err < 0) {
        queue->handler.id = 0;
        return err;
    }
    queue->sink.next_set = ops->sets;
    ops->sets = &queue->sink;
    queue->expected = ends_expected(queue);
    return ring_room(queue, 1);
}

static void set_disconnect(struct queue *queue)
{
    struct tocsin__sink **link = &tocsin__ops(queue->engine)->sets;
    struct tocsin__loop *loop = queue->engine->loop;

    if (!queue->handler.id)
        return;
    while (*link != &queue->sink)
        link = &(*link)->next_set;
    *link = queue->sink.next_set;
    tocsin__handler_disconnect(loop, tocsin__id_object(&loop->handlers, queue->handler.id));
}

/* Opening and closing */

static int options_check(const struct tocsin_queue_options *options)
{
    if (options->flags & ~(unsigned)TOCSIN_TAKE || options->limit_bytes > SIZE_MAX / 4 || options->priority < -32768 || options->priority > 32767 || options->limit > SIZE_MAX / 64)
        return -EINVAL;
    return options->spare[0] || options->spare[1] || options->spare[2] || options->spare[3] ? -EINVAL : 0;
}

static void queue_free(struct queue *queue)
{
    while (queue->count)
        tocsin_info_unref(pull(queue));
    tocsin__release(queue->ring);
    tocsin__release(queue);
}

static int queue_find(struct tocsin_queue id, struct queue **ret_queue)
{
    struct tocsin__loop *loop = tocsin__self, *other;
    struct tocsin__id_entry *entry;

    if (tocsin_id_error(id.id))
        return tocsin_id_error(id.id);
    other = tocsin__loop_numbered(tocsin__id_number(id.id));
    entry = other ? tocsin__id_entry(&other->queues, id.id) : NULL;
    if (!id.id || !entry || atomic_load_explicit(&entry->id, memory_order_relaxed) != id.id)
        return -ENOENT;
    if (other != loop)
        return -EXDEV;
    *ret_queue = entry->object;
    return 0;
}

static void close_all(struct tocsin__ops *ops)
{
    struct tocsin__ids *ids = &ops->engine->loop->queues;

    for (uint32_t i = 0; i < ids->made; i++) {
        struct queue *queue = tocsin__id_entry(ids, i)->object;

        if (queue)
            tocsin_queue_close((struct tocsin_queue){ queue->id });
    }
}

static int queue_new(struct tocsin__engine *engine, const char *where, const char *pattern, const struct tocsin_queue_options *options, struct queue **ret_queue)
{
    struct queue *queue = tocsin__alloc(sizeof *queue);
    int err = queue ? ring_hold(queue, 1) : -ENOMEM;

    if (err < 0) {
        tocsin__release(queue);
        return err;
    }
    queue->sink = (struct tocsin__sink){ .reserve = sink_reserve, .release = sink_release, .refused = sink_refused, .room = sink_room, .put = sink_put,
                                         .expect = sink_expect, .expected = sink_expected };
    queue->take = options->flags & TOCSIN_TAKE;
    queue->gate = (struct tocsin__gate){ .open = gate_open, .refused = gate_refused, .pended = queue->take ? gate_pended : NULL };
    queue->engine = engine;
    queue->where = where ? where : "";
    queue->owner = tocsin__owner_of(where);
    queue->limit = options->limit ? options->limit : LIMIT;
    queue->limit_bytes = options->limit_bytes ? options->limit_bytes : LIMIT_BYTES;
    err = pattern ? set_connect(queue, pattern, options) : 0;
    queue->id = err < 0 ? 0 : tocsin__id_new(&engine->loop->queues, queue);
    if (!queue->id) {
        set_disconnect(queue);
        queue_free(queue);
        return err < 0 ? err : -ENOMEM;
    }
    tocsin__ops(engine)->queues_close = close_all;
    *ret_queue = queue;
    return 0;
}

int tocsin_queue_open_at(const char *where, const char *pattern, const struct tocsin_queue_options *options, struct tocsin_queue *ret_queue)
{
    static const struct tocsin_queue_options none;
    struct tocsin__engine *engine;
    struct queue *queue = NULL;
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
    struct queue *queue;
    int err = queue_find(id, &queue);

    if (err < 0)
        return err;
    set_disconnect(queue);
    tocsin__id_free(&queue->engine->loop->queues, queue->id);
    room_made(queue);                                  /* it refuses nobody any more */
    if (queue->wait)
        queue->wait->closed = true;
    wake(queue);
    queue_free(queue);
    return 0;
}

/* Waiting */

static void on_timeout(struct tocsin__timer *timer)
{
    struct queue_wait *wait = tocsin__container(timer, struct queue_wait, timer);

    wait->over = wait->late = true;
    if (wait->fiber)
        tocsin__fiber_resume(wait->fiber);
}

static int wait_here(struct tocsin__engine *engine, struct queue_wait *wait)
{
    int err = 0;

    while (err >= 0 && !wait->over && !engine->loop->free_wanted)
        err = tocsin__turn(engine, -1);
    return err < 0 ? err : engine->loop->free_wanted ? -ECANCELED : 0;
}

static int wait_once(struct tocsin__engine *engine, struct queue_wait *wait)
{
    wait->over = false;
    if (!wait->fiber)
        return wait_here(engine, wait);
    tocsin__fiber_suspend(wait->fiber, NULL);
    return tocsin__fiber_cancelled(wait->fiber) ? -ECANCELED : 0;
}

static bool something(const struct queue *queue)
{
    return queue->count || queue->pended;
}

/* The oldest of the lowest rank among what is pended of its set; observers see it (E18). NULL: it was the last one, and went elsewhere. */
static struct tocsin_info *take_pended(struct queue *queue)
{
    struct tocsin__loop *loop = queue->engine->loop;
    const struct tocsin__handler *handler = tocsin__id_object(&loop->handlers, queue->handler.id);
    struct tocsin__slot *best = NULL;

    for (uint32_t i = 0; i < handler->match.slots_count; i++) {
        struct tocsin__slot *slot = handler->match.slots[i];

        if (slot->pend && (!best || tocsin__pend_before(slot, best)))
            best = slot;
    }
    return best ? tocsin__pend_accept(loop, best) : NULL;
}

/* Until something is there, or the time is over, or the queue is closed. What came may have been taken by somebody else meanwhile. */
static int wait_for(struct queue *queue, struct tocsin__fiber *fiber, int64_t timeout_ms)
{
    struct queue_wait wait = { .timer.fire = on_timeout, .fiber = fiber };
    struct tocsin__engine *engine = queue->engine;
    int err;

    if (timeout_ms >= 0)
        tocsin__timer_arm(engine, &wait.timer, tocsin__now(engine) + (timeout_ms > INT64_MAX / 4000 ? INT64_MAX / 4 : timeout_ms * 1000));
    queue->wait = &wait;
    do
        err = wait_once(engine, &wait);
    while (err == 0 && !wait.closed && !wait.late && !something(queue));
    tocsin__timer_disarm(engine, &wait.timer);
    if (!wait.closed)
        queue->wait = NULL;
    return wait.closed ? -ECANCELED : err;
}

/* One turn, for those who ask again and again: in a foreign loop, that is how the loop gets on. */
static int look(struct queue *queue)
{
    struct tocsin_queue id = { queue->id };

    tocsin__turn(queue->engine, 0);
    return queue_find(id, &queue) < 0 ? -ECANCELED : 0;
}

static int queue_fill(struct queue *queue, int64_t timeout_ms)
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
    struct queue *queue;
    int err = timeout_ms < -1 ? -EINVAL : queue_find(id, &queue);

    if (err == 0 && !something(queue))
        err = queue_fill(queue, timeout_ms);
    if (tocsin__self->free_wanted && tocsin__at_rest(tocsin__self)) {
        tocsin__free_if_wanted();
        return err < 0 ? err : -ECANCELED;
    }
    if (err == 0 && !something(queue))
        err = -ETIMEDOUT;
    if (err < 0)
        return err;
    info = queue->count ? pull(queue) : take_pended(queue);
    if (ret_info)
        *ret_info = info;
    else
        tocsin_info_unref(info);
    return 0;
}

int tocsin_queue_fd(struct tocsin_queue id)
{
    struct queue *queue;
    int err = queue_find(id, &queue), fd = err < 0 ? err : tocsin__mirror_fd(queue->engine);

    if (fd < 0 || queue->polled)
        return fd;
    queue->polled = true;
    held(queue, (uint32_t)(queue->count + queue->pended));
    return fd;
}

/* What there is */

int tocsin_queue_next(struct tocsin_queue after, struct tocsin_queue_facts *ret_facts)
{
    struct tocsin__loop *loop = tocsin__self;
    const struct tocsin__handler *handler;
    const struct queue *queue = ret_facts ? tocsin__id_after(&loop->queues, after.id) : NULL;

    if (tocsin_id_error(after.id))
        return tocsin_id_error(after.id);
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
