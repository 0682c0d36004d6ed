/* Watches whether a descriptor is readable or writable, by an event of libevent. */
#ifndef TOCSIN_LOOP_WATCH_H
#define TOCSIN_LOOP_WATCH_H

#include <stdbool.h>

struct event;
struct tocsin__engine;

struct tocsin__watch {
    struct tocsin__engine *engine;
    struct event *event; /* the event of libevent; NULL: the watch has ended */
    int fd;
    short events;         /* the set of POLLIN and POLLOUT that the watch waits for now */
    bool has_placeholder; /* after a fork: `fd` is a placeholder (after_fork.c) */
    bool stale;           /* `fd` was closed; another file may have its number now */
    struct tocsin__watch *next, **link; /* links of the list engine->watches */
    /* Called in a callback of libevent, so it must only record the events. The event POLLNVAL means
     * that the watch is stale and must be closed. */
    void (*ready)(struct tocsin__watch *watch, short events);
};

/* Begins a watch that waits for no event yet. Returns 0; -EPERM if `fd` cannot be polled; or
   -EBADF, -EBUSY, -ENOMEM, -EOWNERDEAD, or another -errno. */
int tocsin__watch_open(struct tocsin__engine *engine, struct tocsin__watch *watch, int fd);

/* Changes the events that the watch waits for; 0 means no event. On failure the watch still waits
   for its former events, or for none if this fails, too. */
int tocsin__watch_for(struct tocsin__watch *watch, short events);

/* Both functions end the watch. On an inherited loop, tocsin__watch_close does nothing. */
void tocsin__watch_close(struct tocsin__watch *watch);
void tocsin__watch_end(struct tocsin__watch *watch);

#endif
