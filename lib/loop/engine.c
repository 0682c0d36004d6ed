#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "core/emit.h"
#include "core/os.h"
#include "core/receive.h"
#include "loop/detain.h"
#include "loop/engine.h"
#include "loop/mirror.h"

/* The callbacks of libevent only record (E16): that there was one is all that is to know here. */
static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    uint64_t count;

    const struct tocsin__engine *engine = arg;

    (void)what;
    if (tocsin__inherited(engine->loop))
        return;                                        /* it is for the parent, who shares the descriptor */
    while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
}

static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
    struct tocsin__engine *engine = arg;

    on_wake(fd, what, engine);
    engine->alarm_us = 0;
}

static struct event_base *base_new(void)
{
    struct event_config *config = tocsin__fault() ? NULL : event_config_new();
    struct event_base *base = NULL;

    if (config && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
        base = tocsin__fault() ? NULL : event_base_new_with_config(config);
    if (config)
        event_config_free(config);
    return base;
}

static struct event *event_made(struct tocsin__engine *engine, int fd, event_callback_fn fn)
{
    struct event *event = tocsin__fault() ? NULL : event_new(engine->base, fd, EV_READ | EV_PERSIST, fn, engine);

    if (!event || (!tocsin__fault() && event_add(event, NULL) == 0))
        return event;
    event_free(event);
    return NULL;
}

static int engine_open(struct tocsin__engine *engine)
{
    engine->wake_fd = tocsin__fault() ? (errno = EMFILE, -1) : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (engine->wake_fd >= 0)
        engine->alarm_fd = tocsin__fault() ? (errno = EMFILE, -1) : timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (engine->wake_fd < 0 || engine->alarm_fd < 0)
        return -errno;
    if (!engine->base)
        engine->base = base_new();
    if (!engine->base)
        return -ENOMEM;
    engine->alarm = event_made(engine, engine->alarm_fd, on_alarm);
    engine->wake = event_made(engine, engine->wake_fd, on_wake);
    return engine->alarm && engine->wake ? 0 : -ENOMEM;
}

static void event_end(struct event **event)
{
    if (*event)
        event_free(*event);
    *event = NULL;
}

static void fd_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* All but the base. */
static void engine_shut(struct tocsin__engine *engine)
{
    tocsin__mirror_free(engine);
    event_end(&engine->alarm);
    event_end(&engine->wake);
    fd_end(&engine->wake_fd);
    fd_end(&engine->alarm_fd);
    fd_end(&engine->probe_fd);
    engine->alarm_us = 0;
}

static void engine_close(struct tocsin__engine *engine)
{
    engine_shut(engine);
    if (engine->base && !engine->adopted)
        event_base_free(engine->base);
    tocsin__release(engine);
}

/* Any thread, also in a real signal handler. */
static void wake(struct tocsin__inbox *inbox)
{
    const struct tocsin__engine *engine = tocsin__container(inbox, struct tocsin__loop, inbox)->engine;
    uint64_t one = 1;
    int was = errno;

    while (write(engine->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
    errno = was;
}

static int engine_new(struct tocsin__loop *loop, struct event_base *base)
{
    struct tocsin__engine *engine = tocsin__alloc(sizeof *engine);
    int err;

    if (!engine)
        return -ENOMEM;
    engine->ready_last = &engine->ready;
    engine->detained_last = &engine->detained;
    engine->probe_fd = engine->alarm_fd = -1;
    engine->loop = loop;
    engine->base = base;
    engine->adopted = base;
    err = engine_open(engine);
    if (err < 0) {
        engine_close(engine);
        return err;
    }
    loop->engine = engine;
    loop->inbox.wake = wake;
    loop->detains = tocsin__detains;
    if (base)
        tocsin__polled(engine);
    tocsin__os_pipe();
    return 0;
}

int tocsin__engine_make(struct tocsin__engine **ret_engine)
{
    struct tocsin__loop *loop;
    int err = tocsin__loop_make(&loop);

    if (err == 0 && !loop->engine)
        err = loop->freeing ? -ESHUTDOWN : engine_new(loop, NULL);
    if (err == 0)
        *ret_engine = loop->engine;
    return err;
}

int tocsin_adopt(struct event_base *base)
{
    struct tocsin__loop *loop;
    int err = base ? tocsin__loop_make(&loop) : -EINVAL;

    if (err == 0)
        err = loop->engine ? -EBUSY : loop->freeing ? -ESHUTDOWN : engine_new(loop, base);
    return err;
}

void tocsin__engine_last(struct tocsin__engine *engine, struct tocsin__last *last)
{
    last->next = engine->lasts;
    engine->lasts = last;
}

void tocsin__engine_free(struct tocsin__engine *engine)
{
    while (engine->lasts) {
        struct tocsin__last *last = engine->lasts;

        engine->lasts = last->next;
        last->run(last, engine);
    }
    if (tocsin__inherited(engine->loop))               /* who ended it has forked just now (T8) */
        tocsin__engine_part(engine);
    tocsin__detained_drop(engine);                     /* what there has been no memory to deliver */
    tocsin__inbox_quiet(&engine->loop->inbox);
    engine->loop->engine = NULL;
    engine->loop->stir = NULL;
    engine->loop->detains = NULL;
    engine_close(engine);
}

/* A turn */

bool tocsin__busy(const struct tocsin__engine *engine)
{
    return engine->ready || engine->loop->late.first || tocsin__inbox_holds(&engine->loop->inbox) || tocsin__os_ebbs(engine->loop) ||
           (engine->tenant && engine->tenant->resumable(engine->tenant));
}

/* When the next thing is due, in real time; a clock that stands brings nothing on. */
int64_t tocsin__due(const struct tocsin__engine *engine)
{
    int64_t next = tocsin__timer_next(engine);

    if (tocsin__busy(engine) || (engine->stopped && next <= engine->stopped_us))
        return 0;
    return engine->stopped ? INT64_MAX : next;
}

/* A descriptor of our own, since libevent 2.1 rings by a clock of 4 ms, or else asks the kernel in every pass. The alarm is only moved forward:
   if it rings too early, the turn looks again. */
static bool alarm_at(struct tocsin__engine *engine, int64_t due)
{
    struct itimerspec when = { .it_value = { due / 1000000, due % 1000000 * 1000 } };

    if (engine->alarm_us && engine->alarm_us <= due)
        return true;
    if (tocsin__fault() || timerfd_settime(engine->alarm_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
        return false;                                  /* look again at once, rather than never */
    engine->alarm_us = due;
    return true;
}

/* Whether libevent may wait, with the alarm set for what is due. */
static bool alarm_set(struct tocsin__engine *engine, int64_t timeout_us)
{
    int64_t now, due = tocsin__due(engine);

    if (due == 0 || timeout_us == 0)
        return false;
    now = tocsin__now(NULL);
    if (timeout_us > 0 && timeout_us < due - now)
        due = now + timeout_us;
    return due > now && (due == INT64_MAX || alarm_at(engine, due));
}

/* With an adopted base, the program may wait in a dispatch of its own: the alarm stands for all that the next turn has to do. */
static void alarm_keep(struct tocsin__engine *engine)
{
    int64_t due = tocsin__due(engine);

    if (due < INT64_MAX)
        alarm_at(engine, due ? due : 1);
}

static void stir(struct tocsin__loop *loop)
{
    tocsin__polled_update(loop->engine);
}

void tocsin__polled(struct tocsin__engine *engine)
{
    engine->polled = true;
    engine->loop->stir = stir;
    tocsin__polled_update(engine);
}

void tocsin__polled_update(struct tocsin__engine *engine)
{
    if (engine->turning || tocsin__inherited(engine->loop))
        return;                                        /* the end of the turn does it */
    tocsin__inbox_sleeps(&engine->loop->inbox);
    if (engine->adopted)
        alarm_keep(engine);
    if (engine->mirror)
        tocsin__mirror_set(engine);
}

/* In a callback of an adopted base libevent refuses, and prints so; it has no safe way to be asked: event_base_get_running_event
   reads through NULL when none runs (2.1.12). */
static int look(struct tocsin__engine *engine, int flags)
{
    return event_base_loop(engine->base, EVLOOP_ONCE | flags) < 0 ? -EDEADLK : 0;
}

/* Whether it may sleep. Where something has come in just now, more is likely on its way: a look without waiting costs less than to be woken. */
static bool sleeps(struct tocsin__engine *engine, int64_t timeout_us)
{
    enum { FLOOD = 8 };
    int received = engine->received;

    if (!alarm_set(engine, timeout_us))
        return false;
    if (received && !engine->adopted) {
        engine->received = 0;
        if (received >= FLOOD)
            sched_yield();                             /* who sends may have our processor: it goes on, instead of being preempted at each one */
        if (look(engine, EVLOOP_NONBLOCK) < 0 || tocsin__busy(engine) || !alarm_set(engine, timeout_us))
            return false;
    }
    return tocsin__inbox_sleeps(&engine->loop->inbox);
}

/* One pass of libevent: descriptors first, then what is due, so that after a stall nobody is taken for dead unheard. */
static int pass(struct tocsin__engine *engine, int64_t timeout_us)
{
    int err = look(engine, sleeps(engine, timeout_us) ? 0 : EVLOOP_NONBLOCK);

    tocsin__inbox_wakes(&engine->loop->inbox);
    return err;
}

/* Does what is ready now; what that makes ready waits for the next turn (T5). */
static int batch(struct tocsin__engine *engine)
{
    struct tocsin__node *node, **end = engine->ready_last;
    const struct tocsin__loop *loop = engine->loop;
    bool last = !engine->ready;
    int count = 0;

    while (!last && !loop->free_wanted && !tocsin__inherited(loop)) {
        node = engine->ready;
        last = &node->next == end;
        engine->ready = node->next;
        if (!engine->ready)
            engine->ready_last = &engine->ready;
        node->run(node);
        count++;
    }
    return count;
}

/* T8 */

/* What the base watches is told to its new set, and libevent prints what that refuses: what has been closed since the fork stands open meanwhile. */
static bool plug(int fd, int by)
{
    return by >= 0 && fd >= 0 && fcntl(fd, F_GETFD) < 0 && dup2(by, fd) == fd;
}

/* It closes the set that it shares with the parent first, so nothing is taken out of that. */
static void base_part(struct tocsin__engine *engine)
{
    int by = eventfd(0, EFD_CLOEXEC);

    plug(engine->wake_fd, by);
    plug(engine->alarm_fd, by);
    for (struct tocsin__watch *watch = engine->watches; watch; watch = watch->next)
        watch->plugged = plug(watch->fd, by);
    event_reinit(engine->base);
    while (engine->watches) {
        struct tocsin__watch *watch = engine->watches;

        tocsin__watch_end(watch);
        if (watch->plugged)
            close(watch->fd);
    }
    if (by >= 0)
        close(by);
}

void tocsin__engine_part(struct tocsin__engine *engine)
{
    while (engine->timers.heap.first)
        tocsin__heap_remove(engine->timers.heap.first);
    base_part(engine);
    engine_shut(engine);
    engine->loop->stir = NULL;
    engine->polled = engine->turning = false;
    engine->received = 0;
    engine->draining = engine->drain_begun = engine->drain_over = false;
    if (engine->tenant)
        engine->tenant->forget(engine->tenant);
    tocsin__detained_drop(engine);
    engine->ready = NULL;
    engine->ready_last = &engine->ready;
}

int tocsin__engine_reopen(struct tocsin__engine *engine)
{
    int err = engine_open(engine);

    if (err < 0)
        engine_shut(engine);
    return err;
}

/* It begins to work, or has worked: the watchdog counts. */
static void phase_next(struct tocsin__loop *loop)
{
    atomic_store_explicit(&loop->phase, loop->phase + 1, memory_order_relaxed);
}

/* How long the loop could serve nothing else. */
static void worked(struct tocsin__engine *engine)
{
    struct tocsin__loop *loop = engine->loop;

    loop->turns++;
    loop->lag_us = tocsin__now(engine) - loop->turn_us;
    loop->busy_us += loop->lag_us;
    if (loop->lag_us > loop->lag_most_us)
        loop->lag_most_us = loop->lag_us;
    phase_next(loop);
}

/* What paused is asked again, if it may be wanted now. */
static void resume(struct tocsin__engine *engine)
{
    if (engine->tenant && engine->tenant->resumable(engine->tenant))
        engine->tenant->resume(engine->tenant);
}

int tocsin__turn(struct tocsin__engine *engine, int64_t timeout_us)
{
    struct tocsin__loop *loop = engine->loop;
    bool late;
    int count;

    if (tocsin__inherited(loop))
        return -EOWNERDEAD;
    if (!tocsin__may_turn(engine))
        return -EDEADLK;
    engine->turning = true;
    tocsin__os_turn(loop);
    resume(engine);
    count = tocsin__inherited(loop) ? -EOWNERDEAD : pass(engine, timeout_us);
    if (count == 0 && !tocsin__inherited(loop)) {
        phase_next(loop);
        loop->turn_us = tocsin__now(engine);
        late = loop->late.first;                       /* before: what is posted now may pend for the next turn */
        count = tocsin__receive(loop);
        engine->received = count;
        resume(engine);                                /* other loops may have made room, or begun to listen */
        tocsin__timers_fire(engine);
        count += batch(engine);
        if (late)
            count += tocsin__flush_late(loop);
        worked(engine);
    }
    engine->turning = false;
    tocsin__mirror_update(engine);
    return tocsin__inherited(loop) ? -EOWNERDEAD : count;
}
