/* Idle limits. Objects are kept in buckets by the time at which their limit may be reached. When a
 * bucket is due, its objects are examined. */
#include "base/assert.h"
#include "loop/clock.h"
#include "loop/idle.h"

/* The idle clock is the loop's clock, but stands still while a turn exceeds the slack. A refresh in
 * a turn stores the time at which the turn began. So the stored time is too early by at most the
 * slack. */
enum { SLACK_TICKS = 8, SLACK_US = SLACK_TICKS << TOCSIN__IDLE_TICK_BITS, LEVEL_BITS = 3 };

/* The most objects that one turn examines, so that the turn stays short (T5). */
enum { LOOKS_MOST = 256 };

static const int64_t limit_max_ms = 365ll * 24 * 3600 * 1000;

/* The idle clock */

static int64_t idle_now(const struct tocsin__engine *engine)
{
    int64_t now = engine->idle_clock.now ? engine->loop->turn_us : tocsin__now(engine);

    return (now - engine->idle_clock.stalled_us) >> TOCSIN__IDLE_TICK_BITS;
}

/* Returns the part of a tick that an object stores: its low 32 bits. */
static uint32_t stamp_of(int64_t tick)
{
    return (uint32_t)tick == TOCSIN__IDLE_UNKNOWN ? TOCSIN__IDLE_UNKNOWN + 1 : (uint32_t)tick;
}

void tocsin__idle_turn_begin(struct tocsin__engine *engine)
{
    int64_t idle_us = engine->loop->turn_us - engine->idle_clock.stalled_us;

    engine->idle_clock.now = stamp_of(idle_us >> TOCSIN__IDLE_TICK_BITS);
}

void tocsin__idle_turn_end(struct tocsin__engine *engine, int64_t took_us)
{
    engine->idle_clock.now = TOCSIN__IDLE_UNKNOWN;
    if (took_us > SLACK_US)
        engine->idle_clock.stalled_us += took_us - SLACK_US;
}

/* The buckets */

static int64_t bucket_of(int64_t tick, int level)
{
    return tick >> level * LEVEL_BITS;
}

/* Returns the buckets of a level that are due at a tick, one bit for each. */
static uint64_t buckets_due(const struct tocsin__idle_limits *limits, int level, int64_t now)
{
    int64_t from = bucket_of(limits->looked, level), to = bucket_of(now, level);
    unsigned start = (from + 1) & (TOCSIN__IDLE_BUCKETS - 1);
    uint64_t bits;

    if (to <= from)
        return 0;
    if (to - from >= TOCSIN__IDLE_BUCKETS)
        return limits->filled[level];
    bits = (1ull << (to - from)) - 1;
    return limits->filled[level] & (bits << start | bits >> (-start & 63));
}

/* Returns the tick at which the first bucket of a level is due. The level must not be empty. */
static int64_t level_first(const struct tocsin__idle_limits *limits, int level)
{
    int64_t from = bucket_of(limits->looked, level) + 1;
    unsigned start = from & (TOCSIN__IDLE_BUCKETS - 1);
    uint64_t filled = limits->filled[level];

    filled = filled >> start | filled << (-start & 63);
    return (from + __builtin_ctzll(filled)) << level * LEVEL_BITS;
}

static void limits_arm(struct tocsin__idle_limits *limits, int64_t first)
{
    limits->first = first;
    tocsin__timer_arm(limits->engine, &limits->timer,
                      (first << TOCSIN__IDLE_TICK_BITS) + limits->engine->idle_clock.stalled_us);
}

static void list_push(struct tocsin__idle **list, struct tocsin__idle *idle)
{
    idle->next = *list;
    idle->link = list;
    if (idle->next)
        idle->next->link = &idle->next;
    *list = idle;
}

/* Adds an object to the bucket for the tick `due`, which must be later than now. The lowest level
 * that reaches this tick is used. If the level has no bucket for exactly this tick, the next later
 * bucket is used. */
static void limits_insert(struct tocsin__idle_limits *limits, struct tocsin__idle *idle,
                          int64_t due, int64_t now)
{
    const int64_t reach = TOCSIN__IDLE_BUCKETS - 1;
    int64_t bucket;
    int level = 0;

    if (!limits->count || (now > limits->looked && now < limits->first))
        limits->looked = now; /* all buckets up to now are empty */
    if (due <= limits->looked)
        due = limits->looked + 1; /* the time is in the past, since the clock was moved back */
    while (due - limits->looked >= reach << level * LEVEL_BITS)
        if (level < TOCSIN__IDLE_LEVELS - 1)
            level++;
        else
            /* no level reaches that far, so the object is examined earlier */
            due = limits->looked + (reach << level * LEVEL_BITS) - 1;
    bucket = bucket_of(due - 1, level) + 1;
    tocsin__assert(bucket > bucket_of(limits->looked, level) &&
                   bucket <= bucket_of(limits->looked, level) + TOCSIN__IDLE_BUCKETS);
    due = bucket << level * LEVEL_BITS;
    bucket &= TOCSIN__IDLE_BUCKETS - 1;
    list_push(&limits->buckets[level][bucket], idle);
    limits->filled[level] |= 1ull << bucket;
    if (!limits->count++ || due < limits->first)
        limits_arm(limits, due);
}

void tocsin__idle_put(struct tocsin__idle_limits *limits, struct tocsin__idle *idle,
                      int64_t limit_ms)
{
    int64_t now = idle_now(limits->engine);

    tocsin__assert(limit_ms >= 0);
    tocsin__idle_remove(limits, idle);
    if (limit_ms == 0 || limit_ms > limit_max_ms)
        return;
    idle->limit = (uint32_t)((limit_ms * 1000 >> TOCSIN__IDLE_TICK_BITS) + 1);
    idle->active = stamp_of(now);
    limits_insert(limits, idle, now + idle->limit + SLACK_TICKS, now);
}

/* Clears the bit of a bucket whose list has become empty. The list may also be `looking`. */
static void list_emptied(struct tocsin__idle_limits *limits, struct tocsin__idle **list)
{
    size_t at = (size_t)((uintptr_t)list - (uintptr_t)limits->buckets) / sizeof *list;

    if (at < TOCSIN__IDLE_LEVELS * TOCSIN__IDLE_BUCKETS)
        limits->filled[at / TOCSIN__IDLE_BUCKETS] &= ~(1ull << at % TOCSIN__IDLE_BUCKETS);
}

void tocsin__idle_remove(struct tocsin__idle_limits *limits, struct tocsin__idle *idle)
{
    if (!tocsin__idle_is_in(idle))
        return;
    tocsin__assert(*idle->link == idle && limits->count > 0);
    *idle->link = idle->next;
    if (idle->next)
        idle->next->link = idle->link;
    else
        list_emptied(limits, idle->link);
    idle->next = 0;
    idle->link = 0;
    if (--limits->count == 0)
        tocsin__timer_disarm(limits->engine, &limits->timer);
}

/* Functions that examine the objects */

/* Makes `looking` the list of the next bucket that is due. Returns false if no bucket is due. */
static bool look_at_next(struct tocsin__idle_limits *limits, int64_t now)
{
    for (int level = 0; level < TOCSIN__IDLE_LEVELS; level++) {
        uint64_t due = buckets_due(limits, level, now);
        struct tocsin__idle **bucket;

        if (!due)
            continue;
        bucket = &limits->buckets[level][__builtin_ctzll(due)];
        limits->filled[level] &= ~(due & -due);
        limits->looking = *bucket;
        limits->looking->link = &limits->looking;
        *bucket = 0;
        return true;
    }
    if (now > limits->looked)
        limits->looked = now;
    return false;
}

/* Examines an object: moves it to a later bucket, or announces that its limit is reached. */
static int look_at(struct tocsin__idle_limits *limits, struct tocsin__idle *idle, int64_t now)
{
    int64_t left, since;

    if (idle->active == TOCSIN__IDLE_UNKNOWN)
        idle->active = stamp_of(now);
    /* the time since the last activity; negative if the clock was moved back */
    since = (int32_t)((uint32_t)now - idle->active);
    left = (int64_t)idle->limit + SLACK_TICKS - (since > 0 ? since : 0);
    tocsin__idle_remove(limits, idle);
    if (left > 0)
        limits_insert(limits, idle, now + left, now);
    else
        limits->fire(idle);
    return left <= 0;
}

/* Arms the timer for the first bucket that is not empty. The timer fires at once if this turn has
 * not examined all objects that are due. */
static void limits_rearm(struct tocsin__idle_limits *limits)
{
    int64_t first = INT64_MAX;

    for (int level = 0; level < TOCSIN__IDLE_LEVELS; level++)
        if (limits->filled[level] && level_first(limits, level) < first)
            first = level_first(limits, level);
    if (limits->looking)
        first = limits->looked;
    if (limits->count)
        limits_arm(limits, first);
}

static int limits_look(struct tocsin__idle_limits *limits)
{
    const struct tocsin__loop *loop = limits->engine->loop;
    int64_t now = idle_now(limits->engine);
    int count = 0;

    limits->is_due = false;
    for (int looks = 0; looks < LOOKS_MOST && !loop->life.free_wanted && !tocsin__inherited(loop);
         looks++)
        if (limits->looking || look_at_next(limits, now))
            count += look_at(limits, limits->looking, now);
        else
            break;
    if (!tocsin__inherited(loop))
        limits_rearm(limits);
    return count;
}

int tocsin__idle_look(struct tocsin__engine *engine)
{
    int count = 0;

    for (struct tocsin__idle_limits *limits = engine->idle_limits; limits; limits = limits->next)
        if (limits->is_due && !tocsin__inherited(engine->loop))
            count += limits_look(limits);
    return count;
}

static void on_timer(struct tocsin__timer *timer)
{
    tocsin__container(timer, struct tocsin__idle_limits, timer)->is_due = true;
}

void tocsin__idle_init(struct tocsin__idle_limits *limits, struct tocsin__engine *engine,
                       void (*fire)(struct tocsin__idle *idle))
{
    *limits = (struct tocsin__idle_limits){
        .next = engine->idle_limits, .engine = engine, .fire = fire, .timer.fire = on_timer
    };
    engine->idle_limits = limits;
}

void tocsin__idle_end(struct tocsin__idle_limits *limits)
{
    struct tocsin__idle_limits **link = &limits->engine->idle_limits;

    tocsin__assert(limits->count == 0 && !tocsin__timer_armed(&limits->timer));
    while (*link != limits)
        link = &(*link)->next;
    *link = limits->next;
}
