/* Arms, disarms and fires the timers of a loop. */
#include "loop/clock.h"
#include "loop/polled.h"

void tocsin__timer_arm(struct tocsin__engine *engine, struct tocsin__timer *timer, int64_t due_us)
{
    struct tocsin__timers *timers = &engine->timers;

    tocsin__timer_disarm(engine, timer);
    timer->node.major = due_us;
    timer->node.minor = timers->order++;
    tocsin__heap_put(&timers->heap, &timer->node);
    tocsin__polled_update(engine);
}

void tocsin__timer_disarm(struct tocsin__engine *engine, struct tocsin__timer *timer)
{
    (void)engine;
    if (tocsin__timer_armed(timer))
        tocsin__heap_remove(&timer->node);
}

int64_t tocsin__timer_next(const struct tocsin__engine *engine)
{
    return engine->timers.heap.first ? engine->timers.heap.first->major : INT64_MAX;
}

int tocsin__timers_fire(struct tocsin__engine *engine)
{
    int64_t now = tocsin__now(engine);
    uint64_t order = engine->timers.order;
    struct tocsin__heap_node *first;
    int count = 0;

    while (!tocsin__inherited(engine->loop) && (first = engine->timers.heap.first) &&
           first->major <= now && first->minor < order) {
        struct tocsin__timer *timer = (struct tocsin__timer *)first;

        tocsin__heap_remove(first);
        timer->fire(timer);
        count++;
    }
    return count;
}
