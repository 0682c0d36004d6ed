/* Watches whether a descriptor is readable or writable, by an event of libevent. */
#ifndef TOCSIN_LOOP_WATCH_H
#define TOCSIN_LOOP_WATCH_H

#include <stdbool.h>

struct event;
struct tocsin__engine;

struct tocsin__watch {
    struct tocsin__engine *engine;
    struct event *event; /* NULL: ended */
    int fd;
    short events;         /* POLLIN, POLLOUT: what it waits for now */
    bool has_placeholder; /* after a fork: fd is a placeholder (after_fork.c) */
    bool stale;           /* fd was closed; its number may belong to another file now */
    struct tocsin__watch *next, **link; /* in engine->watches */
    /* Called in a callback of libevent, so it must only record. POLLNVAL: the watch is stale, and
       must be closed. */
    void (*ready)(struct tocsin__watch *watch, short events);
};

/* Begins a watch that waits for nothing yet. -EPERM: fd cannot be polled; -EBADF, -EBUSY, -ENOMEM,
 * -EOWNERDEAD, another -errno. */
int tocsin__watch_open(struct tocsin__engine *engine, struct tocsin__watch *watch, int fd);

/* Changes what the watch waits for; 0: nothing. On failure it still waits for what it did, or for
 * nothing if that fails too. */
int tocsin__watch_for(struct tocsin__watch *watch, short events);

/* Ends the watch; on an inherited loop only tocsin__watch_end does. */
void tocsin__watch_close(struct tocsin__watch *watch);
void tocsin__watch_end(struct tocsin__watch *watch);

#endif
