#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "core/emit.h"
#include "loop/engine.h"
#include "loop/mirror.h"

/* The callbacks of libevent only record (E16): that there was one is all that is to know here. */
static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    uint64_t count;

    (void)what, (void)arg;
    while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
}

static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
    struct tocsin__engine *engine = arg;

    on_wake(fd, what, NULL);
    engine->alarm_us = 0;
}

/* S4: no peer can raise SIGPIPE. A disposition that somebody chose stays. */
static void pipe_ignore(void)
{
    struct sigaction was;

    if (sigaction(SIGPIPE, NULL, &was) == 0 && !(was.sa_flags & SA_SIGINFO) && was.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
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

static int engine_open(struct tocsin__engine *engine, struct event_base *base)
{
    engine->wake_fd = tocsin__fault() ? (errno = EMFILE, -1) : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (engine->wake_fd >= 0)
        engine->alarm_fd = tocsin__fault() ? (errno = EMFILE, -1) : timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (engine->wake_fd < 0 || engine->alarm_fd < 0)
        return -errno;
    engine->adopted = base;
    engine->base = base ? base : base_new();
    if (!engine->base)
        return -ENOMEM;
    engine->alarm = event_made(engine, engine->alarm_fd, on_alarm);
    engine->wake = event_made(engine, engine->wake_fd, on_wake);
    return engine->alarm && engine->wake ? 0 : -ENOMEM;
}

static void engine_close(struct tocsin__engine *engine)
{
    tocsin__mirror_free(engine);
    if (engine->alarm)
        event_free(engine->alarm);
    if (engine->wake)
        event_free(engine->wake);
    if (engine->base && !engine->adopted)
        event_base_free(engine->base);
    if (engine->wake_fd >= 0)
        close(engine->wake_fd);
    if (engine->alarm_fd >= 0)
        close(engine->alarm_fd);
    if (engine->probe_fd >= 0)
        close(engine->probe_fd);
    tocsin__release(engine);
}

static int engine_new(struct tocsin__loop *loop, struct event_base *base)
{
    struct tocsin__engine *engine = tocsin__alloc(sizeof *engine);
    int err;

    if (!engine)
        return -ENOMEM;
    engine->ready_last = &engine->ready;
    engine->probe_fd = engine->alarm_fd = -1;
    err = engine_open(engine, base);
    if (err < 0) {
        engine_close(engine);
        return err;
    }
    engine->loop = loop;
    loop->engine = engine;
    if (base)
        tocsin__polled(engine);
    pipe_ignore();
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
    while (atomic_load_explicit(&engine->loop->posting, memory_order_acquire))
        sched_yield();                                 /* a thread is between its push and its wake-up */
    engine->loop->engine = NULL;
    engine->loop->stir = NULL;
    engine_close(engine);
}

/* What is ready */

/* Publish first, then test the wake edge. The engine may end as soon as the node can be seen, unless posting says that we are here. */
void tocsin__ready_from_thread(struct tocsin__loop *loop, struct tocsin__node *node)
{
    struct tocsin__engine *engine = loop->engine;
    struct tocsin__node *newest;
    uint64_t one = 1;

    atomic_fetch_add_explicit(&loop->posting, 1, memory_order_relaxed);
    newest = atomic_load_explicit(&engine->inbox, memory_order_relaxed);
    do
        node->next = newest;
    while (!atomic_compare_exchange_weak_explicit(&engine->inbox, &newest, node, memory_order_release, memory_order_relaxed));
    if (!newest)
        while (write(engine->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
            ;
    atomic_fetch_sub_explicit(&loop->posting, 1, memory_order_release);
}

static void inbox_take(struct tocsin__engine *engine)
{
    struct tocsin__node *node = NULL, *oldest = NULL, *next;

    if (atomic_load_explicit(&engine->inbox, memory_order_relaxed))
        node = atomic_exchange_explicit(&engine->inbox, NULL, memory_order_acquire);
    for (; node; node = next) {
        next = node->next;
        node->next = oldest;
        oldest = node;
    }
    for (; oldest; oldest = next) {
        next = oldest->next;
        tocsin__ready(engine, oldest);
    }
}

/* A turn */

bool tocsin__busy(const struct tocsin__engine *engine)
{
    return engine->ready || engine->loop->late.first || (engine->tenant && engine->tenant->resumable(engine->tenant));
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
    if (engine->turning)
        return;                                        /* the end of the turn does it */
    if (engine->adopted)
        alarm_keep(engine);
    if (engine->mirror)
        tocsin__mirror_set(engine);
}

/* One pass of libevent: descriptors first, then what is due, so that after a stall nobody is taken for dead unheard. */
static int pass(struct tocsin__engine *engine, int64_t timeout_us)
{
    int flags = alarm_set(engine, timeout_us) ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK;

    /* In a callback of an adopted base libevent refuses, and prints so; it has no safe way to be asked: event_base_get_running_event
       reads through NULL when none runs (2.1.12). */
    return event_base_loop(engine->base, flags) < 0 ? -EDEADLK : 0;
}

/* Does what is ready now; what that makes ready waits for the next turn (T5). */
static int batch(struct tocsin__engine *engine)
{
    struct tocsin__node *node, **end = engine->ready_last;
    const struct tocsin__loop *loop = engine->loop;
    bool last = !engine->ready;
    int count = 0;

    while (!last && !loop->free_wanted) {
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

int tocsin__turn(struct tocsin__engine *engine, int64_t timeout_us)
{
    struct tocsin__loop *loop = engine->loop;
    bool late;
    int count;

    if (!tocsin__may_turn(engine))
        return -EDEADLK;
    engine->turning = true;
    if (engine->tenant && engine->tenant->resumable(engine->tenant))
        engine->tenant->resume(engine->tenant);
    count = pass(engine, timeout_us);
    if (count == 0) {
        loop->turn_us = tocsin__now(engine);
        inbox_take(engine);
        tocsin__timers_fire(engine);
        late = loop->late.first;
        count = batch(engine);
        if (late)
            count += tocsin__flush_late(loop);
    }
    engine->turning = false;
    tocsin__mirror_update(engine);
    return count;
}
