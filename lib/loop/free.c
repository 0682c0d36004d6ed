/* Ends a loop (O7): delivers the pending emissions, cancels the running operations and announces
   their ends, then frees everything. free_wind_up and free_loop show the order of these steps. */
#include <sched.h>

#include "base/debug_hooks.h"
#include "base/refusal.h"
#include "delivery/emit.h"
#include "delivery/handler.h"
#include "delivery/pending/mask.h"
#include "os/disposition.h"
#include "os/rt_overflow.h"
#include "remote/receive.h"
#include "loop/after_fork.h"
#include "loop/alarm.h"
#include "loop/free.h"
#include "loop/inject.h"
#include "loop/run.h"
#include "loop/turn.h"

/* Cancels the operations, and runs turns until they have ended. If `serving` is true, ends the
   background operations; otherwise ends all others. */
static void free_end_operations(struct tocsin__engine *engine, bool serving)
{
    struct tocsin__loop_client *loop_client = engine->loop_client;

    const uint32_t *count = loop_client ? serving ? &loop_client->serving : &loop_client->running
                                        : NULL;

    while (loop_client && *count && !tocsin__inherited(engine->loop)) {
        loop_client->cancel(loop_client, serving);
        if (*count) /* 0 if all remaining operations were not started: these end as soon as they are
                     * cancelled */
            tocsin__turn_run(engine, -1);
    }
}

/* Runs the messages and nodes of the inbox and the ready list, without libevent. */
static void free_settle(struct tocsin__engine *engine)
{
    while (tocsin__turn_run_last(engine) > 0 && !tocsin__inherited(engine->loop))
        ;
}

/* Ends the operations of a thread that has ended (T6), without turns of libevent. On an adopted
 * base, libevent would call the program's functions. If the thread ended inside event_base_loop,
 * libevent refuses another call. Waits for operations that another thread is completing. */
static void free_end_unannounced(struct tocsin__engine *engine, bool serving)
{
    struct tocsin__loop_client *loop_client = engine->loop_client;
    const uint32_t *count = loop_client ? serving ? &loop_client->serving : &loop_client->running
                                        : NULL;

    while (loop_client && *count && !tocsin__inherited(engine->loop)) {
        loop_client->cancel(loop_client, serving);
        free_settle(engine);
        loop_client->finish(loop_client, serving);
        free_settle(engine);
        if (*count)
            sched_yield();
    }
}

/* Counts sources and queues that the program has not freed. Background operations are sources, too,
   but are not counted. */
static int free_count_left(const struct tocsin__loop *loop)
{
    const struct tocsin__loop_client *loop_client = loop->engine ? loop->engine->loop_client : NULL;

    return (int)(loop->ids.sources.live + loop->ids.queues.live -
                 (loop_client ? loop_client->serving : 0));
}

static uint32_t count_running(const struct tocsin__loop *loop)
{
    return loop->engine && loop->engine->loop_client ? loop->engine->loop_client->running : 0;
}

static uint32_t count_kept(const struct tocsin__loop *loop)
{
    return loop->engine && loop->engine->loop_client ? loop->engine->loop_client->kept : 0;
}

/* Counts the fibers whose function has returned. They do not count as objects that were left
 * (O7). */
static uint32_t count_finished(const struct tocsin__loop *loop)
{
    const struct tocsin__loop_client *loop_client = loop->engine ? loop->engine->loop_client : NULL;

    return loop_client ? loop_client->finished(loop_client) : 0;
}

/* Runs the last turns. A result may request the next result (tocsin_then), so turns continue while
   something is ready. Their number is finite, because no operation can start. Other work gets only
   two turns, because a handler that emits its own signal would never end. */
static void free_last_turns(struct tocsin__engine *engine)
{
    int others = 2, err = 0;

    while (err >= 0 && others && tocsin__has_work(engine)) {
        others -= !engine->ready;
        err = tocsin__turn_run(engine, 0);
    }
    engine->had_last_turn = true;
}

/* Delivers pending emissions and ends running operations. Returns the number of objects that the
 * program has not freed: operations that were running or have ended meanwhile, sources, queues and
 * blocks. */
static int free_wind_up(struct tocsin__loop *loop)
{
    uint32_t running = count_running(loop), kept = count_kept(loop);
    struct tocsin__engine *engine = loop->engine;
    int count = (int)loop->ids.blocks.live - (int)count_finished(loop);

    tocsin__os_give_all(loop);
    tocsin__loop_close(loop);
    tocsin__receive_last(loop);
    tocsin__mask_rules_lift(loop);
    tocsin__flush_shut(loop);
    tocsin__flush_late(loop, loop->sequence);
    tocsin__rt_overflow_finish(loop);
    count += free_count_left(loop) + (int)(running - count_running(loop)) -
             (int)(count_kept(loop) - kept);
    if (!engine)
        return count;
    engine->draining = false;
    tocsin__delayed_release(engine);
    if (loop->life.thread_ended) {
        tocsin__run_end(engine);
        free_end_unannounced(engine, false);
        free_end_unannounced(engine, true);
        free_settle(engine);
        return count;
    }
    free_end_operations(engine, false);
    free_end_operations(engine, true);
    free_last_turns(engine);
    return count;
}

static int free_loop(struct tocsin__loop *loop)
{
    bool mine = !tocsin__inherited(loop);
    int count;

    loop->life.freeing = true;
    loop->life.free_wanted = false;
    count = mine ? free_wind_up(loop) : 0;
    if (tocsin__inherited(loop)) { /* checked again, because a handler that was called above may
                                    * have called fork */
        tocsin__loop_detach_parent(loop);
        tocsin__loop_take_over(loop);
        count = 0;
    }
    if (loop->engine) {
        tocsin__loop_unpend(loop);
        tocsin__engine_free(loop->engine);
    }
    tocsin__rt_overflow_finish(loop);
    tocsin__loop_clear(loop);
    /* The list is closed last. So tocsin_disconnect_wait returns only when the handlers no longer
       exist. */
    tocsin__receive_end(loop);
    tocsin__loop_retire(loop);
    return count;
}

/* Reports that the loop ends (tocsin__debug.loop_dies), then calls free_loop. */
static int free_announced(struct tocsin__loop *loop)
{
    if (!tocsin__inherited(loop) && tocsin__debug.loop_dies)
        tocsin__debug.loop_dies();
    return free_loop(loop);
}

void tocsin__loop_end(struct tocsin__loop *loop)
{
    free_loop(loop);
}

/* Returns false if turns cannot be run: in a handler, on a fiber, or in a callback of the program
 * on an adopted base. The last case is only noticed when a turn is tried. */
static bool can_free(struct tocsin__loop *loop)
{
    struct tocsin__engine *engine = loop->engine;

    if (tocsin__inherited(loop))
        return tocsin__loop_can_detach(loop);
    return tocsin__at_rest(loop) &&
           (!engine ||
            (tocsin__can_turn(engine) && !(engine->adopted && tocsin__turn_run(engine, 0) < 0)));
}

void tocsin__free_if_wanted(void)
{
    struct tocsin__loop *loop = tocsin__self;

    if (loop->life.free_wanted && can_free(loop))
        free_announced(loop);
}

static void on_rest(struct tocsin__loop *loop)
{
    (void)loop;
    tocsin__free_if_wanted();
}

int tocsin_loop_free(void)
{
    struct tocsin__loop *loop = tocsin__self;

    if (loop == &tocsin__no_loop || loop->life.freeing)
        return 0;
    tocsin__check_jump();
    if (can_free(loop))
        return free_announced(loop);
    loop->life.free_wanted = true;
    loop->hooks.rest = on_rest;
    loop->cleanup_pending = 1;
    return 0;
}
