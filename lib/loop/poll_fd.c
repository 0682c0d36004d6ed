/* The second epoll set of a loop, and the timer in this set. */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/refusal.h"
#include "loop/alarm.h"
#include "loop/poll_fd.h"
#include "loop/polled.h"
#include "loop/fd/readiness.h"

/* The number of watches of one descriptor that wait for POLLIN, and for POLLOUT. */
struct counts {
    uint16_t in, out;
};

struct tocsin__poll_fd {
    int epoll, timer;
    int64_t timer_us;      /* time at which the timer expires; INT64_MAX: the timer is not set */
    struct counts *counts; /* the counts of all descriptors; the index is the descriptor */
    int counts_count;
};

static struct counts *poll_fd_counts(struct tocsin__poll_fd *poll_fd, int fd)
{
    int count = poll_fd->counts_count ? poll_fd->counts_count : 64;
    struct counts *counts;

    if (fd >= poll_fd->counts_count) {
        while (count <= fd)
            count *= 2;
        counts = tocsin__resize(poll_fd->counts, (size_t)count * sizeof *counts);
        if (!counts)
            return NULL;
        for (int i = poll_fd->counts_count; i < count; i++)
            counts[i] = (struct counts){ 0, 0 };
        poll_fd->counts = counts;
        poll_fd->counts_count = count;
    }
    return &poll_fd->counts[fd];
}

static uint32_t counts_to_epoll(const struct counts *counts)
{
    return (counts->in ? EPOLLIN : 0u) | (counts->out ? EPOLLOUT : 0u);
}

static int poll_fd_set_events(struct tocsin__poll_fd *poll_fd, int fd, uint32_t was, uint32_t now)
{
    struct epoll_event event = { .events = now, .data.fd = fd };

    if (was == now)
        return 0;
    if (tocsin__fault())
        return -ENOMEM;
    return epoll_ctl(poll_fd->epoll,
                     !was   ? EPOLL_CTL_ADD
                     : !now ? EPOLL_CTL_DEL
                            : EPOLL_CTL_MOD,
                     fd, &event) < 0
               ? -errno
               : 0;
}

static int poll_fd_set_watch(struct tocsin__poll_fd *poll_fd, int fd, short before, short after)
{
    struct counts *counts = poll_fd_counts(poll_fd, fd);
    uint32_t was;

    if (!counts)
        return -ENOMEM;
    was = counts_to_epoll(counts);
    counts->in = (uint16_t)(counts->in - !!(before & POLLIN) + !!(after & POLLIN));
    counts->out = (uint16_t)(counts->out - !!(before & POLLOUT) + !!(after & POLLOUT));
    return poll_fd_set_events(poll_fd, fd, was, counts_to_epoll(counts));
}

void tocsin__poll_fd_watch(struct tocsin__engine *engine, int fd, short before, short after)
{
    /* If this fails, libevent still watches `fd`. Then the other event loop sees the event later,
     * when the timer expires. */
    if (engine->poll_fd)
        poll_fd_set_watch(engine->poll_fd, fd, before, after);
}

void tocsin__poll_fd_set_timer(struct tocsin__engine *engine)
{
    struct tocsin__poll_fd *poll_fd = engine->poll_fd;
    struct itimerspec when = { .it_value = { 0, 1 } };
    int64_t due = engine->loop_client && engine->loop_client->polled_entries
                      ? 0
                      : tocsin__next_due_us(engine);

    if (due == poll_fd->timer_us)
        return; /* an expired timer is not read, so it stays readable */
    if (due == INT64_MAX)
        when.it_value.tv_nsec = 0; /* the value 0 disarms the timer */
    else if (due > 0)
        when.it_value = (struct timespec){ due / 1000000, due % 1000000 * 1000 };
    if (timerfd_settime(poll_fd->timer, TFD_TIMER_ABSTIME, &when, NULL) == 0)
        poll_fd->timer_us = due;
}

static int poll_fd_open(struct tocsin__poll_fd *poll_fd)
{
    poll_fd->timer = -1;
    poll_fd->epoll = tocsin__fault() ? (errno = EMFILE, -1) : epoll_create1(EPOLL_CLOEXEC);
    if (poll_fd->epoll >= 0)
        poll_fd->timer = tocsin__fault()
                             ? (errno = EMFILE, -1)
                             : timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return poll_fd->timer < 0 ? -errno : poll_fd_set_watch(poll_fd, poll_fd->timer, 0, POLLIN);
}

static void poll_fd_close(struct tocsin__poll_fd *poll_fd)
{
    if (poll_fd->epoll >= 0)
        tocsin__fd_close(poll_fd->epoll);
    if (poll_fd->timer >= 0)
        tocsin__fd_close(poll_fd->timer);
    tocsin__release(poll_fd->counts);
    tocsin__release(poll_fd);
}

/* Adds everything that the loop watches. */
static int poll_fd_add_all(struct tocsin__engine *engine, struct tocsin__poll_fd *poll_fd)
{
    struct tocsin__ready_set *set = engine->ready_set;
    int err = poll_fd_set_watch(poll_fd, engine->wake_fd, 0, POLLIN);

    for (struct tocsin__watch *watched = engine->watches; watched && err == 0;
         watched = watched->next)
        err = poll_fd_set_watch(poll_fd, watched->fd, 0, watched->events);
    if (set && err == 0)
        err = poll_fd_set_watch(poll_fd, set->parked_fd, 0, POLLIN);
    for (struct tocsin__ready_event *lent = set ? set->used : NULL; lent && err == 0;
         lent = lent->next)
        err = poll_fd_set_watch(poll_fd, lent->user->fd, 0, tocsin__ready_poll_bits(lent->user));
    return err;
}

int tocsin__poll_fd_get(struct tocsin__engine *engine)
{
    struct tocsin__poll_fd *poll_fd = engine->poll_fd;
    int err;

    if (poll_fd)
        return poll_fd->epoll;
    if (engine->adopted)
        return -ENOTSUP;
    poll_fd = tocsin__alloc(sizeof *poll_fd);
    if (!poll_fd)
        return -ENOMEM;
    poll_fd->timer_us = INT64_MAX;
    err = poll_fd_open(poll_fd);
    if (err == 0)
        err = poll_fd_add_all(engine, poll_fd);
    if (err < 0) {
        poll_fd_close(poll_fd);
        return err;
    }
    engine->poll_fd = poll_fd;
    tocsin__polled_begin(engine);
    return poll_fd->epoll;
}

int tocsin_loop_fd(void)
{
    struct tocsin__engine *engine;
    int err = tocsin__engine_make(&engine);

    return tocsin__traced(err < 0 ? err : tocsin__poll_fd_get(engine));
}

void tocsin__poll_fd_free(struct tocsin__engine *engine)
{
    if (engine->poll_fd)
        poll_fd_close(engine->poll_fd);
    engine->poll_fd = NULL;
}
