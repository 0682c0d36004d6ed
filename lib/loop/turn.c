/* Runs the turns of a loop. */
#include <poll.h>
#include <sched.h>

#include <event2/event.h>

#include "base/refusal.h"
#include "delivery/emit.h"
#include "os/rt_overflow.h"
#include "remote/receive.h"
#include "loop/alarm.h"
#include "loop/clock.h"
#include "loop/engine.h"
#include "loop/free.h"
#include "loop/idle.h"
#include "loop/poll_fd.h"
#include "loop/polled.h"
#include "loop/ready.h"
#include "loop/turn.h"

/* Waits when the program is inside its own dispatch of the event base, where libevent must not be
   called a second time. This function polls only the two descriptors of the library itself. So, if
   tocsin_loop_free is called there, it receives the completions of other threads, but serves no
   watch. */
static int turn_poll_own(struct tocsin__engine *engine, bool may_sleep)
{
    struct pollfd own[2] = { { .fd = engine->wake_fd, .events = POLLIN },
                             { .fd = engine->alarm_fd, .events = POLLIN } };

    if (poll(own, 2, may_sleep ? -1 : 0) <= 0)
        return 0;
    if (own[0].revents)
        tocsin__engine_read_wake(engine);
    if (own[1].revents)
        tocsin__engine_read_alarm(engine);
    return 0;
}

/* Makes one pass of libevent. In a callback of an adopted base, libevent refuses the pass and
   prints a warning. This cannot be avoided: event_base_get_running_event dereferences NULL if no
   event runs (2.1.12). */
static int turn_poll(struct tocsin__engine *engine, int flags)
{
    if (engine->in_dispatch)
        return turn_poll_own(engine, !(flags & EVLOOP_NONBLOCK));
    return event_base_loop(engine->base, EVLOOP_ONCE | flags) < 0 ? -EDEADLK : 0;
}

/* Returns true if this pass may wait. If the last turn received a message, more messages are
 * likely. Then a pass without waiting comes first, because it costs less than a wakeup. */
static bool turn_may_sleep(struct tocsin__engine *engine, int64_t timeout_us)
{
    enum { FLOOD = 8 };
    int received = engine->received;

    if (!tocsin__alarm_set(engine, timeout_us))
        return false;
    if (received && !engine->adopted) {
        engine->received = 0;
        if (received >= FLOOD)
            /* a sender may be waiting for this processor; after this call it has sent several
             * messages */
            sched_yield();
        if (turn_poll(engine, EVLOOP_NONBLOCK) < 0 || tocsin__has_work(engine) ||
            !tocsin__alarm_set(engine, timeout_us))
            return false;
    }
    return tocsin__inbox_try_sleep(&engine->loop->inbox);
}

/* Makes one pass of libevent. Descriptors are served before timers. Otherwise, after a stall, a
 * peer that has answered in time would be reported as timed out. */
static int turn_pass(struct tocsin__engine *engine, int64_t timeout_us)
{
    int err = turn_poll(engine, turn_may_sleep(engine, timeout_us) ? 0 : EVLOOP_NONBLOCK);

    tocsin__inbox_set_awake(&engine->loop->inbox);
    return err;
}

int tocsin__turn_run_last(struct tocsin__engine *engine)
{
    return tocsin__receive(engine->loop) + tocsin__ready_run(engine);
}

/* Increments the phase, which the watchdog reads: it is odd while the turn works. */
static void turn_next_phase(struct tocsin__loop *loop)
{
    atomic_store_explicit(&loop->runs.phase, loop->runs.phase + 1, memory_order_relaxed);
}

/* Updates the statistics of the loop by the duration of this turn, during which nothing else was
 * served. */
static void turn_account(struct tocsin__engine *engine)
{
    struct tocsin__loop *loop = engine->loop;

    loop->figures.turns++;
    loop->figures.lag_us = tocsin__now(engine) - loop->turn_us;
    loop->figures.busy_us += loop->figures.lag_us;
    if (loop->figures.lag_us > loop->figures.lag_most_us)
        loop->figures.lag_most_us = loop->figures.lag_us;
    tocsin__idle_turn_end(engine, loop->figures.lag_us);
    turn_next_phase(loop);
}

static void turn_resume_paused(struct tocsin__engine *engine)
{
    if (engine->loop_client && engine->loop_client->resumable(engine->loop_client))
        engine->loop_client->resume(engine->loop_client);
}

int tocsin__turn_refuse(const struct tocsin__engine *engine)
{
    return tocsin__on_stack(engine->loop,
                            engine->fiber && tocsin__at_rest(engine->loop) ? "a fiber: " : NULL);
}

/* Begins a turn. The function is inlined, so that turn_frame is the frame of the caller. */
static inline __attribute__((always_inline)) void turn_begin(struct tocsin__engine *engine)
{
    tocsin__frame_set(engine->turn_frame);
    engine->turning = engine->loop->stack.in_turn = true;
}

/* Ends a turn. A turn begins with no handler, notify or drop on the stack. If one is on the stack
 * now, a jump (longjmp) has left functions of the library. */
static void turn_end(struct tocsin__engine *engine)
{
    struct tocsin__loop *loop = engine->loop;

    if (!tocsin__at_rest(loop) && !tocsin__inherited(loop))
        tocsin__frames_lost(loop);
    engine->turning = loop->stack.in_turn = false;
}

void tocsin__turn_recover(struct tocsin__loop *loop)
{
    struct tocsin__engine *engine = loop->engine;

    if (engine->loop_client && !loop->life.freeing)
        engine->loop_client->recover(engine->loop_client);
}

void tocsin__check_jump_at(struct tocsin__loop *loop, const void *here)
{
    struct tocsin__engine *engine = loop->engine;
    bool fiber = (const char *)here >= loop->stack.fiber_low &&
                 (const char *)here < loop->stack.fiber_high;

    if (loop == &tocsin__no_loop || tocsin__inherited(loop))
        return;
    loop->stack.checked_at = here;
    if (engine && engine->turning && tocsin__frame_left(loop, engine->turn_frame, here)) {
        engine->turning = engine->in_dispatch = loop->stack.in_turn = false;
        engine->idle_clock.now = TOCSIN__IDLE_UNKNOWN;
        if (engine->fiber && engine->fiber_left)
            engine->fiber_left(engine);
        tocsin__frames_lost(loop);
    } else if (!engine || !engine->turning || fiber) {
        tocsin__frames_dropped(loop, here);
    }
}

/* Does the part of a turn that comes after libevent has returned. */
static int turn_serve(struct tocsin__engine *engine)
{
    struct tocsin__loop *loop = engine->loop;
    /* emissions that become pending during this turn have higher numbers, and wait for the next
     * turn (T5) */
    uint64_t before = loop->sequence;
    bool late = loop->pending.next_turn.first;
    int count;

    turn_next_phase(loop);
    loop->turn_us = tocsin__now(engine);
    tocsin__idle_turn_begin(engine);
    count = tocsin__receive(loop);
    engine->received = count;
    /* Paused operations are asked again, because other loops may now have room or new handlers. */
    turn_resume_paused(engine);
    tocsin__timers_fire(engine);
    count += tocsin__ready_run(engine);
    /* Idle limits are checked last, when the turn has read all input that has arrived. */
    count += tocsin__idle_look(engine);
    if (late)
        count += tocsin__flush_late(loop, before);
    turn_account(engine);
    return count;
}

/* Runs a turn in a callback of libevent, so handlers run in this callback. This is the only
   exception to E16. It is safe, because a handler may not run turns in any case. */
void tocsin__turn_drive(struct tocsin__engine *engine)
{
    struct tocsin__loop *loop = engine->loop;

    if (!engine->adopted || !tocsin__can_turn(engine))
        return;
    engine->in_dispatch = true;
    turn_begin(engine);
    tocsin__inbox_set_awake(&loop->inbox);
    tocsin__rt_overflow_turn(loop);
    turn_resume_paused(engine);
    if (!tocsin__inherited(loop))
        turn_serve(engine);
    turn_end(engine);
    tocsin__free_if_wanted();
    if (loop != tocsin__self || loop->engine != engine)
        return; /* a handler has freed the loop */
    engine->in_dispatch = false;
    tocsin__polled_update(engine);
}

int tocsin__turn_run(struct tocsin__engine *engine, int64_t timeout_us)
{
    struct tocsin__loop *loop = engine->loop;
    int count;

    if (tocsin__inherited(loop))
        return -EOWNERDEAD;
    if (!tocsin__can_turn(engine))
        return tocsin__turn_refuse(engine);
    turn_begin(engine);
    tocsin__rt_overflow_turn(loop);
    turn_resume_paused(engine);
    count = tocsin__inherited(loop) ? -EOWNERDEAD : turn_pass(engine, timeout_us);
    if (count == 0 && !tocsin__inherited(loop))
        count = turn_serve(engine);
    turn_end(engine);
    tocsin__polled_update(engine);
    return tocsin__inherited(loop) ? -EOWNERDEAD : count;
}

int tocsin_loop_turn(int64_t timeout_ms)
{
    struct tocsin__engine *engine;
    int err = timeout_ms < -1 ? -EINVAL : tocsin__engine_make(&engine);

    tocsin__check_jump();
    if (err == 0)
        err = tocsin__turn_run(engine, tocsin__us_from_ms(timeout_ms));
    if (err >= 0 || err == -EOWNERDEAD)
        tocsin__free_if_wanted();
    return tocsin__traced(err);
}
