/* The readiness of descriptors that the library owns: streams, listeners, datagram sockets. Unlike
   a descriptor of a watch, an idle descriptor here needs no memory in libevent.

   A descriptor is at one place at a time. tocsin__readiness_want moves it to another place.

         tocsin__readiness_open
               |          '--- the kernel cannot poll it ---> ALWAYS (a file, /dev/null)
               v
            PARKED ---- it was ready twice, and more is wanted -> ACTIVE
             ^  ^                                                  |
             |  '------- quiet for a second, or unwanted ----------'
       wanted|
             v
           MUTED   nothing is reported

   PARKED: the descriptor is in an epoll set of the loop, which is itself one event of libevent.
   When it becomes ready, one more epoll_wait is needed. ACTIVE: the descriptor has borrowed an
   event of libevent, which needs memory. */
#ifndef TOCSIN_LOOP_FD_READINESS_H
#define TOCSIN_LOOP_FD_READINESS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "loop/timer.h"

struct event;
struct tocsin__engine;

/* Events that are wanted or reported. */
enum {
    TOCSIN__READY_IN = 1,  /* the descriptor can be read */
    TOCSIN__READY_OUT = 2, /* the descriptor can be written */
    /* only reported: the peer has ended its side; there may still be unread data */
    TOCSIN__READY_LEFT = 4,
    /* if reported: an error, or both sides have ended; if wanted: LEFT must not be reported, since
       the peer's end is known */
    TOCSIN__READY_BROKEN = 8
};

enum tocsin__ready_place {
    TOCSIN__PLACE_CLOSED,
    TOCSIN__PLACE_ALWAYS,
    TOCSIN__PLACE_MUTED,
    TOCSIN__PLACE_PARKED,
    TOCSIN__PLACE_ACTIVE
};

struct tocsin__readiness {
    int fd;
    uint8_t place; /* enum tocsin__ready_place */
    /* set of TOCSIN__READY_IN and TOCSIN__READY_OUT; 0: only LEFT and BROKEN are reported */
    uint8_t wanted;
    /* an event was reported since the descriptor was parked, or since the last sweep */
    bool was_ready : 1;
    bool is_busy : 1; /* PARKED: it was reported twice within about a second */
    uint8_t second;   /* PARKED: time of the last report, in seconds, modulo 256 */
    union {
        /* Used if not ACTIVE: reports events. Called in a callback of libevent, so it must only
           record them (E16). */
        void (*report)(struct tocsin__readiness *readiness, unsigned what);
        struct tocsin__ready_event *event; /* ACTIVE: the borrowed event, which has the function */
    };
};

/* An event of libevent. Active descriptors borrow it, one after the other. */
struct tocsin__ready_event {
    struct event *event;
    struct tocsin__engine *engine;
    struct tocsin__readiness *user; /* the descriptor that borrows the event; NULL: none */
    void (*report)(struct tocsin__readiness *readiness, unsigned what); /* of the user */
    bool has_placeholder; /* after a fork: fd of the user is a placeholder (after_fork.c) */
    struct tocsin__ready_event *next, **link; /* links in the list of used or of free events */
};

/* The descriptors of one loop whose readiness is managed here. */
struct tocsin__ready_set {
    int parked_fd;        /* the epoll set of the parked descriptors */
    struct event *parked; /* the event of libevent for parked_fd */
    struct tocsin__ready_event *used, *unused;
    uint32_t unused_count;
    struct tocsin__engine *engine;
    struct tocsin__timer sweep; /* a timer, armed while there are active descriptors */
};

/* Begins to manage the descriptor fd, which is not watched for any event yet. Also after an error,
 * fd belongs to the readiness. -EMFILE, -ENOMEM, -ENOSPC, -EBADF, -EOWNERDEAD */
int tocsin__readiness_open(struct tocsin__engine *engine, struct tocsin__readiness *readiness,
                           int fd);
/* As tocsin__readiness_open, but the descriptor is muted: the kernel does not watch it before
   tocsin__readiness_want is called. The kernel must be able to poll the descriptor. */
int tocsin__readiness_open_muted(struct tocsin__engine *engine, struct tocsin__readiness *readiness,
                                 int fd);
/* Sets the events that are wanted. They are reported repeatedly while the descriptor is ready.
   TOCSIN__READY_LEFT and TOCSIN__READY_BROKEN are always reported. -ENOMEM, -ENOSPC: it is
   muted. */
int tocsin__readiness_want(struct tocsin__engine *engine, struct tocsin__readiness *readiness,
                           unsigned wanted);
/* Stops all reports until tocsin__readiness_want is called. */
void tocsin__readiness_mute(struct tocsin__engine *engine, struct tocsin__readiness *readiness);
/* Closes the descriptor. Does nothing if it is closed already. */
void tocsin__readiness_close(struct tocsin__engine *engine, struct tocsin__readiness *readiness);
/* Stops managing the descriptor, without closing it. */
int tocsin__readiness_release(struct tocsin__engine *engine, struct tocsin__readiness *readiness);

static inline bool tocsin__readiness_is_always(const struct tocsin__readiness *readiness)
{
    return readiness->place == TOCSIN__PLACE_ALWAYS;
}

static inline short tocsin__ready_poll_bits(const struct tocsin__readiness *readiness)
{
    return (short)((readiness->wanted & TOCSIN__READY_IN ? POLLIN : 0) |
                   (readiness->wanted & TOCSIN__READY_OUT ? POLLOUT : 0));
}

/* In the child of a fork (T8), closes the child's descriptors of the parent's epoll sets. Called
 * after libevent's base was made again or leaked. */
void tocsin__readiness_detach(struct tocsin__engine *engine, bool base_is_leaked);
/* Frees the data that the loop has for readiness. All descriptors must have been closed or
 * released. */
void tocsin__readiness_free(struct tocsin__engine *engine);

#endif
