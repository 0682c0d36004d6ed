/* The readiness of a descriptor. */
#ifndef TOCSIN_LOOP_WATCH_H
#define TOCSIN_LOOP_WATCH_H

#include <stdbool.h>

struct event;
struct tocsin__engine;

struct tocsin__watch {
    struct tocsin__engine *engine;
    struct event *event;
    int fd;
    short events;                                      /* POLLIN, POLLOUT: what is watched for now */
    bool plugged;                                      /* T8 (engine.c) */
    struct tocsin__watch *next, **link;                /* among those of the engine */
    void (*ready)(struct tocsin__watch *watch, short events);     /* in a callback of libevent: it only records */
};

int  tocsin__watch_open(struct tocsin__engine *engine, struct tocsin__watch *watch, int fd);   /* watches for nothing yet */
int  tocsin__watch_for(struct tocsin__watch *watch, short events);                             /* 0: nothing */
void tocsin__watch_close(struct tocsin__watch *watch);           /* of an inherited loop: it stays, and waits for watch_end */
void tocsin__watch_end(struct tocsin__watch *watch);

#endif
