/* Moves the clock of a loop for a test. */
#include "base/refusal.h"
#include "loop/alarm.h"
#include "loop/clock.h"
#include "loop/free.h"
#include "loop/turn.h"

/* Runs turns until the loop has nothing to do at this time, and no other thread works for the
   loop. */
static int clock_settle(struct tocsin__engine *engine)
{
    int count;

    do {
        bool wait = engine->loop_client && engine->loop_client->threads &&
                    !tocsin__has_work(engine);

        count = tocsin__turn_run(engine, wait ? -1 : 0);
    } while (
        !engine->loop->life.free_wanted &&
        (count > 0 || (count == 0 && (tocsin__has_work(engine) ||
                                      (engine->loop_client && engine->loop_client->threads)))));
    return count < 0 ? count : 0;
}

/* Moves the clock in steps: each step ends at the next time at which a timer is due. So the timers
 * fire in their order. */
int tocsin_clock_move(int64_t ms)
{
    struct tocsin__engine *engine;
    int err = ms < 0 ? -EINVAL : tocsin__engine_make(&engine);
    int64_t end;

    if (err < 0)
        return tocsin__traced(err);
    tocsin__check_jump();
    if (!tocsin__can_turn(engine))
        return tocsin__traced(tocsin__turn_refuse(engine));
    engine->clock_us = tocsin__now(engine);
    engine->clock_stopped = true;
    end = engine->clock_us + tocsin__us_from_ms(ms);
    while ((err = clock_settle(engine)) == 0 && !engine->loop->life.free_wanted &&
           tocsin__timer_next(engine) <= end)
        engine->clock_us = tocsin__timer_next(engine) > engine->clock_us
                               ? tocsin__timer_next(engine)
                               : engine->clock_us;
    engine->clock_us = end;
    tocsin__free_if_wanted();
    return tocsin__traced(err);
}
