/* Watches descriptors for events, with libevent. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>

#include <event2/event.h>

#include "base/refusal.h"
#include "loop/engine.h"
#include "loop/poll_fd.h"
#include "loop/watch.h"

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct tocsin__watch *watch = arg;

    (void)fd;
    if (tocsin__inherited(watch->engine->loop))
        return;
    watch->ready(watch, (short)((what & EV_READ ? POLLIN : 0) | (what & EV_WRITE ? POLLOUT : 0)));
}

/* The probe is an epoll set that contains every watched descriptor of the loop, for no event. - The
   kernel refuses to add a descriptor that cannot be polled. So the library notices this before
   libevent prints an error. - The kernel removes a descriptor when its file is closed. So a watch
   whose descriptor is not in the set is stale. The descriptor's number may belong to another file
   now, which libevent does not notice. */

static int probe_ctl(const struct tocsin__engine *engine, int op, int fd)
{
    struct epoll_event nothing = { .events = 0 };

    return epoll_ctl(engine->probe_fd, op, fd, &nothing) < 0 ? -errno : 0;
}

static struct tocsin__watch *watch_find(const struct tocsin__engine *engine, int fd,
                                        const struct tocsin__watch *except)
{
    struct tocsin__watch *watch = engine->watches;

    while (watch && (watch->fd != fd || watch == except))
        watch = watch->next;
    return watch;
}

/* Returns the number of files in the probe under this descriptor number. The number is 2 if a
   duplicate keeps a closed file open. */
static int probe_count(const struct tocsin__engine *engine, int fd)
{
    char path[64], line[256];
    int number, count = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", engine->probe_fd);
    file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        count += sscanf(line, "tfd: %d", &number) == 1 && number == fd;
    if (file)
        fclose(file);
    return count;
}

/* Called when `fd` was just added to the probe, so it was not in the probe before. Watches with the
 * same descriptor number are stale: their descriptor was closed. This function ends them. */
static int watch_end_stale(struct tocsin__engine *engine, int fd)
{
    struct tocsin__watch *watch = watch_find(engine, fd, NULL);

    if ((watch || engine->has_stale_fds) && probe_count(engine, fd) > 1) {
        probe_ctl(engine, EPOLL_CTL_DEL, fd);
        engine->has_stale_fds = true;
        return tocsin__because(
            -EBUSY,
            "descriptor %d was closed before its watch was cancelled, and a duplicate of it "
            "is still open, so the kernel still reports it by this number: cancel first",
            fd);
    }
    if (watch)
        tocsin__remark("a watch of descriptor %d has ended: the descriptor was closed before the "
                       "watch was cancelled",
                       fd);
    for (; watch; watch = watch_find(engine, fd, NULL)) {
        watch->stale = true;
        watch->ready(watch, POLLNVAL);
    }
    return 0;
}

static int probe_add(struct tocsin__engine *engine, int fd)
{
    int err;

    if (engine->probe_fd < 0)
        engine->probe_fd = tocsin__fault() ? (errno = EMFILE, -1) : epoll_create1(EPOLL_CLOEXEC);
    if (engine->probe_fd < 0 || tocsin__fault())
        return engine->probe_fd < 0 ? -errno : -ENOMEM;
    err = probe_ctl(engine, EPOLL_CTL_ADD, fd);
    if (err == -EEXIST) /* not an error: another watch has already added the same descriptor */
        return 0;
    return err < 0 ? err : watch_end_stale(engine, fd);
}

/* Removes the descriptor from the probe, if this is its last watch. */
static void probe_remove(struct tocsin__watch *watch)
{
    if (!watch->stale && !watch_find(watch->engine, watch->fd, watch) &&
        probe_ctl(watch->engine, EPOLL_CTL_DEL, watch->fd) < 0)
        /* The descriptor was closed already. If it has a duplicate, its file may still be in the
         * epoll sets. */
        watch->engine->has_stale_fds = true;
}

int tocsin__watch_open(struct tocsin__engine *engine, struct tocsin__watch *watch, int fd)
{
    int err = tocsin__inherited(engine->loop) ? -EOWNERDEAD : probe_add(engine, fd);

    if (err < 0)
        return err;
    watch->engine = engine;
    watch->fd = fd;
    watch->events = 0;
    watch->stale = false;
    watch->event = tocsin__fault() ? NULL
                                   : event_new(engine->base, fd, EV_PERSIST, on_ready, watch);
    if (!watch->event) {
        probe_remove(watch);
        return -ENOMEM;
    }
    watch->next = engine->watches;
    watch->link = &engine->watches;
    if (watch->next)
        watch->next->link = &watch->next;
    engine->watches = watch;
    return 0;
}

/* Sets the events of libevent for this watch. If event_add fails, errno is the error of epoll_ctl;
   errno 0 means that libevent had no memory. */
static int watch_set_event(struct tocsin__watch *watch, short events)
{
    short what = (short)(EV_PERSIST | (events & POLLIN ? EV_READ : 0) |
                         (events & POLLOUT ? EV_WRITE : 0));

    event_del(watch->event);
    if (!events)
        return 0;
    if (watch->stale || tocsin__fault() || probe_ctl(watch->engine, EPOLL_CTL_MOD, watch->fd) < 0)
        /* The descriptor was closed, and its number belongs to another file now. */
        return -EBADF;
    if (event_assign(watch->event, watch->engine->base, watch->fd, what, on_ready, watch) < 0)
        return -EINVAL;
    errno = 0;
    if (!tocsin__fault() && event_add(watch->event, NULL) == 0)
        return 0;
    return errno ? -errno : -ENOMEM;
}

static void watch_note_events(struct tocsin__watch *watch, short events)
{
    tocsin__poll_fd_watch(watch->engine, watch->fd, watch->events, events);
    watch->events = events;
}

int tocsin__watch_for(struct tocsin__watch *watch, short events)
{
    int err = tocsin__inherited(watch->engine->loop) ? -EOWNERDEAD
              : events == watch->events              ? 0
                                                     : watch_set_event(watch, events);

    if (err == 0)
        watch_note_events(watch, events);
    else if (err != -EOWNERDEAD &&
             watch_set_event(watch, watch->events) < 0) /* if this fails, the watch waits again for
                                                         * its former events */
        watch_note_events(watch, 0);
    return err;
}

void tocsin__watch_close(struct tocsin__watch *watch)
{
    if (!watch->event || tocsin__inherited(watch->engine->loop))
        return;
    tocsin__watch_for(watch, 0);
    probe_remove(watch);
    tocsin__watch_end(watch);
}

void tocsin__watch_end(struct tocsin__watch *watch)
{
    if (watch->event)
        event_free(watch->event);
    watch->event = NULL;
    tocsin__assert(*watch->link == watch);
    *watch->link = watch->next;
    if (watch->next)
        watch->next->link = watch->link;
}
