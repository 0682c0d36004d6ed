#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>

#include <event2/event.h>

#include "loop/engine.h"
#include "loop/mirror.h"
#include "loop/watch.h"

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct tocsin__watch *watch = arg;

    (void)fd;
    if (tocsin__inherited(watch->engine->loop))
        return;
    watch->ready(watch, (short)((what & EV_READ ? POLLIN : 0) | (what & EV_WRITE ? POLLOUT : 0)));
}

/* Whether the kernel can poll it. libevent prints what it is refused, so it is asked for nothing that can be refused. */
static int probe(struct tocsin__engine *engine, int fd)
{
    struct epoll_event nothing = { .events = 0 };

    if (engine->probe_fd < 0)
        engine->probe_fd = tocsin__fault() ? (errno = EMFILE, -1) : epoll_create1(EPOLL_CLOEXEC);
    if (engine->probe_fd < 0 || tocsin__fault())
        return engine->probe_fd < 0 ? -errno : -ENOMEM;
    if (epoll_ctl(engine->probe_fd, EPOLL_CTL_ADD, fd, &nothing) < 0)
        return -errno;
    epoll_ctl(engine->probe_fd, EPOLL_CTL_DEL, fd, &nothing);
    return 0;
}

int tocsin__watch_open(struct tocsin__engine *engine, struct tocsin__watch *watch, int fd)
{
    int err = tocsin__inherited(engine->loop) ? -EOWNERDEAD : probe(engine, fd);

    if (err < 0)
        return err;
    watch->engine = engine;
    watch->fd = fd;
    watch->events = 0;
    watch->event = tocsin__fault() ? NULL : event_new(engine->base, fd, EV_PERSIST, on_ready, watch);
    if (!watch->event)
        return -ENOMEM;
    watch->next = engine->watches;
    watch->link = &engine->watches;
    if (watch->next)
        watch->next->link = &watch->next;
    engine->watches = watch;
    return 0;
}

/* libevent does not say why it could not add a descriptor, but errno is epoll's. */
static int event_for(struct tocsin__watch *watch, short events)
{
    short what = (short)(EV_PERSIST | (events & POLLIN ? EV_READ : 0) | (events & POLLOUT ? EV_WRITE : 0));

    event_del(watch->event);
    if (!events)
        return 0;
    if (tocsin__fault() || fcntl(watch->fd, F_GETFD) < 0)      /* closed meanwhile */
        return -EBADF;
    if (event_assign(watch->event, watch->engine->base, watch->fd, what, on_ready, watch) < 0)
        return -EINVAL;
    errno = 0;
    if (!tocsin__fault() && event_add(watch->event, NULL) == 0)
        return 0;
    return errno ? -errno : -ENOMEM;
}

static void watched_for(struct tocsin__watch *watch, short events)
{
    tocsin__mirror_watch(watch->engine, watch->fd, watch->events, events);
    watch->events = events;
}

int tocsin__watch_for(struct tocsin__watch *watch, short events)
{
    int err = tocsin__inherited(watch->engine->loop) ? -EOWNERDEAD : events == watch->events ? 0 : event_for(watch, events);

    if (err == 0)
        watched_for(watch, events);
    else if (err != -EOWNERDEAD && event_for(watch, watch->events) < 0)      /* nor what it was */
        watched_for(watch, 0);
    return err;
}

void tocsin__watch_close(struct tocsin__watch *watch)
{
    if (!watch->event || tocsin__inherited(watch->engine->loop))
        return;
    tocsin__watch_for(watch, 0);
    tocsin__watch_end(watch);
}

void tocsin__watch_end(struct tocsin__watch *watch)
{
    event_free(watch->event);
    watch->event = NULL;
    *watch->link = watch->next;
    if (watch->next)
        watch->next->link = watch->link;
}
