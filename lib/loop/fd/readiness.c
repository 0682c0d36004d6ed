/* Keeps idle descriptors in an epoll set of the loop. An active descriptor gets an event of
 * libevent. */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

#include <event2/event.h>

#include "base/cancel.h"
#include "loop/clock.h"
#include "loop/engine.h"
#include "loop/poll_fd.h"
#include "loop/fd/readiness.h"

enum {
    TAKEN_AT_ONCE = 64, /* the most parked descriptors that one pass reports, so that other events
                         * are served too */
    UNUSED_MOST = 64,   /* the most unused events that a loop keeps */
    SWEEP_US = 1000000
};

/* Changes the wanted events of a descriptor, also in the epoll set that stands for the whole loop
 * (poll_fd.c). */
static void set_wanted(struct tocsin__engine *engine, struct tocsin__readiness *readiness,
                       unsigned wanted)
{
    short before = tocsin__ready_poll_bits(readiness);

    readiness->wanted = (uint8_t)wanted;
    tocsin__poll_fd_watch(engine, readiness->fd, before, tocsin__ready_poll_bits(readiness));
}

/* Active descriptors */

static void on_active(evutil_socket_t fd, short what, void *arg)
{
    struct tocsin__ready_event *lent = arg;

    (void)fd;
    if (tocsin__inherited(lent->engine->loop))
        return;
    lent->user->was_ready = true;
    lent->report(lent->user, (what & EV_READ ? TOCSIN__READY_IN : 0u) |
                                 (what & EV_WRITE ? TOCSIN__READY_OUT : 0u));
}

static void event_link(struct tocsin__ready_event **list, struct tocsin__ready_event *lent)
{
    lent->next = *list;
    lent->link = list;
    if (lent->next)
        lent->next->link = &lent->next;
    *list = lent;
}

static void event_unlink(struct tocsin__ready_event *lent)
{
    *lent->link = lent->next;
    if (lent->next)
        lent->next->link = lent->link;
}

static struct tocsin__ready_event *event_borrow(struct tocsin__engine *engine)
{
    struct tocsin__ready_set *set = engine->ready_set;
    struct tocsin__ready_event *lent = set->unused;

    if (lent) {
        event_unlink(lent);
        set->unused_count--;
        return lent;
    }
    lent = tocsin__alloc(sizeof *lent);
    if (lent)
        lent->event = tocsin__fault() ? NULL : event_new(engine->base, -1, 0, on_active, lent);
    if (!lent || !lent->event) {
        tocsin__release(lent);
        return NULL;
    }
    lent->engine = engine;
    return lent;
}

static void event_give_back(struct tocsin__ready_event *lent)
{
    struct tocsin__ready_set *set = lent->engine->ready_set;

    lent->user = NULL;
    if (set->unused_count < UNUSED_MOST) {
        event_link(&set->unused, lent);
        set->unused_count++;
        return;
    }
    event_free(lent->event);
    tocsin__release(lent);
}

/* Returns 0 or an error. errno is 0 if libevent had no memory. */
static int event_set(struct tocsin__ready_event *lent, int fd, unsigned wanted)
{
    short what = (short)(EV_PERSIST | (wanted & TOCSIN__READY_IN ? EV_READ : 0) |
                         (wanted & TOCSIN__READY_OUT ? EV_WRITE : 0));

    event_del(lent->event);
    if (event_assign(lent->event, lent->engine->base, fd, what, on_active, lent) < 0)
        return -EINVAL;
    errno = 0;
    if (!tocsin__fault() && event_add(lent->event, NULL) == 0)
        return 0;
    return errno ? -errno : -ENOMEM;
}

static void sweep_arm(struct tocsin__engine *engine)
{
    struct tocsin__ready_set *set = engine->ready_set;

    if (!tocsin__timer_armed(&set->sweep))
        tocsin__timer_arm(engine, &set->sweep, tocsin__now(engine) + SWEEP_US);
}

/* Parked descriptors */

static int parked_ctl(const struct tocsin__engine *engine, int op,
                      struct tocsin__readiness *readiness, unsigned wanted)
{
    struct epoll_event event = { .events = (wanted & TOCSIN__READY_BROKEN ? 0u : EPOLLRDHUP) |
                                           (wanted & TOCSIN__READY_IN ? EPOLLIN : 0u) |
                                           (wanted & TOCSIN__READY_OUT ? EPOLLOUT : 0u),
                                 .data.ptr = readiness };

    if (op != EPOLL_CTL_DEL && tocsin__fault())
        return -ENOSPC;
    return epoll_ctl(engine->ready_set->parked_fd, op, readiness->fd, &event) < 0 ? -errno : 0;
}

static unsigned parked_what(uint32_t events)
{
    return (events & EPOLLIN ? TOCSIN__READY_IN : 0u) |
           (events & EPOLLOUT ? TOCSIN__READY_OUT : 0u) |
           (events & (EPOLLRDHUP | EPOLLHUP) ? TOCSIN__READY_LEFT : 0u) |
           (events & (EPOLLERR | EPOLLHUP) ? TOCSIN__READY_BROKEN : 0u);
}

/* A descriptor that is ready once in a while stays parked: moving it to libevent and back would
   cost four system calls and the memory of an event. */
static void parked_note(const struct tocsin__engine *engine, struct tocsin__readiness *readiness)
{
    uint8_t second = (uint8_t)(engine->loop->turn_us / SWEEP_US);

    readiness->is_busy = readiness->was_ready && (uint8_t)(second - readiness->second) <= 1;
    readiness->was_ready = true;
    readiness->second = second;
}

static void on_parked(evutil_socket_t fd, short what, void *arg)
{
    struct tocsin__engine *engine = arg;
    struct epoll_event events[TAKEN_AT_ONCE];
    int count;

    (void)what;
    if (tocsin__inherited(engine->loop))
        return;
    count = epoll_wait(fd, events, TAKEN_AT_ONCE, 0);
    for (int i = 0; i < count; i++) {
        struct tocsin__readiness *readiness = events[i].data.ptr;

        parked_note(engine, readiness);
        readiness->report(readiness, parked_what(events[i].events));
    }
}

/* Moving */

static int park(struct tocsin__engine *engine, struct tocsin__readiness *readiness, unsigned wanted)
{
    int err = parked_ctl(engine, EPOLL_CTL_ADD, readiness, wanted);

    if (err < 0)
        return err;
    readiness->place = TOCSIN__PLACE_PARKED;
    readiness->wanted = (uint8_t)wanted;
    readiness->was_ready = readiness->is_busy = false;
    return 0;
}

static void leave_active(struct tocsin__readiness *readiness)
{
    struct tocsin__ready_event *lent = readiness->event;

    set_wanted(lent->engine, readiness, 0);
    event_del(lent->event);
    event_unlink(lent);
    readiness->report = lent->report;
    event_give_back(lent);
    readiness->place = TOCSIN__PLACE_MUTED;
}

void tocsin__readiness_mute(struct tocsin__engine *engine, struct tocsin__readiness *readiness)
{
    if (readiness->place == TOCSIN__PLACE_ACTIVE)
        leave_active(readiness);
    else if (readiness->place == TOCSIN__PLACE_PARKED)
        parked_ctl(engine, EPOLL_CTL_DEL, readiness, 0);
    else
        return;
    readiness->place = TOCSIN__PLACE_MUTED;
    readiness->wanted = 0;
}

static int change_active(struct tocsin__readiness *readiness, unsigned wanted)
{
    struct tocsin__ready_event *lent = readiness->event;
    int err = event_set(lent, readiness->fd, wanted);

    if (err < 0)
        return err;
    set_wanted(lent->engine, readiness, wanted);
    return 0;
}

/* Moves a descriptor from the epoll set to libevent. If there is no memory for an event, the
 * descriptor stays in the epoll set. */
static int activate(struct tocsin__engine *engine, struct tocsin__readiness *readiness,
                    unsigned wanted)
{
    struct tocsin__ready_event *lent = event_borrow(engine);

    if (!lent)
        return -ENOMEM;
    if (event_set(lent, readiness->fd, wanted) < 0) {
        event_give_back(lent);
        return -ENOMEM;
    }
    parked_ctl(engine, EPOLL_CTL_DEL, readiness, 0);
    lent->user = readiness;
    lent->report = readiness->report;
    event_link(&engine->ready_set->used, lent);
    readiness->event = lent;
    readiness->place = TOCSIN__PLACE_ACTIVE;
    readiness->wanted = 0;
    set_wanted(engine, readiness, wanted);
    sweep_arm(engine);
    return 0;
}

static int change_parked(struct tocsin__engine *engine, struct tocsin__readiness *readiness,
                         unsigned wanted)
{
    int err = readiness->wanted == wanted ? 0
                                          : parked_ctl(engine, EPOLL_CTL_MOD, readiness, wanted);

    if (err == 0)
        readiness->wanted = (uint8_t)wanted;
    return err;
}

/* libevent cannot watch a descriptor for which only LEFT and BROKEN are wanted: its EV_CLOSED
 * does not report errors, and would be reported again and again. So such a descriptor is always
 * parked. */
int tocsin__readiness_want(struct tocsin__engine *engine, struct tocsin__readiness *readiness,
                           unsigned wanted)
{
    bool is_lendable = wanted & (TOCSIN__READY_IN | TOCSIN__READY_OUT);
    int err = 0;

    switch ((enum tocsin__ready_place)readiness->place) {
    case TOCSIN__PLACE_CLOSED:
    case TOCSIN__PLACE_ALWAYS: return 0;
    case TOCSIN__PLACE_MUTED: err = park(engine, readiness, wanted); break;
    case TOCSIN__PLACE_PARKED:
        if (!is_lendable || !readiness->is_busy || activate(engine, readiness, wanted) < 0)
            err = change_parked(engine, readiness, wanted);
        break;
    case TOCSIN__PLACE_ACTIVE:
        if (wanted == readiness->wanted)
            return 0;
        if (is_lendable && change_active(readiness, wanted) == 0)
            return 0;
        leave_active(readiness);
        err = park(engine, readiness, wanted);
        break;
    }
    if (err < 0)
        tocsin__readiness_mute(engine, readiness);
    return err;
}

/* Parks the active descriptors that were not ready since the last call. */
static void on_sweep(struct tocsin__timer *timer)
{
    struct tocsin__ready_set *set = tocsin__container(timer, struct tocsin__ready_set, sweep);
    struct tocsin__engine *engine = set->engine;

    for (struct tocsin__ready_event *lent = set->used, *next; lent; lent = next) {
        struct tocsin__readiness *readiness = lent->user;
        unsigned wanted = readiness->wanted;

        next = lent->next;
        if (!readiness->was_ready) {
            /* leave_active removes only this entry from the list */
            leave_active(readiness);
            if (park(engine, readiness, wanted) < 0)
                activate(engine, readiness, wanted);
        }
        readiness->was_ready = false;
    }
    if (set->used)
        sweep_arm(engine);
}

/* Opening and closing */

static int set_open(struct tocsin__engine *engine, struct tocsin__ready_set *set)
{
    set->engine = engine;
    set->sweep.fire = on_sweep;
    set->parked_fd = tocsin__fault() ? (errno = EMFILE, -1) : epoll_create1(EPOLL_CLOEXEC);
    if (set->parked_fd < 0)
        return -errno;
    set->parked = tocsin__fault() ? NULL
                                  : event_new(engine->base, set->parked_fd, EV_READ | EV_PERSIST,
                                              on_parked, engine);
    if (set->parked && !tocsin__fault() && event_add(set->parked, NULL) == 0)
        return 0;
    if (set->parked)
        event_free(set->parked);
    tocsin__fd_close(set->parked_fd);
    return -ENOMEM;
}

static int set_make(struct tocsin__engine *engine)
{
    struct tocsin__ready_set *set;
    int err;

    if (engine->ready_set)
        return 0;
    set = tocsin__alloc(sizeof *set);
    err = set ? set_open(engine, set) : -ENOMEM;
    if (err < 0) {
        tocsin__release(set);
        return err;
    }
    engine->ready_set = set;
    tocsin__poll_fd_watch(engine, set->parked_fd, 0, POLLIN);
    return 0;
}

int tocsin__readiness_open_muted(struct tocsin__engine *engine, struct tocsin__readiness *readiness,
                                 int fd)
{
    readiness->fd = fd;
    readiness->place = TOCSIN__PLACE_MUTED;
    return tocsin__inherited(engine->loop) ? -EOWNERDEAD : set_make(engine);
}

int tocsin__readiness_open(struct tocsin__engine *engine, struct tocsin__readiness *readiness,
                           int fd)
{
    int err = tocsin__readiness_open_muted(engine, readiness, fd);

    if (err == 0)
        err = park(engine, readiness, 0);
    if (err == -EPERM) { /* epoll refuses the descriptor: it is a regular file, a folder or
                          * /dev/null */
        readiness->place = TOCSIN__PLACE_ALWAYS;
        return 0;
    }
    return err;
}

int tocsin__readiness_release(struct tocsin__engine *engine, struct tocsin__readiness *readiness)
{
    int fd = readiness->fd;

    if (!tocsin__inherited(engine->loop))
        tocsin__readiness_mute(engine, readiness);
    readiness->place = TOCSIN__PLACE_CLOSED;
    readiness->fd = -1;
    return fd;
}

void tocsin__readiness_close(struct tocsin__engine *engine, struct tocsin__readiness *readiness)
{
    if (readiness->place != TOCSIN__PLACE_CLOSED)
        tocsin__fd_close(tocsin__readiness_release(engine, readiness));
}

static void events_free(struct tocsin__ready_event *lent, bool is_leaked)
{
    while (lent) {
        struct tocsin__ready_event *next = lent->next;

        if (lent->user) {
            lent->user->report = lent->report;
            lent->user->place = TOCSIN__PLACE_MUTED;
        }
        if (!is_leaked)
            event_free(lent->event);
        tocsin__release(lent);
        lent = next;
    }
}

/* May run in the child of a fork: the child closes its descriptor of the epoll set, which does not
   change the set for the parent. */
static void set_free(struct tocsin__ready_set *set, bool is_leaked)
{
    events_free(set->used, is_leaked);
    events_free(set->unused, is_leaked);
    if (!is_leaked)
        event_free(set->parked);
    tocsin__fd_close(set->parked_fd);
    tocsin__release(set);
}

void tocsin__readiness_detach(struct tocsin__engine *engine, bool base_is_leaked)
{
    if (engine->ready_set)
        set_free(engine->ready_set, base_is_leaked);
    engine->ready_set = NULL;
}

void tocsin__readiness_free(struct tocsin__engine *engine)
{
    if (!engine->ready_set)
        return;
    tocsin__timer_disarm(engine, &engine->ready_set->sweep);
    tocsin__poll_fd_watch(engine, engine->ready_set->parked_fd, POLLIN, 0);
    tocsin__readiness_detach(engine, false);
}
