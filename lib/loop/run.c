/* Runs a loop until it is stopped, drained or freed (O7). */
#include "base/refusal.h"
#include "os/disposition.h"
#include "loop/drain.h"
#include "loop/free.h"
#include "loop/run.h"
#include "loop/turn.h"

int tocsin_stop(int status)
{
    struct tocsin__loop *loop = tocsin__self;

    if (loop == &tocsin__no_loop || tocsin__inherited(loop))
        return tocsin__traced(loop == &tocsin__no_loop ? -ENODEV : -EOWNERDEAD);
    loop->life.stop_wanted = true;
    loop->life.stop_status = status;
    return 0;
}

static int run_turns(struct tocsin__engine *engine)
{
    struct tocsin__loop *loop = engine->loop;
    int err = 0;

    while (err >= 0 && !loop->life.stop_wanted && !loop->life.free_wanted) {
        if (engine->draining)
            tocsin__drain_step(engine);
        if (tocsin__drain_is_done(engine))
            return tocsin__drain_end(engine);
        err = tocsin__turn_run(engine, -1);
    }
    if (err < 0 || !loop->life.stop_wanted)
        return err < 0 ? err : 0;
    loop->life.stop_wanted = false;
    return loop->life.stop_status;
}

void tocsin__run_end(struct tocsin__engine *engine)
{
    tocsin__os_give_stop_signals(engine->os_taken);
    engine->os_taken = 0;
}

int tocsin_run(void)
{
    struct tocsin__engine *engine;
    int status = tocsin__engine_make(&engine);

    tocsin__check_jump();
    if (status == 0 && !tocsin__can_turn(engine))
        status = tocsin__turn_refuse(engine);
    if (tocsin__traced(status) == 0) {
        engine->os_taken = tocsin__os_take_stop_signals(engine->loop);
        status = run_turns(engine);
        tocsin__run_end(engine);
    }
    tocsin__free_if_wanted();
    return status;
}
