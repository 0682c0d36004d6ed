/* Updates the descriptors that another event loop polls for this loop. */
#include "loop/alarm.h"
#include "loop/poll_fd.h"
#include "loop/polled.h"

static void on_stir(struct tocsin__loop *loop)
{
    tocsin__polled_refresh(loop->engine);
}

void tocsin__polled_begin(struct tocsin__engine *engine)
{
    engine->polled = true;
    engine->loop->hooks.kick_pollers = on_stir;
    tocsin__polled_refresh(engine);
}

void tocsin__polled_refresh(struct tocsin__engine *engine)
{
    if (engine->turning || tocsin__inherited(engine->loop))
        return; /* nothing to do during a turn: its end calls this function again */
    tocsin__inbox_try_sleep(&engine->loop->inbox);
    if (engine->adopted)
        tocsin__alarm_set_adopted(engine);
    if (engine->poll_fd)
        tocsin__poll_fd_set_timer(engine);
}
