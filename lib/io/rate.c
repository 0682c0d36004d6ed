/* Rates of streams, as token buckets. */
#include <stddef.h>

#include "base/refusal.h"
#include "delivery/loop.h"
#include "io/rate.h"
#include "io/stream/stream.h"
#include "loop/clock.h"

enum {
    SHARE_LEAST = 1024,   /* bytes that the timer grants one stream, if there are so many */
    CHUNKS_A_SECOND = 100 /* how often the timer fires while streams wait for a full second */
};

/* The bucket */

static double burst_of(uint64_t bytes_s, uint64_t burst_bytes)
{
    double burst = burst_bytes ? (double)burst_bytes : (double)bytes_s / 10;

    return burst < 1 ? 1 : burst;
}

/* The least that is taken at once, so that no stream moves single bytes. */
static double chunk_of(const struct tocsin__rate *rate)
{
    double chunk = rate->bytes_s / CHUNKS_A_SECOND;

    chunk = chunk < rate->burst ? chunk : rate->burst;
    return chunk < 1 ? 1 : chunk;
}

static void level_set(struct tocsin__rate *rate, double level)
{
    rate->level = level < rate->burst ? level : rate->burst;
}

static void bucket_fill(struct tocsin__rate *rate)
{
    int64_t now = tocsin__now(rate->engine);

    if (now > rate->filled_us)
        level_set(rate, rate->level + (double)(now - rate->filled_us) * rate->bytes_s / 1e6);
    rate->filled_us = now;
}

static void timer_arm(struct tocsin__rate *rate)
{
    double missing = chunk_of(rate) - rate->level, wait_us = missing / rate->bytes_s * 1e6;
    int64_t whole_us = wait_us > 0 ? (int64_t)wait_us : 0;

    if (!tocsin__timer_armed(&rate->timer))
        tocsin__timer_arm(rate->engine, &rate->timer,
                          rate->filled_us + whole_us + (wait_us > (double)whole_us));
}

/* The queue */

static void queue_add(struct tocsin__rate *rate, struct tocsin__rate_wait *wait)
{
    wait->next = NULL;
    wait->link = rate->last;
    *rate->last = wait;
    rate->last = &wait->next;
    rate->waiting++;
    timer_arm(rate);
}

static void queue_remove(struct tocsin__rate *rate, struct tocsin__rate_wait *wait)
{
    *wait->link = wait->next;
    if (wait->next)
        wait->next->link = wait->link;
    else
        rate->last = wait->link;
    wait->link = NULL;
    if (--rate->waiting == 0)
        tocsin__timer_disarm(rate->engine, &rate->timer);
}

static void queue_grant(struct tocsin__rate *rate, size_t bytes)
{
    struct tocsin__rate_wait *wait = rate->first;

    queue_remove(rate, wait);
    wait->granted = bytes;
    rate->level -= (double)bytes;
    tocsin__stream_wake(wait->stream);
}

/* Shares the bytes equally among the streams that wait. Those at the end of a long queue get theirs
   later: then they are the first ones. */
static void on_timer(struct tocsin__timer *timer)
{
    struct tocsin__rate *rate = tocsin__container(timer, struct tocsin__rate, timer);
    double share;

    bucket_fill(rate);
    share = rate->level / rate->waiting;
    share = share < SHARE_LEAST ? SHARE_LEAST : share;
    share = share < rate->level ? share : rate->level;
    while (rate->first && share >= 1 && rate->level >= share)
        queue_grant(rate, (size_t)share);
    if (rate->first)
        timer_arm(rate);
}

/* Streams */

static struct tocsin__rate *rate_of(const struct tocsin__stream *stream, enum tocsin__rate_way way)
{
    return stream->settings ? stream->settings->rates[way] : NULL;
}

ssize_t tocsin__rate_take(struct tocsin__stream *stream, enum tocsin__rate_way way, size_t wanted)
{
    struct tocsin__rate *rate = rate_of(stream, way);
    struct tocsin__rate_wait *wait;
    double least;
    size_t taken;

    if (!rate || !rate->bytes_s) {
        if (stream->busy)
            stream->busy->waits[way].granted = 0;
        return (ssize_t)wanted;
    }
    if (tocsin__stream_occupy(stream) < 0)
        return -ENOMEM;
    wait = &stream->busy->waits[way];
    taken = wait->granted;
    wait->granted = 0;
    if (taken > wanted)
        tocsin__rate_give_back(stream, way, taken - wanted);
    if (taken || wait->link)
        return (ssize_t)(taken < wanted ? taken : wanted);
    bucket_fill(rate);
    least = chunk_of(rate) < (double)wanted ? chunk_of(rate) : (double)wanted;
    if (rate->first || rate->level < least) {
        wait->stream = stream;
        queue_add(rate, wait);
        return 0;
    }
    taken = (double)wanted < rate->level ? wanted : (size_t)rate->level;
    rate->level -= (double)taken;
    return (ssize_t)taken;
}

void tocsin__rate_give_back(struct tocsin__stream *stream, enum tocsin__rate_way way, size_t bytes)
{
    struct tocsin__rate *rate = rate_of(stream, way);

    if (rate && rate->bytes_s)
        level_set(rate, rate->level + (double)bytes);
}

bool tocsin__rate_waits(const struct tocsin__stream *stream, enum tocsin__rate_way way)
{
    return stream->busy && stream->busy->waits[way].link;
}

void tocsin__rate_leave(struct tocsin__stream *stream, enum tocsin__rate_way way)
{
    struct tocsin__rate_wait *wait = stream->busy ? &stream->busy->waits[way] : NULL;

    if (!wait)
        return;
    if (wait->link)
        queue_remove(rate_of(stream, way), wait);
    tocsin__rate_give_back(stream, way, wait->granted);
    wait->granted = 0;
}

/* The object */

int tocsin__rate_find(struct tocsin_rate id, struct tocsin__rate **ret_rate)
{
    void *found = NULL;
    int err = id.id ? tocsin__loop_find(offsetof(struct tocsin__loop, ids.rates), id.id, &found)
                    : 0;

    if (err < 0)
        return err;
    *ret_rate = found;
    if (found)
        (*ret_rate)->refs++;
    return 0;
}

void tocsin__rate_unref(struct tocsin__rate *rate)
{
    if (rate && --rate->refs == 0)
        tocsin__release(rate);
}

/* From now on it limits nothing. */
static void rate_end(struct tocsin__rate *rate)
{
    rate->bytes_s = 0;
    *rate->next_link = rate->next;
    if (rate->next)
        rate->next->next_link = rate->next_link;
    tocsin__id_free(&rate->engine->loop->ids.rates, rate->id);
    rate->id = 0;
    tocsin__rate_unref(rate);
}

/* The loop is freed: so are its rates. Streams that are left have no rate any more. */
static void rates_free(struct tocsin__io *io)
{
    while (io->rates) {
        while (io->rates->first)
            queue_remove(io->rates, io->rates->first);
        rate_end(io->rates);
    }
}

static int rate_make(struct tocsin__engine *engine, uint64_t bytes_s, uint64_t burst_bytes,
                     struct tocsin__rate **ret_rate)
{
    int err = tocsin__io_make(engine);
    struct tocsin__rate *rate = err < 0 ? NULL : tocsin__alloc(sizeof *rate);

    if (rate)
        rate->id = tocsin__id_new(&engine->loop->ids.rates, rate);
    if (!rate || !rate->id) {
        tocsin__release(rate);
        return -ENOMEM;
    }
    rate->refs = 1;
    rate->engine = engine;
    rate->bytes_s = (double)bytes_s;
    rate->level = rate->burst = burst_of(bytes_s, burst_bytes);
    rate->filled_us = tocsin__now(engine);
    rate->last = &rate->first;
    rate->timer.fire = on_timer;
    rate->next = engine->io->rates;
    rate->next_link = &engine->io->rates;
    if (rate->next)
        rate->next->next_link = &rate->next;
    engine->io->rates = rate;
    engine->io->rates_free = rates_free;
    *ret_rate = rate;
    return 0;
}

int tocsin_rate_new(uint64_t bytes_s, uint64_t burst_bytes, struct tocsin_rate *ret_rate)
{
    struct tocsin__engine *engine;
    struct tocsin__rate *rate = NULL;
    int err = !ret_rate  ? tocsin__because(-EINVAL, "ret_rate is NULL")
              : !bytes_s ? tocsin__because(-EINVAL, "bytes_s is 0")
                         : tocsin__engine_make(&engine);

    if (err == 0)
        err = engine->loop->life.freeing ? -ESHUTDOWN
                                         : rate_make(engine, bytes_s, burst_bytes, &rate);
    if (ret_rate)
        ret_rate->id = err < 0 ? (uint64_t)(int64_t)err : rate->id;
    return tocsin__traced(err);
}

static int rate_find(struct tocsin_rate id, struct tocsin__rate **ret_rate)
{
    return tocsin__loop_find(offsetof(struct tocsin__loop, ids.rates), id.id, (void **)ret_rate);
}

/* What was due before is counted by the former rate. */
int tocsin_rate_set(struct tocsin_rate id, uint64_t bytes_s, uint64_t burst_bytes)
{
    struct tocsin__rate *rate;
    int err = rate_find(id, &rate);

    if (err == 0 && !bytes_s)
        err = tocsin__because(-EINVAL, "bytes_s is 0");
    if (err < 0)
        return tocsin__traced(err);
    bucket_fill(rate);
    rate->bytes_s = (double)bytes_s;
    rate->burst = burst_of(bytes_s, burst_bytes);
    level_set(rate, rate->level);
    tocsin__timer_disarm(rate->engine, &rate->timer);
    if (rate->first)
        timer_arm(rate);
    return 0;
}

int tocsin_rate_free(struct tocsin_rate id)
{
    struct tocsin__rate *rate;
    int err = rate_find(id, &rate);

    if (err < 0)
        return tocsin__traced(err);
    while (rate->first)
        queue_grant(rate, 0);
    rate_end(rate);
    return 0;
}
