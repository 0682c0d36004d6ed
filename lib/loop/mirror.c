#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "loop/engine.h"
#include "loop/mirror.h"

struct counts { uint16_t in, out; };                   /* watches of one descriptor */

struct tocsin__mirror {
    int epoll, timer;
    int64_t timer_us;                                  /* what it is set to; INT64_MAX: nothing */
    struct counts *counts;                             /* by descriptor */
    int counts_count;
};

static struct counts *counts_of(struct tocsin__mirror *mirror, int fd)
{
    int count = mirror->counts_count ? mirror->counts_count : 64;
    struct counts *counts;

    if (fd >= mirror->counts_count) {
        while (count <= fd)
            count *= 2;
        counts = tocsin__resize(mirror->counts, (size_t)count * sizeof *counts);
        if (!counts)
            return NULL;
        for (int i = mirror->counts_count; i < count; i++)
            counts[i] = (struct counts){ 0, 0 };
        mirror->counts = counts;
        mirror->counts_count = count;
    }
    return &mirror->counts[fd];
}

static uint32_t wanted(const struct counts *counts)
{
    return (counts->in ? EPOLLIN : 0u) | (counts->out ? EPOLLOUT : 0u);
}

static int epoll_set(struct tocsin__mirror *mirror, int fd, uint32_t was, uint32_t now)
{
    struct epoll_event event = { .events = now, .data.fd = fd };

    if (was == now)
        return 0;
    if (tocsin__fault())
        return -ENOMEM;
    return epoll_ctl(mirror->epoll, !was ? EPOLL_CTL_ADD : !now ? EPOLL_CTL_DEL : EPOLL_CTL_MOD, fd, &event) < 0 ? -errno : 0;
}

static int watch(struct tocsin__mirror *mirror, int fd, short before, short after)
{
    struct counts *counts = counts_of(mirror, fd);
    uint32_t was;

    if (!counts)
        return -ENOMEM;
    was = wanted(counts);
    counts->in = (uint16_t)(counts->in - !!(before & POLLIN) + !!(after & POLLIN));
    counts->out = (uint16_t)(counts->out - !!(before & POLLOUT) + !!(after & POLLOUT));
    return epoll_set(mirror, fd, was, wanted(counts));
}

void tocsin__mirror_watch(struct tocsin__engine *engine, int fd, short before, short after)
{
    /* What cannot be mirrored is still watched by libevent; the foreign loop sees it a little later. */
    if (engine->mirror)
        watch(engine->mirror, fd, before, after);
}

void tocsin__mirror_set(struct tocsin__engine *engine)
{
    struct tocsin__mirror *mirror = engine->mirror;
    struct itimerspec when = { .it_value = { 0, 1 } };
    int64_t due = engine->tenant && engine->tenant->held ? 0 : tocsin__due(engine);

    if (due == mirror->timer_us)
        return;                                        /* nobody reads it: what was due once stays readable */
    if (due == INT64_MAX)
        when.it_value.tv_nsec = 0;                     /* disarms */
    else if (due > 0)
        when.it_value = (struct timespec){ due / 1000000, due % 1000000 * 1000 };
    if (timerfd_settime(mirror->timer, TFD_TIMER_ABSTIME, &when, NULL) == 0)
        mirror->timer_us = due;
}

static int mirror_open(struct tocsin__mirror *mirror)
{
    mirror->timer = -1;
    mirror->epoll = tocsin__fault() ? (errno = EMFILE, -1) : epoll_create1(EPOLL_CLOEXEC);
    if (mirror->epoll >= 0)
        mirror->timer = tocsin__fault() ? (errno = EMFILE, -1) : timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return mirror->timer < 0 ? -errno : watch(mirror, mirror->timer, 0, POLLIN);
}

static void mirror_close(struct tocsin__mirror *mirror)
{
    if (mirror->epoll >= 0)
        close(mirror->epoll);
    if (mirror->timer >= 0)
        close(mirror->timer);
    tocsin__release(mirror->counts);
    tocsin__release(mirror);
}

int tocsin__mirror_fd(struct tocsin__engine *engine)
{
    struct tocsin__mirror *mirror = engine->mirror;
    int err;

    if (mirror)
        return mirror->epoll;
    if (engine->adopted)
        return -ENOTSUP;
    mirror = tocsin__alloc(sizeof *mirror);
    if (!mirror)
        return -ENOMEM;
    mirror->timer_us = INT64_MAX;
    err = mirror_open(mirror);
    if (err == 0)
        err = watch(mirror, engine->wake_fd, 0, POLLIN);
    for (struct tocsin__watch *watched = engine->watches; watched && err == 0; watched = watched->next)
        err = watch(mirror, watched->fd, 0, watched->events);
    if (err < 0) {
        mirror_close(mirror);
        return err;
    }
    engine->mirror = mirror;
    tocsin__polled(engine);
    return mirror->epoll;
}

void tocsin__mirror_free(struct tocsin__engine *engine)
{
    if (engine->mirror)
        mirror_close(engine->mirror);
    engine->mirror = NULL;
}
