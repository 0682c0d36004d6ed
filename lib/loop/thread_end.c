/* Closes the loop of a thread that ends without tocsin_loop_free (T6). This runs in a destructor on
 * the ending thread, so the stack of an interrupted handler or fiber no longer exists. */
#include "base/debug_hooks.h"
#include "delivery/handler.h"
#include "delivery/hooks.h"
#include "loop/free.h"

static void thread_end_disconnect(struct tocsin__loop *loop)
{
    for (uint32_t i = 0; i < loop->ids.handlers.made; i++) {
        struct tocsin__handler *handler = tocsin__id_entry(&loop->ids.handlers, i)->object;

        if (handler)
            tocsin__handler_disconnect(loop, handler);
    }
}

static void thread_end_close_loop(struct tocsin__loop *loop)
{
    struct tocsin__engine *engine = loop->engine;
    bool mine = !tocsin__inherited(loop);

    tocsin__frames_drop(loop);
    if (engine) {
        engine->turning = engine->in_dispatch = loop->stack.in_turn = false;
        engine->fiber = NULL;
    }
    if (mine && !loop->life.freeing && tocsin__debug.loop_ended)
        tocsin__debug.loop_ended();
    loop->life.thread_ended = loop->life.freeing = true;
    if (mine && engine && engine->loop_client)
        engine->loop_client->desert(engine->loop_client);
    if (mine)
        thread_end_disconnect(loop);
    tocsin__loop_end(loop);
}

static __attribute__((constructor)) void thread_end_register(void)
{
    tocsin__hooks.thread_ends = thread_end_close_loop;
}
