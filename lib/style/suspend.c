/* tocsin_suspend works like sigsuspend(2): it replaces the mask until a handler or a notify has
 * run. */
#include <tocsin/mask.h>
#include <tocsin/posix.h>

#include "delivery/emit.h"
#include "delivery/pending/mask.h"
#include "base/refusal.h"
#include "loop/turn.h"
#include "loop/clock.h"
#include "loop/free.h"
#include "loop/engine.h"
#include "style/fiber.h"

struct suspend {
    struct tocsin__fiber *fiber; /* the suspended fiber; NULL: the call runs turns */
    bool waits;                  /* the fiber is suspended and was not resumed yet */
    /* why it ends: a handler or a notify has run; the time limit is reached */
    bool ran, late;
};

static void suspend_wake(struct suspend *suspend)
{
    if (suspend->waits)
        tocsin__fiber_resume(suspend->fiber);
    suspend->waits = false;
}

static void on_suspend_run(struct tocsin__loop *loop)
{
    struct suspend *suspend = loop->hooks.watcher;

    suspend->ran = true;
    suspend_wake(suspend);
}

static void on_suspend_timeout(struct tocsin__timer *timer)
{
    struct suspend *suspend =
        tocsin__container(timer, struct tocsin__engine, suspend_timer)->loop->hooks.watcher;

    suspend->late = true;
    suspend_wake(suspend);
}

static int suspend_in_turns(struct tocsin__engine *engine, const struct suspend *suspend)
{
    int err = 0;

    while (err >= 0 && !suspend->ran && !suspend->late && !engine->loop->life.free_wanted)
        err = tocsin__turn_run(engine, -1);
    return err < 0 ? err : 0;
}

static int suspend_on_fiber(struct suspend *suspend)
{
    while (!suspend->ran && !suspend->late) {
        if (tocsin__fiber_is_cancelled(suspend->fiber))
            return -ECANCELED;
        suspend->waits = true;
        tocsin__fiber_suspend(suspend->fiber, NULL);
        suspend->waits = false;
    }
    return 0;
}

static int suspend_wait(struct tocsin__engine *engine, struct suspend *suspend, int64_t timeout_ms)
{
    int err;

    if (timeout_ms == 0) {
        err = tocsin__can_turn(engine) ? tocsin__turn_run(engine, 0) : 0;
        return err < 0 ? err : 0;
    }
    engine->suspend_timer.fire = on_suspend_timeout;
    if (timeout_ms > 0)
        tocsin__timer_arm(engine, &engine->suspend_timer, tocsin__due_in(engine, timeout_ms));
    err = suspend->fiber ? suspend_on_fiber(suspend) : suspend_in_turns(engine, suspend);
    tocsin__timer_disarm(engine, &engine->suspend_timer);
    return err;
}

static int suspend_with(struct tocsin__engine *engine, const char *pattern, int64_t timeout_ms)
{
    struct suspend suspend = { .fiber = tocsin__fiber_running(engine) };
    struct tocsin__loop *loop = engine->loop;
    int err;

    if (timeout_ms && !suspend.fiber && !tocsin__can_turn(engine))
        return tocsin__turn_refuse(engine);
    if (loop->hooks.watch)
        return -EBUSY;
    loop->hooks.watcher = &suspend;
    loop->hooks.watch = on_suspend_run;
    loop->cleanup_pending = 1; /* makes each delivery call loop->hooks.watch at its end */
    /* so that a handler that frees the loop frees it only after this call */
    tocsin__loop_enter(loop);
    err = tocsin__set_swap(loop, pattern);
    tocsin__loop_leave_untidy(loop);
    if (err == 0) {
        if (!suspend.ran && !loop->life.free_wanted)
            err = suspend_wait(engine, &suspend, timeout_ms);
        tocsin__loop_enter(loop);
        tocsin__set_back(loop);
        tocsin__loop_leave_untidy(loop);
    }
    loop->hooks.watch = NULL;
    if (loop->life.free_wanted && err == 0)
        err = -ECANCELED;
    tocsin__tidy_at_rest(loop);
    return err < 0 ? err : suspend.ran ? 0 : -ETIMEDOUT;
}

int tocsin_suspend(const char *pattern, int64_t timeout_ms)
{
    struct tocsin__engine *engine;
    int err = !pattern || timeout_ms < -1 ? -EINVAL : tocsin__engine_make(&engine);

    tocsin__check_jump();
    if (err == 0)
        err = engine->loop->life.freeing ? -ESHUTDOWN : suspend_with(engine, pattern, timeout_ms);
    tocsin__free_if_wanted();
    return tocsin__traced_but(-ETIMEDOUT, err);
}
