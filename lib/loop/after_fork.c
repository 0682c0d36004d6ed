/* Detaches a loop from the parent in the child of a fork (T8), and makes the loop usable again.
 * delivery/loop.c has the steps that run during the fork itself. */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/refusal.h"
#include "delivery/emit.h"
#include "delivery/pending/mask.h"
#include "os/disposition.h"
#include "os/rt_overflow.h"
#include "remote/receive.h"
#include "loop/after_fork.h"
#include "loop/base.h"
#include "loop/inject.h"
#include "loop/polled.h"
#include "loop/fd/readiness.h"
#include "loop/turn.h"

/* event_reinit adds the descriptors of all events to the new epoll set, and prints an error for
   each closed descriptor. So if `fd` was closed, this function opens a placeholder with the same
   number, until event_reinit has returned. The placeholder is a duplicate of the descriptor *by.
   Returns true if a placeholder was opened. */
static bool fork_put_placeholder(int fd, int *by)
{
    if (fd < 0 || fcntl(fd, F_GETFD) >= 0)
        return false;
    if (*by < 0)
        *by = eventfd(0, EFD_CLOEXEC);
    return *by >= 0 && (*by == fd || dup2(*by, fd) == fd);
}

/* Called after event_reinit has failed. Then neither the base nor its events can be freed, so they
   are leaked. */
static void fork_leak_base(struct tocsin__engine *engine)
{
    for (struct tocsin__watch *watch = engine->watches; watch; watch = watch->next)
        watch->event = NULL;
    engine->alarm = engine->wake = NULL;
    if (!engine->adopted)
        engine->base = NULL;
}

static void fork_put_placeholders(struct tocsin__engine *engine, int *by)
{
    struct tocsin__ready_set *set = engine->ready_set;

    fork_put_placeholder(engine->wake_fd, by);
    fork_put_placeholder(engine->alarm_fd, by);
    for (struct tocsin__watch *watch = engine->watches; watch; watch = watch->next)
        watch->has_placeholder = fork_put_placeholder(watch->fd, by);
    if (set)
        fork_put_placeholder(set->parked_fd, by);
    for (struct tocsin__ready_event *lent = set ? set->used : NULL; lent; lent = lent->next)
        lent->has_placeholder = fork_put_placeholder(lent->user->fd, by);
}

/* Gives up the descriptors of the readiness. If the child has closed a descriptor of the library,
 * its number belongs to a placeholder. Then the placeholder is closed, and the descriptor is marked
 * as closed. */
static void fork_detach_readiness(struct tocsin__engine *engine, int *by, bool is_leaked)
{
    struct tocsin__ready_set *set = engine->ready_set;

    for (struct tocsin__ready_event *lent = set ? set->used : NULL; lent; lent = lent->next)
        if (lent->has_placeholder) {
            if (lent->user->fd != *by)
                tocsin__fd_close(lent->user->fd);
            lent->user->place = TOCSIN__PLACE_CLOSED;
        }
    if (set && set->parked_fd == *by)
        *by = -1;
    tocsin__readiness_detach(engine, is_leaked);
}

/* Calls event_reinit, which first closes the epoll set that the child shares with the parent. So no
   descriptor is removed from the parent's set. */
static void fork_detach_base(struct tocsin__engine *engine)
{
    bool is_leaked = false;
    int by = -1;

    fork_put_placeholders(engine, &by);
    if (engine->base && tocsin__base_renew(engine->base) < 0) {
        fork_leak_base(engine);
        is_leaked = true;
    }
    fork_detach_readiness(engine, &by, is_leaked);
    while (engine->watches) {
        struct tocsin__watch *watch = engine->watches;

        tocsin__watch_end(watch);
        if (watch->has_placeholder && watch->fd != by)
            tocsin__fd_close(watch->fd);
    }
    if (by >= 0 && by != engine->wake_fd && by != engine->alarm_fd)
        tocsin__fd_close(by);
}

void tocsin__engine_detach(struct tocsin__engine *engine)
{
    tocsin__wheel_clear(&engine->timers);
    fork_detach_base(engine);
    tocsin__engine_shut(engine);
    engine->loop->hooks.kick_pollers = NULL;
    engine->polled = engine->turning = engine->in_dispatch = engine->loop->stack.in_turn = false;
    engine->received = 0;
    engine->idle_clock.now = TOCSIN__IDLE_UNKNOWN;
    engine->draining = engine->drain_begun = engine->drain_expired = false;
    if (engine->loop_client)
        engine->loop_client->forget(engine->loop_client);
    tocsin__delayed_drop(engine);
    engine->ready = NULL;
    engine->ready_last = &engine->ready;
}

bool tocsin__loop_can_detach(const struct tocsin__loop *loop)
{
    return loop->engine ? tocsin__can_turn(loop->engine) : tocsin__at_rest(loop);
}

void tocsin__loop_detach_parent(struct tocsin__loop *loop)
{
    /* The functions below call destructors. If one of these asks to free the loop, the loop is
       freed only when this function leaves the loop. */
    tocsin__loop_enter(loop);
    tocsin__rt_overflow_drop(loop);
    /* Before the operations are dropped, their completions must be dropped, which may be in the
     * inbox. */
    tocsin__receive_drop(loop);
    tocsin__loop_unpend(loop);
    if (loop->engine)
        tocsin__engine_detach(loop->engine);
    loop->hooks.watch = NULL; /* no function waits in tocsin_suspend in the child of a fork */
    if (loop->masks.suspended)
        tocsin__set_back(loop);
    loop->life.stop_wanted = false;
    tocsin__loop_leave(loop);
}

/* Checks that event_reinit will find enough free descriptors. Only a base of the program needs
   this, because the library cannot replace such a base. */
static int fork_check_fds(const struct tocsin__loop *loop)
{
    return loop->engine && loop->engine->adopted ? tocsin__base_check_fds() : 0;
}

static int fork_reopen_engine(struct tocsin__engine *engine)
{
    int err = tocsin__engine_open(engine);

    if (err < 0)
        tocsin__engine_shut(engine);
    return err;
}

int tocsin_after_fork(void)
{
    struct tocsin__loop *loop = tocsin__self;
    int err;

    if (!tocsin__inherited(loop))
        return 0;
    if (!tocsin__loop_can_detach(loop))
        return tocsin__traced(-EDEADLK);
    err = fork_check_fds(loop);
    if (err < 0)
        return tocsin__traced(err);
    tocsin__loop_detach_parent(loop);
    if (tocsin__self != loop)
        return 0;
    err = loop->engine ? fork_reopen_engine(loop->engine) : 0;
    if (err < 0)
        return tocsin__traced(err);
    tocsin__loop_take_over(loop);
    tocsin__loop_revive(loop);
    tocsin__os_retake(loop);
    if (loop->engine && loop->engine->adopted)
        tocsin__polled_begin(loop->engine);
    return 0;
}
