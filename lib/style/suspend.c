/* sigsuspend: another set of blocked signals until something has run. */
#include <tocsin/mask.h>

#include "core/emit.h"
#include "core/mask.h"
#include "loop/engine.h"
#include "style/fiber.h"

struct suspend {
    struct tocsin__timer timer;
    struct tocsin__fiber *fiber;                       /* NULL: on the loop's own stack */
    bool waits, ran, late;                             /* waits: the fiber is suspended, and not resumed yet */
};

static void wake(struct suspend *suspend)
{
    if (suspend->waits)
        tocsin__fiber_resume(suspend->fiber);
    suspend->waits = false;
}

static void on_run(struct tocsin__loop *loop)
{
    struct suspend *suspend = loop->watcher;

    suspend->ran = true;
    wake(suspend);
}

static void on_timeout(struct tocsin__timer *timer)
{
    struct suspend *suspend = tocsin__container(timer, struct suspend, timer);

    suspend->late = true;
    wake(suspend);
}

static int wait_here(struct tocsin__engine *engine, const struct suspend *suspend)
{
    int err = 0;

    while (err >= 0 && !suspend->ran && !suspend->late && !engine->loop->free_wanted)
        err = tocsin__turn(engine, -1);
    return err < 0 ? err : 0;
}

static int wait_suspended(struct suspend *suspend)
{
    while (!suspend->ran && !suspend->late) {
        if (tocsin__fiber_cancelled(suspend->fiber))
            return -ECANCELED;
        suspend->waits = true;
        tocsin__fiber_suspend(suspend->fiber, NULL);
        suspend->waits = false;
    }
    return 0;
}

static int wait_for(struct tocsin__engine *engine, struct suspend *suspend, int64_t timeout_ms)
{
    int err;

    if (timeout_ms == 0) {
        err = tocsin__may_turn(engine) ? tocsin__turn(engine, 0) : 0;
        return err < 0 ? err : 0;
    }
    if (timeout_ms > 0)
        tocsin__timer_arm(engine, &suspend->timer, tocsin__due_in(engine, timeout_ms));
    err = suspend->fiber ? wait_suspended(suspend) : wait_here(engine, suspend);
    tocsin__timer_disarm(engine, &suspend->timer);
    return err;
}

static int suspend_with(struct tocsin__engine *engine, const char *pattern, int64_t timeout_ms)
{
    struct suspend suspend = { .timer.fire = on_timeout, .fiber = tocsin__fiber_running(engine) };
    struct tocsin__loop *loop = engine->loop;
    int err;

    if (timeout_ms && !suspend.fiber && !tocsin__may_turn(engine))
        return -EDEADLK;
    if (loop->watch)
        return -EBUSY;
    loop->watcher = &suspend;
    loop->watch = on_run;
    loop->unrest = 1;                                  /* so that every delivery looks whether it is watched */
    loop->depth++;                                     /* what is delivered may free the loop: after us */
    err = tocsin__set_swap(loop, pattern);
    loop->depth--;
    if (err == 0) {
        if (!suspend.ran && !loop->free_wanted)
            err = wait_for(engine, &suspend, timeout_ms);
        loop->depth++;
        tocsin__set_back(loop);
        loop->depth--;
    }
    loop->watch = NULL;
    if (loop->free_wanted && err == 0)
        err = -ECANCELED;
    tocsin__tidy_at_rest(loop);
    return err < 0 ? err : suspend.ran ? 0 : -ETIMEDOUT;
}

int tocsin_suspend(const char *pattern, int64_t timeout_ms)
{
    struct tocsin__engine *engine;
    int err = !pattern || timeout_ms < -1 ? -EINVAL : tocsin__engine_make(&engine);

    if (err == 0)
        err = engine->loop->freeing ? -ESHUTDOWN : suspend_with(engine, pattern, timeout_ms);
    tocsin__free_if_wanted();
    return err;
}
