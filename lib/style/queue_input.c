/* The input of a queue, which is a bounded ring of infos. A queue gets infos in two ways.
 * Operations that notify by the queue reserve a place when they start (O2). Emissions of signals
 * that match the queue's pattern come through a handler (W3). */
#include "base/assert.h"
#include "delivery/emit.h"
#include "base/refusal.h"
#include "loop/polled.h"
#include "loop/poll_fd.h"
#include "style/fiber.h"
#include "style/queue_input.h"

enum { LIMIT = 1024, LIMIT_BYTES = 1 << 20, RING_LEAST = 16 };

/* The ring */

static int ring_grow(struct tocsin__queue *queue, size_t count)
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

/* Number of entries and of places that are reserved for operations. */
static size_t queue_places(const struct tocsin__queue *queue)
{
    return queue->count + queue->reserved + queue->expected;
}

/* Grows the ring until it has more free places, not counting reserved ones (O2). */
static int ring_make_room(struct tocsin__queue *queue, size_t more)
{
    return ring_grow(queue, queue_places(queue) + more);
}

void tocsin__queue_input_wake(struct tocsin__queue *queue)
{
    struct tocsin__queue_wait *wait = queue->wait;

    if (!wait)
        return;
    wait->over = true;
    if (wait->fiber)
        tocsin__fiber_resume(wait->fiber);
}

void tocsin__queue_input_count_entries(struct tocsin__queue *queue, uint32_t by)
{
    if (!queue->polled)
        return;
    queue->engine->loop_client->polled_entries += by;
    tocsin__polled_update(queue->engine);
}

static void queue_push(struct tocsin__queue *queue, struct tocsin_info *info)
{
    tocsin__assert(queue->count < queue->capacity);
    queue->ring[(queue->first + queue->count++) % queue->capacity] = info;
    queue->bytes += ((struct tocsin__info *)info)->size;
    tocsin__queue_input_count_entries(queue, 1);
    tocsin__queue_input_wake(queue);
}

static bool queue_is_half_empty(const struct tocsin__queue *queue)
{
    return queue_places(queue) <= queue->limit / 2 && queue->bytes <= queue->limit_bytes / 2;
}

void tocsin__queue_input_room_made(struct tocsin__queue *queue)
{
    queue->overflowing &= !queue_is_half_empty(queue);
    tocsin__ops(queue->engine)->resume_wanted = true;
    tocsin__flush_shut(queue->engine->loop);
    tocsin__polled_update(queue->engine);
}

static struct tocsin_info *queue_pull(struct tocsin__queue *queue)
{
    struct tocsin_info *info = queue->ring[queue->first];

    tocsin__assert(queue->count > 0 && queue->bytes >= ((struct tocsin__info *)info)->size);
    queue->first = (queue->first + 1) % queue->capacity;
    queue->count--;
    queue->bytes -= ((struct tocsin__info *)info)->size;
    tocsin__queue_input_count_entries(queue, -1u);
    tocsin__queue_input_room_made(queue);
    return info;
}

/* Functions of the queue as a sink of operations (O2) */

static bool queue_has_place(const struct tocsin__queue *queue)
{
    return queue_places(queue) < queue->limit;
}

static bool sink_has_room(struct tocsin__sink *sink)
{
    const struct tocsin__queue *queue = (struct tocsin__queue *)sink;

    return queue_has_place(queue) && queue->bytes < queue->limit_bytes;
}

static void queue_report_full(struct tocsin__queue *queue, const char *name)
{
    struct tocsin_queue_full what = tocsin_queue_full_make();

    queue->overflowing = !queue_is_half_empty(queue);
    what.signal = name;
    what.queue = queue->id;
    what.entries = queue_places(queue);
    what.bytes = queue->bytes;
    what.limit = queue->limit;
    what.limit_bytes = queue->limit_bytes;
    what.refused = queue->refused;
    tocsin__queue_full(&what);
}

static void queue_refuse(struct tocsin__queue *queue, const char *name)
{
    queue->refused++;
    if (!queue->overflowing)
        queue_report_full(queue, name);
    (void)tocsin__because(
        -EAGAIN,
        "the queue %s%s has no room for '%s': it holds %zu of %zu entries, %zu of %zu bytes",
        queue->where && *queue->where ? "opened at " : "of this loop",
        queue->where ? queue->where : "", name, queue_places(queue), queue->limit, queue->bytes,
        queue->limit_bytes);
}

static void sink_refused(struct tocsin__sink *sink, const char *name)
{
    queue_refuse((struct tocsin__queue *)sink, name);
}

static int sink_reserve(struct tocsin__sink *sink)
{
    struct tocsin__queue *queue = (struct tocsin__queue *)sink;

    if (!queue_has_place(queue))
        return -EAGAIN;
    if (ring_make_room(queue, 1) < 0)
        return -ENOMEM;
    queue->reserved++;
    return 0;
}

static void sink_release(struct tocsin__sink *sink)
{
    struct tocsin__queue *queue = (struct tocsin__queue *)sink;

    tocsin__assert(queue->reserved > 0);
    queue->reserved--;
    tocsin__queue_input_room_made(queue);
}

static void sink_put(struct tocsin__sink *sink, struct tocsin_info *info)
{
    struct tocsin__queue *queue = (struct tocsin__queue *)sink;

    tocsin__assert(queue->reserved > 0);
    queue->reserved--;
    queue_push(queue, info);
}

static bool queue_listens(const struct tocsin__queue *queue, int signo)
{
    const struct tocsin__handler *handler = tocsin__id_object(&queue->engine->loop->ids.handlers,
                                                              queue->handler.id);

    return handler && tocsin__subscription_has(&handler->subscription, signo);
}

static int sink_expect(struct tocsin__sink *sink, int signo)
{
    struct tocsin__queue *queue = (struct tocsin__queue *)sink;

    if (!queue_listens(queue, signo))
        return 0;
    if (ring_make_room(queue, 1) < 0)
        return -ENOMEM;
    queue->expected++;
    return 0;
}

static void sink_unexpect(struct tocsin__sink *sink, int signo)
{
    struct tocsin__queue *queue = (struct tocsin__queue *)sink;

    if (!queue_listens(queue, signo))
        return;
    tocsin__assert(queue->expected > 0);
    queue->expected--;
    tocsin__queue_input_room_made(queue);
}

/* Functions of the queue as a handler of its pattern (W3) */

static struct tocsin__queue *admission_queue(struct tocsin__admission *admission)
{
    return tocsin__container(admission, struct tocsin__queue, admission);
}

/* Accepts a payload larger than limit_bytes only into an empty queue. Otherwise such a payload
 * could never be delivered. */
static bool admission_open(struct tocsin__admission *admission, size_t size)
{
    const struct tocsin__queue *queue = admission_queue(admission);

    return queue_has_place(queue) && (!queue->bytes || queue->bytes + size <= queue->limit_bytes);
}

static void admission_refused(struct tocsin__admission *admission, const char *name)
{
    queue_refuse(admission_queue(admission), name);
}

static void admission_count_pending(struct tocsin__admission *admission,
                                    struct tocsin__loop_signal *loop_signal, uint32_t by)
{
    struct tocsin__queue *queue = admission_queue(admission);

    queue->pending += (size_t)(int32_t)by;
    /* only if the oldest pending emission may have changed */
    if (loop_signal->queued.first && (by != 1 || loop_signal->queued.count == 1))
        tocsin__takings_add(&queue->takings, loop_signal);
    tocsin__queue_input_count_entries(queue, by);
    if ((int32_t)by > 0)
        tocsin__queue_input_wake(queue);
}

/* Whether sink_expect has reserved a place for this info: then it is the end of an operation of
 * this loop. Any other emission was admitted by admission_open. */
static bool queue_has_promised(const struct tocsin__queue *queue, const struct tocsin_info *info)
{
    return info->code == TOCSIN_DONE &&
           tocsin__id_number(info->sequence) == queue->engine->loop->life.number;
}

static int on_queue_signal(const struct tocsin_info *info, void *arg)
{
    struct tocsin__queue *queue = arg;
    struct tocsin_info *kept;

    kept = !queue_has_promised(queue, info) && ring_make_room(queue, 1) < 0 ? NULL
                                                                            : tocsin_info_ref(info);
    if (!kept) {
        queue->missed++;
        return -ENOMEM;
    }
    queue_push(queue, kept);
    return queue->take ? TOCSIN_STOP : TOCSIN_NEXT;
}

/* Counts the ends that will still reach a queue that is being opened: ends of running operations,
 * the end that is being delivered, and pending ends. */
static size_t queue_count_ends(const struct tocsin__queue *queue)
{
    const struct tocsin__ops *ops = tocsin__ops(queue->engine);
    const struct tocsin__handler *handler = tocsin__id_object(&queue->engine->loop->ids.handlers,
                                                              queue->handler.id);
    size_t count = ops->ending && !tocsin__op_end_is_pending(ops->ending) &&
                   queue_listens(queue, ops->ending->kind->done);
    const struct tocsin__op *op;

    for (uint64_t id = 0; (op = tocsin__ops_listed_after(ops, &id));)
        count += op->phase != TOCSIN__OP_UNDONE && queue_listens(queue, op->kind->done);
    for (uint32_t i = 0; i < handler->subscription.loop_signals_count; i++)
        for (const struct tocsin__pending *pending =
                 handler->subscription.loop_signals[i]->queued.first;
             pending; pending = pending->next)
            count += pending->gone != NULL;
    for (const struct tocsin__pending *pending = queue->engine->loop->pending.delivering; pending;
         pending = pending->next)
        count += pending->gone && queue_listens(queue, pending->info->pub.signo);
    return count;
}

static int queue_connect(struct tocsin__queue *queue, const char *pattern,
                         const struct tocsin_queue_options *options)
{
    struct tocsin__ops *ops = tocsin__ops(queue->engine);
    struct tocsin__connect_args args = {
        .where = queue->where,
        .action = { .fn = on_queue_signal, .arg = queue, .priority = options->priority },
        .admission = &queue->admission,
        .flags = queue->take ? TOCSIN__FIRST : 0,
    };
    int err;

    err = tocsin__connect(&args, pattern, &queue->handler);
    if (err < 0) {
        queue->handler.id = 0;
        return err;
    }
    queue->sink.next = ops->listening;
    queue->sink.link = &ops->listening;
    if (ops->listening)
        ops->listening->link = &queue->sink.next;
    ops->listening = &queue->sink;
    queue->expected = queue_count_ends(queue);
    return ring_make_room(queue, 1);
}

void tocsin__queue_input_end(struct tocsin__queue *queue)
{
    struct tocsin__loop *loop = queue->engine->loop;
    struct tocsin__sink *next = queue->sink.next;

    if (!queue->handler.id)
        return;
    *queue->sink.link = next;
    if (next)
        next->link = queue->sink.link;
    tocsin__handler_disconnect(loop, tocsin__id_object(&loop->ids.handlers, queue->handler.id));
}

/* Takes the oldest pending emission of the lowest rank that matches the pattern of the queue.
 * Observers are called for it (E18). */
static struct tocsin_info *queue_take_pending(struct tocsin__queue *queue)
{
    struct tocsin__loop *loop = queue->engine->loop;
    const struct tocsin__handler *handler = tocsin__id_object(&loop->ids.handlers,
                                                              queue->handler.id);

    return tocsin__pending_accept(loop,
                                  tocsin__takings_first(&queue->takings, &handler->subscription));
}

/* Opening and freeing */

int tocsin__queue_input_open(struct tocsin__queue *queue, const char *pattern,
                             const struct tocsin_queue_options *options)
{
    int err = ring_grow(queue, 1);

    queue->take = options->flags & TOCSIN_TAKE;
    queue->limit = options->limit ? options->limit : LIMIT;
    queue->limit_bytes = options->limit_bytes ? options->limit_bytes : LIMIT_BYTES;
    queue->sink = (struct tocsin__sink){ .reserve = sink_reserve,
                                         .release = sink_release,
                                         .refused = sink_refused,
                                         .has_room = sink_has_room,
                                         .put = sink_put,
                                         .expect = sink_expect,
                                         .unexpect = sink_unexpect };
    queue->admission =
        (struct tocsin__admission){ .open = admission_open,
                                    .refused = admission_refused,
                                    .count_pending = queue->take ? admission_count_pending : NULL };
    return err == 0 && pattern ? queue_connect(queue, pattern, options) : err;
}

struct tocsin_info *tocsin__queue_input_pull(struct tocsin__queue *queue)
{
    return queue->count ? queue_pull(queue) : queue_take_pending(queue);
}

void tocsin__queue_input_free(struct tocsin__queue *queue)
{
    while (queue->count)
        tocsin_info_unref(queue_pull(queue));
    tocsin__release(queue->ring);
    tocsin__takings_free(&queue->takings);
}
