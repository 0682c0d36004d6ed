/* Drains a loop: waits for its operations (O7). */
#include "base/debug_hooks.h"
#include "base/refusal.h"
#include "loop/alarm.h"
#include "loop/clock.h"
#include "loop/drain.h"

static void on_drain_expired(struct tocsin__timer *timer)
{
    tocsin__container(timer, struct tocsin__engine, drain_timer)->drain_expired = true;
    if (tocsin__debug.loop_lingers)
        tocsin__debug.loop_lingers();
}

int tocsin_drain(int64_t timeout_ms)
{
    struct tocsin__engine *engine;
    int err = timeout_ms < -1 ? -EINVAL : tocsin__engine_make(&engine);
    int64_t due;

    if (err < 0)
        return tocsin__traced(err);
    engine->draining = true;
    engine->drain_timer.fire = on_drain_expired;
    due = timeout_ms < 0 ? INT64_MAX : tocsin__now(engine) + tocsin__us_from_ms(timeout_ms);
    if (timeout_ms >= 0 && (!tocsin__timer_armed(&engine->drain_timer) ||
                            due < tocsin__timer_due(&engine->drain_timer)))
        tocsin__timer_arm(engine, &engine->drain_timer, due);
    return 0;
}

void tocsin__drain_step(struct tocsin__engine *engine)
{
    struct tocsin__loop_client *loop_client = engine->loop_client;

    if (!engine->drain_begun && loop_client)
        loop_client->drain(loop_client);
    engine->drain_begun = true;
    if (engine->drain_expired && loop_client)
        loop_client->cancel(loop_client, false);
}

bool tocsin__drain_is_done(const struct tocsin__engine *engine)
{
    bool idle = !(engine->loop_client && engine->loop_client->running);

    return engine->draining && engine->drain_begun && idle &&
           (engine->drain_expired || (!engine->delayed && !tocsin__has_work(engine)));
}

int tocsin__drain_end(struct tocsin__engine *engine)
{
    int status = engine->drain_expired ? -ETIMEDOUT : 0;

    tocsin__timer_disarm(engine, &engine->drain_timer);
    engine->draining = engine->drain_begun = engine->drain_expired = false;
    return status;
}
