/* How things come into a queue: a bounded ring of infos. Places are reserved when an operation starts, so that its end always has one. */
#include "core/emit.h"
#include "loop/mirror.h"
#include "style/fiber.h"
#include "style/queue.h"

enum { LIMIT = 1024, LIMIT_BYTES = 1 << 20, RING_LEAST = 16 };

/* The ring */

static int ring_hold(struct tocsin__queue *queue, size_t count)
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

/* Taken, or promised to operations that have not ended. */
static size_t places(const struct tocsin__queue *queue)
{
    return queue->count + queue->reserved + queue->expected;
}

/* Room for so many more, besides all that is promised (O2). */
static int ring_room(struct tocsin__queue *queue, size_t more)
{
    return ring_hold(queue, places(queue) + more);
}

void tocsin__intake_wake(struct tocsin__queue *queue)
{
    struct tocsin__queue_wait *wait = queue->wait;

    if (!wait)
        return;
    wait->over = true;
    if (wait->fiber)
        tocsin__fiber_resume(wait->fiber);
}

void tocsin__intake_held(struct tocsin__queue *queue, uint32_t by)
{
    if (!queue->polled)
        return;
    queue->engine->tenant->held += by;
    tocsin__mirror_update(queue->engine);
}

static void push(struct tocsin__queue *queue, struct tocsin_info *info)
{
    queue->ring[(queue->first + queue->count++) % queue->capacity] = info;
    queue->bytes += ((struct tocsin__info *)info)->size;
    tocsin__intake_held(queue, 1);
    tocsin__intake_wake(queue);
}

static bool half_empty(const struct tocsin__queue *queue)
{
    return places(queue) <= queue->limit / 2 && queue->bytes <= queue->limit_bytes / 2;
}

void tocsin__intake_room_made(struct tocsin__queue *queue)
{
    queue->overflowing &= !half_empty(queue);
    tocsin__ops(queue->engine)->resume_wanted = true;
    tocsin__flush_shut(queue->engine->loop);
    tocsin__mirror_update(queue->engine);
}

static struct tocsin_info *pull(struct tocsin__queue *queue)
{
    struct tocsin_info *info = queue->ring[queue->first];

    queue->first = (queue->first + 1) % queue->capacity;
    queue->count--;
    queue->bytes -= ((struct tocsin__info *)info)->size;
    tocsin__intake_held(queue, -1u);
    tocsin__intake_room_made(queue);
    return info;
}

/* As lib/op sees it */

static bool places_left(const struct tocsin__queue *queue)
{
    return places(queue) < queue->limit;
}

static bool sink_room(struct tocsin__sink *sink)
{
    const struct tocsin__queue *queue = (struct tocsin__queue *)sink;

    return places_left(queue) && queue->bytes < queue->limit_bytes;
}

static void refused(struct tocsin__queue *queue, const char *name)
{
    struct tocsin_queue_full what = tocsin_queue_full_make();

    queue->refused++;
    if (queue->overflowing)
        return;
    queue->overflowing = !half_empty(queue);
    what.signal = name;
    what.queue = queue->id;
    what.entries = places(queue);
    what.bytes = queue->bytes;
    what.limit = queue->limit;
    what.limit_bytes = queue->limit_bytes;
    what.refused = queue->refused;
    tocsin__queue_full(&what);
}

static void sink_refused(struct tocsin__sink *sink, const char *name)
{
    refused((struct tocsin__queue *)sink, name);
}

static int sink_reserve(struct tocsin__sink *sink)
{
    struct tocsin__queue *queue = (struct tocsin__queue *)sink;

    if (!places_left(queue))
        return -EAGAIN;
    if (ring_room(queue, 1) < 0)
        return -ENOMEM;
    queue->reserved++;
    return 0;
}

static void sink_release(struct tocsin__sink *sink)
{
    struct tocsin__queue *queue = (struct tocsin__queue *)sink;

    queue->reserved--;
    tocsin__intake_room_made(queue);
}

static void sink_put(struct tocsin__sink *sink, struct tocsin_info *info)
{
    struct tocsin__queue *queue = (struct tocsin__queue *)sink;

    queue->reserved--;
    push(queue, info);
}

static bool hears(const struct tocsin__queue *queue, int signo)
{
    const struct tocsin__handler *handler = tocsin__id_object(&queue->engine->loop->handlers, queue->handler.id);

    for (uint32_t i = 0; handler && i < handler->match.slots_count; i++)
        if (handler->match.slots[i]->signal->signo == signo)
            return true;
    return false;
}

static int sink_expect(struct tocsin__sink *sink, int signo)
{
    struct tocsin__queue *queue = (struct tocsin__queue *)sink;

    if (!hears(queue, signo))
        return 0;
    if (ring_room(queue, 1) < 0)
        return -ENOMEM;
    queue->expected++;
    return 0;
}

static void sink_expected(struct tocsin__sink *sink, int signo)
{
    struct tocsin__queue *queue = (struct tocsin__queue *)sink;

    if (!hears(queue, signo))
        return;
    queue->expected--;
    tocsin__intake_room_made(queue);
}

/* As a handler of its set (W3) */

static struct tocsin__queue *queue_of(struct tocsin__gate *gate)
{
    return tocsin__container(gate, struct tocsin__queue, gate);
}

/* What alone is larger than the limit is let in when nothing else is there: it would never be. */
static bool gate_open(struct tocsin__gate *gate, size_t size)
{
    const struct tocsin__queue *queue = queue_of(gate);

    return places_left(queue) && (!queue->bytes || queue->bytes + size <= queue->limit_bytes);
}

static void gate_refused(struct tocsin__gate *gate, const char *name)
{
    refused(queue_of(gate), name);
}

static void gate_pended(struct tocsin__gate *gate, uint32_t by)
{
    struct tocsin__queue *queue = queue_of(gate);

    queue->pended += (size_t)(int32_t)by;
    tocsin__intake_held(queue, by);
    if ((int32_t)by > 0)
        tocsin__intake_wake(queue);
}

/* The end of an operation has a place by sink_expect; anything else was let in by the gate. */
/* The end of an operation of this loop has a place already. */
static bool expected(const struct tocsin__queue *queue, const struct tocsin_info *info)
{
    return info->code == TOCSIN_DONE && tocsin__id_number(info->sequence) == queue->engine->loop->number;
}

static int on_signal(const struct tocsin_info *info, void *arg)
{
    struct tocsin__queue *queue = arg;
    struct tocsin_info *kept;

    kept = !expected(queue, info) && ring_room(queue, 1) < 0 ? NULL : tocsin_info_ref(info);
    if (!kept) {
        queue->missed++;
        return -ENOMEM;
    }
    push(queue, kept);
    return queue->take ? TOCSIN_STOP : TOCSIN_NEXT;
}

/* The ends of operations that will come to it: of those that run, of the one that is being told, of those that are pended. */
static size_t ends_expected(const struct tocsin__queue *queue)
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

static int set_connect(struct tocsin__queue *queue, const char *pattern, const struct tocsin_queue_options *options)
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

void tocsin__intake_end(struct tocsin__queue *queue)
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

/* The oldest of the lowest rank among what is pended of its set; observers see it (E18). */
static struct tocsin_info *take_pended(struct tocsin__queue *queue)
{
    struct tocsin__loop *loop = queue->engine->loop;
    const struct tocsin__handler *handler = tocsin__id_object(&loop->handlers, queue->handler.id);
    struct tocsin__slot *best = NULL;

    for (uint32_t i = 0; i < handler->match.slots_count; i++) {
        struct tocsin__slot *slot = handler->match.slots[i];

        if (slot->pend && (!best || tocsin__pend_before(slot, best)))
            best = slot;
    }
    return tocsin__pend_accept(loop, best);
}

/* Beginning and end */

int tocsin__intake_open(struct tocsin__queue *queue, const char *pattern, const struct tocsin_queue_options *options)
{
    int err = ring_hold(queue, 1);

    queue->take = options->flags & TOCSIN_TAKE;
    queue->limit = options->limit ? options->limit : LIMIT;
    queue->limit_bytes = options->limit_bytes ? options->limit_bytes : LIMIT_BYTES;
    queue->sink = (struct tocsin__sink){ .reserve = sink_reserve, .release = sink_release, .refused = sink_refused, .room = sink_room, .put = sink_put,
                                         .expect = sink_expect, .expected = sink_expected };
    queue->gate = (struct tocsin__gate){ .open = gate_open, .refused = gate_refused, .pended = queue->take ? gate_pended : NULL };
    return err == 0 && pattern ? set_connect(queue, pattern, options) : err;
}

struct tocsin_info *tocsin__intake_pull(struct tocsin__queue *queue)
{
    return queue->count ? pull(queue) : take_pended(queue);
}

void tocsin__intake_free(struct tocsin__queue *queue)
{
    while (queue->count)
        tocsin_info_unref(pull(queue));
    tocsin__release(queue->ring);
}
