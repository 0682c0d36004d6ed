/* Arms, disarms and fires the timers of a loop. */
#include "loop/clock.h"
#include "loop/polled.h"

void tocsin__timer_arm(struct tocsin__engine *engine, struct tocsin__timer *timer, int64_t due_us)
{
    tocsin__timer_disarm(engine, timer);
    tocsin__wheel_put(&engine->timers, &timer->node, due_us);
    tocsin__polled_update(engine);
}

void tocsin__timer_disarm(struct tocsin__engine *engine, struct tocsin__timer *timer)
{
    if (tocsin__timer_armed(timer))
        tocsin__wheel_remove(&engine->timers, &timer->node);
}

int64_t tocsin__timer_next(struct tocsin__engine *engine)
{
    return tocsin__wheel_next(&engine->timers);
}

int tocsin__timers_fire(struct tocsin__engine *engine)
{
    int64_t now = tocsin__now(engine);
    uint64_t order = engine->timers.order;
    struct tocsin__heap_node *first;
    int count = 0;

    tocsin__wheel_advance(&engine->timers, now);
    while (!tocsin__inherited(engine->loop) &&
           (first = tocsin__wheel_take(&engine->timers, now, order))) {
        struct tocsin__timer *timer = (struct tocsin__timer *)first;

        timer->fire(timer);
        count++;
    }
    return count;
}
