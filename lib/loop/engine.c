/* Makes, opens and closes the engine of a loop. */
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/cancel.h"
#include "os/disposition.h"
#include "base/refusal.h"
#include "loop/after_fork.h"
#include "loop/base.h"
#include "loop/clock.h"
#include "loop/inject.h"
#include "loop/engine.h"
#include "loop/poll_fd.h"
#include "loop/polled.h"
#include "loop/fd/readiness.h"
#include "loop/turn.h"

static void engine_read_fd(int fd)
{
    int cancel = tocsin__cancel_off();
    uint64_t count;

    while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
    tocsin__cancel_back(cancel);
}

void tocsin__engine_read_wake(struct tocsin__engine *engine)
{
    engine_read_fd(engine->wake_fd);
}

void tocsin__engine_read_alarm(struct tocsin__engine *engine)
{
    engine_read_fd(engine->alarm_fd);
    engine->alarm_us = 0;
}

/* A callback of libevent must not call handlers (E16). So the next two callbacks only read from the
 * eventfd or timerfd that woke the loop. If the program itself dispatches the event_base that it
 * gave to tocsin_loop_adopt(), the callbacks also call tocsin__turn_drive, which runs a turn. */
static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct tocsin__engine *engine = arg;

    (void)fd, (void)what;
    if (tocsin__inherited(engine->loop))
        /* The parent process shares this descriptor and needs the wakeup, so the child does not
         * read the descriptor. */
        return;
    tocsin__engine_read_wake(engine);
    tocsin__turn_drive(engine);
}

static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
    struct tocsin__engine *engine = arg;

    (void)fd, (void)what;
    if (tocsin__inherited(engine->loop))
        return;
    tocsin__engine_read_alarm(engine);
    tocsin__turn_drive(engine);
}

static struct event *engine_add_event(struct tocsin__engine *engine, int fd, event_callback_fn fn)
{
    struct event *event = tocsin__fault()
                              ? NULL
                              : event_new(engine->base, fd, EV_READ | EV_PERSIST, fn, engine);

    if (!event || (!tocsin__fault() && event_add(event, NULL) == 0))
        return event;
    event_free(event);
    return NULL;
}

int tocsin__engine_open(struct tocsin__engine *engine)
{
    int err;

    engine->wake_fd = tocsin__fault() ? (errno = EMFILE, -1)
                                      : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (engine->wake_fd >= 0)
        engine->alarm_fd = tocsin__fault()
                               ? (errno = EMFILE, -1)
                               : timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (engine->wake_fd < 0 || engine->alarm_fd < 0)
        return -errno;
    err = engine->base ? 0 : tocsin__base_new(&engine->base);
    if (err < 0)
        return err;
    engine->alarm = engine_add_event(engine, engine->alarm_fd, on_alarm);
    engine->wake = engine_add_event(engine, engine->wake_fd, on_wake);
    return engine->alarm && engine->wake ? 0 : -ENOMEM;
}

static void engine_remove_event(struct event **event)
{
    if (*event)
        event_free(*event);
    *event = NULL;
}

static void engine_close_fd(int *fd)
{
    if (*fd >= 0)
        tocsin__fd_close(*fd);
    *fd = -1;
}

void tocsin__engine_shut(struct tocsin__engine *engine)
{
    tocsin__readiness_free(engine);
    tocsin__poll_fd_free(engine);
    engine_remove_event(&engine->alarm);
    engine_remove_event(&engine->wake);
    engine_close_fd(&engine->wake_fd);
    engine_close_fd(&engine->alarm_fd);
    engine_close_fd(&engine->probe_fd);
    engine->has_stale_fds = false;
    engine->alarm_us = 0;
}

static void engine_close(struct tocsin__engine *engine)
{
    int cancel = tocsin__cancel_off();

    tocsin__engine_shut(engine);
    if (engine->base && !engine->adopted)
        event_base_free(engine->base);
    tocsin__release(engine);
    tocsin__cancel_back(cancel);
}

/* Wakes the loop by its eventfd. Any thread may call this function, which is async-signal-safe. */
static void engine_wake(struct tocsin__inbox *inbox)
{
    const struct tocsin__engine *engine =
        tocsin__container(inbox, struct tocsin__loop, inbox)->engine;
    uint64_t one = 1;
    /* the thread must not be cancelled here, because the caller may have pinned the inbox */
    int was = errno, cancel = tocsin__cancel_off();

    while (write(engine->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
    tocsin__cancel_back(cancel);
    errno = was;
}

static int engine_new(struct tocsin__loop *loop, struct event_base *base)
{
    struct tocsin__engine *engine = tocsin__alloc(sizeof *engine);
    int err;

    if (!engine)
        return -ENOMEM;
    engine->ready_last = &engine->ready;
    engine->delayed_last = &engine->delayed;
    engine->probe_fd = engine->alarm_fd = -1;
    engine->loop = loop;
    engine->base = base;
    engine->adopted = base;
    tocsin__wheel_advance(&engine->timers, tocsin__now(engine));
    err = tocsin__engine_open(engine);
    if (err < 0) {
        engine_close(engine);
        return err;
    }
    loop->engine = engine;
    loop->inbox.wake = engine_wake;
    loop->hooks.delay_message = tocsin__inject_receive;
    loop->hooks.recover = tocsin__turn_recover;
    if (base)
        tocsin__polled_begin(engine);
    tocsin__os_quiet();
    return 0;
}

int tocsin__engine_make(struct tocsin__engine **ret_engine)
{
    struct tocsin__loop *loop;
    int err = tocsin__loop_make(&loop);

    if (err == 0 && !loop->engine)
        err = loop->life.freeing ? -ESHUTDOWN : engine_new(loop, NULL);
    if (err == 0)
        *ret_engine = loop->engine;
    return err;
}

int tocsin_loop_adopt(struct event_base *base)
{
    struct tocsin__loop *loop;
    int err = base ? tocsin__loop_make(&loop) : -EINVAL;

    if (err == 0)
        err = loop->engine ? -EBUSY : loop->life.freeing ? -ESHUTDOWN : engine_new(loop, base);
    return tocsin__traced(err);
}

void tocsin__engine_add_cleanup(struct tocsin__engine *engine, struct tocsin__cleanup *cleanup)
{
    cleanup->next = engine->cleanups;
    engine->cleanups = cleanup;
}

void tocsin__engine_free(struct tocsin__engine *engine)
{
    while (engine->cleanups) {
        struct tocsin__cleanup *cleanup = engine->cleanups;

        engine->cleanups = cleanup->next;
        cleanup->run(cleanup, engine);
    }
    if (tocsin__inherited(engine->loop)) /* true if a function that was called while the loop ended
                                          * has called fork (T8) */
        tocsin__engine_detach(engine);
    tocsin__delayed_drop(
        engine); /* frees the messages that could not be delivered because there was no memory */
    tocsin__inbox_await_wakers(&engine->loop->inbox);
    engine->loop->engine = NULL;
    engine->loop->hooks.kick_pollers = NULL;
    engine->loop->hooks.delay_message = NULL;
    engine->loop->hooks.recover = NULL;
    engine_close(engine);
}
