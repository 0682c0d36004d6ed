/* Running, stopping, draining and ending a loop (O7); a clock that tests can move. */
#include <errno.h>

#include "core/emit.h"
#include "core/handler.h"
#include "core/mask.h"
#include "core/os.h"
#include "core/receive.h"
#include "loop/detain.h"
#include "loop/engine.h"
#include "loop/mirror.h"

static int64_t us_of(int64_t ms)
{
    return ms < 0 ? -1 : ms > INT64_MAX / 4000 ? INT64_MAX / 4 : ms * 1000;
}

int tocsin_turn(int64_t timeout_ms)
{
    struct tocsin__engine *engine;
    int err = timeout_ms < -1 ? -EINVAL : tocsin__engine_make(&engine);

    if (err == 0)
        err = tocsin__turn(engine, us_of(timeout_ms));
    if (err >= 0 || err == -EOWNERDEAD)
        tocsin__free_if_wanted();
    return err;
}

int tocsin_fd(void)
{
    struct tocsin__engine *engine;
    int err = tocsin__engine_make(&engine);

    return err < 0 ? err : tocsin__mirror_fd(engine);
}

int tocsin_stop(int status)
{
    struct tocsin__loop *loop = tocsin__self;

    if (loop == &tocsin__no_loop || tocsin__inherited(loop))
        return loop == &tocsin__no_loop ? -ENODEV : -EOWNERDEAD;
    loop->stop_wanted = true;
    loop->stop_status = status;
    return 0;
}

/* Draining */

static void on_drain_over(struct tocsin__timer *timer)
{
    tocsin__container(timer, struct tocsin__engine, drain_timer)->drain_over = true;
}

int tocsin_drain(int64_t timeout_ms)
{
    struct tocsin__engine *engine;
    int err = timeout_ms < -1 ? -EINVAL : tocsin__engine_make(&engine);
    int64_t due;

    if (err < 0)
        return err;
    engine->draining = true;
    engine->drain_timer.fire = on_drain_over;
    due = timeout_ms < 0 ? INT64_MAX : tocsin__now(engine) + us_of(timeout_ms);
    if (timeout_ms >= 0 && (!tocsin__timer_armed(&engine->drain_timer) || due < tocsin__timer_due(&engine->drain_timer)))
        tocsin__timer_arm(engine, &engine->drain_timer, due);
    return 0;
}

static void drain_step(struct tocsin__engine *engine)
{
    struct tocsin__tenant *tenant = engine->tenant;

    if (!engine->drain_begun && tenant)
        tenant->drain(tenant);
    engine->drain_begun = true;
    if (engine->drain_over && tenant)
        tenant->cancel(tenant, false);
}

static bool drained(const struct tocsin__engine *engine)
{
    bool rest = !(engine->tenant && engine->tenant->running);

    return engine->draining && engine->drain_begun && rest && (engine->drain_over || (!engine->detained && !tocsin__busy(engine)));
}

static int drain_end(struct tocsin__engine *engine)
{
    int status = engine->drain_over ? -ETIMEDOUT : 0;

    tocsin__timer_disarm(engine, &engine->drain_timer);
    engine->draining = engine->drain_begun = engine->drain_over = false;
    return status;
}

static int run(struct tocsin__engine *engine)
{
    struct tocsin__loop *loop = engine->loop;
    int err = 0;

    while (err >= 0 && !loop->stop_wanted && !loop->free_wanted) {
        if (engine->draining)
            drain_step(engine);
        if (drained(engine))
            return drain_end(engine);
        err = tocsin__turn(engine, -1);
    }
    if (err < 0 || !loop->stop_wanted)
        return err < 0 ? err : 0;
    loop->stop_wanted = false;
    return loop->stop_status;
}

int tocsin_run(void)
{
    struct tocsin__engine *engine;
    int status = tocsin__engine_make(&engine);
    uint64_t taken;

    if (status == 0 && !tocsin__may_turn(engine))
        status = -EDEADLK;
    if (status == 0) {
        taken = tocsin__os_run(engine->loop);
        status = run(engine);
        tocsin__os_ran(taken);
    }
    tocsin__free_if_wanted();
    return status;
}

/* Ending */

/* Cancels, and runs turns until what was cancelled has ended. */
static void end_all(struct tocsin__engine *engine, bool serving)
{
    struct tocsin__tenant *tenant = engine->tenant;

    const uint32_t *count = tenant ? serving ? &tenant->serving : &tenant->running : NULL;

    while (tenant && *count && !tocsin__inherited(engine->loop)) {
        tenant->cancel(tenant, serving);
        if (*count)                                    /* what was never started is gone */
            tocsin__turn(engine, -1);
    }
}

static int left(const struct tocsin__loop *loop)
{
    const struct tocsin__tenant *tenant = loop->engine ? loop->engine->tenant : NULL;

    return (int)(loop->sources.live + loop->queues.live - (tenant ? tenant->serving : 0));
}

static uint32_t running_now(const struct tocsin__loop *loop)
{
    return loop->engine && loop->engine->tenant ? loop->engine->tenant->running : 0;
}

static uint32_t kept_now(const struct tocsin__loop *loop)
{
    return loop->engine && loop->engine->tenant ? loop->engine->tenant->kept : 0;
}

/* Delivers what is pended, ends what runs. How many things were left. */
static int wind_up(struct tocsin__loop *loop)
{
    uint32_t running = running_now(loop), kept = kept_now(loop);
    struct tocsin__engine *engine = loop->engine;
    int count = (int)loop->blocks.live;

    tocsin__os_leave(loop);
    tocsin__loop_close(loop);
    tocsin__receive_last(loop);
    tocsin__holds_lift(loop);
    tocsin__flush_shut(loop);
    tocsin__flush_late(loop);
    tocsin__os_dry(loop);
    count += left(loop) + (int)(running - running_now(loop)) - (int)(kept_now(loop) - kept);       /* what has ended by itself meanwhile was left, too */
    if (!engine)
        return count;
    engine->draining = false;
    tocsin__detained_go(engine);
    end_all(engine, false);
    end_all(engine, true);
    for (int i = 0; i < 2 && tocsin__busy(engine); i++)
        tocsin__turn(engine, 0);
    return count;
}

static int free_now(struct tocsin__loop *loop)
{
    bool mine = !tocsin__inherited(loop);
    int count;

    if (mine && tocsin__loop_dies)
        tocsin__loop_dies();
    loop->freeing = true;
    loop->free_wanted = false;
    count = mine ? wind_up(loop) : 0;
    if (tocsin__inherited(loop)) {                     /* by now, perhaps: what was called may have forked */
        tocsin__part(loop);
        tocsin__loop_take_over(loop);
        count = 0;
    }
    if (loop->engine) {
        tocsin__loop_unpend(loop);
        tocsin__engine_free(loop->engine);
    }
    tocsin__os_dry(loop);
    tocsin__loop_clear(loop);
    tocsin__receive_end(loop);                         /* last: who waits for a handler's end has been told the truth */
    tocsin__loop_retire(loop);
    return count;
}

/* Not while turns cannot be run: in a handler, on a fiber, in a callback of the program's on an adopted base. */
static bool may_free(struct tocsin__loop *loop)
{
    struct tocsin__engine *engine = loop->engine;

    if (tocsin__inherited(loop))
        return tocsin__may_part(loop);
    return tocsin__at_rest(loop) && (!engine || (tocsin__may_turn(engine) && !(engine->adopted && tocsin__turn(engine, 0) < 0)));
}

void tocsin__free_if_wanted(void)
{
    struct tocsin__loop *loop = tocsin__self;

    if (loop->free_wanted && may_free(loop))
        free_now(loop);
}

static void rest(struct tocsin__loop *loop)
{
    (void)loop;
    tocsin__free_if_wanted();
}

int tocsin_free(void)
{
    struct tocsin__loop *loop = tocsin__self;

    if (loop == &tocsin__no_loop || loop->freeing)
        return 0;
    if (may_free(loop))
        return free_now(loop);
    loop->free_wanted = true;
    loop->rest = rest;
    loop->unrest = 1;
    return 0;
}

/* The clock of a test */

static int until_quiet(struct tocsin__engine *engine)
{
    int count;

    do {
        bool wait = engine->tenant && engine->tenant->threads && !tocsin__busy(engine);

        count = tocsin__turn(engine, wait ? -1 : 0);
    } while (!engine->loop->free_wanted &&
             (count > 0 || (count == 0 && (tocsin__busy(engine) || (engine->tenant && engine->tenant->threads)))));
    return count < 0 ? count : 0;
}

int tocsin_clock_move(int64_t ms)
{
    struct tocsin__engine *engine;
    int err = ms < 0 ? -EINVAL : tocsin__engine_make(&engine);
    int64_t end;

    if (err < 0)
        return err;
    if (!tocsin__may_turn(engine))
        return -EDEADLK;
    engine->stopped_us = tocsin__now(engine);
    engine->stopped = true;
    end = engine->stopped_us + us_of(ms);
    while ((err = until_quiet(engine)) == 0 && !engine->loop->free_wanted && tocsin__timer_next(engine) <= end)
        engine->stopped_us = tocsin__timer_next(engine) > engine->stopped_us ? tocsin__timer_next(engine) : engine->stopped_us;
    engine->stopped_us = end;
    tocsin__free_if_wanted();
    return err;
}
