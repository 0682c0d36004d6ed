/* The internal struct of a listener of streams, which is the state of an operation.

   The states of a listener. Only listener_set_state (acceptor.c) changes the state:

       MADE ----> LISTENING <---- a descriptor is free ---- SHORT
                    | | '------- no descriptor, no memory ---^ |
                    | '---- as many streams as allowed ---> FULL
                    |  ^-------------- one has ended --------' |
                    v                                          |
                   OVER <--------------------------------------'

   Connections wait in the kernel's backlog while the listener is not LISTENING, or while nobody
   wants its streams. */
#ifndef TOCSIN_IO_ACCEPTOR_H
#define TOCSIN_IO_ACCEPTOR_H

#include <tocsin/listen.h>

#include "io/listen/crowd.h"
#include "io/unix_path.h"
#include "io/stream/stream.h"

enum tocsin__acceptor_state {
    TOCSIN__ACCEPTOR_MADE,
    TOCSIN__ACCEPTOR_LISTENING,
    TOCSIN__ACCEPTOR_SHORT, /* paused until a descriptor or memory is free */
    TOCSIN__ACCEPTOR_FULL,  /* paused until one of its streams ends */
    TOCSIN__ACCEPTOR_OVER
};

struct tocsin__acceptor {
    /* the payload of listener.closed; its counts are always up to date */
    struct tocsin_listener_closed closed;
    struct tocsin__readiness readiness;
    struct tocsin__node node;   /* the listener's entry in the ready list */
    struct tocsin__timer retry; /* used in the state SHORT */
    struct tocsin__settings *settings;
    struct tocsin__crowd *crowd;
    struct tocsin__stream *untold; /* a stream that is accepted but not announced yet; NULL: none */
    struct tocsin_notify notify;   /* the notify of the streams; mode 0: none */
    int64_t wait_us;               /* length of the next pause in SHORT */
    int most, most_per_address;    /* limits of the number of streams; 0: no limit */
    int spare_fd; /* closed when descriptors run out, so that the program can open one; -1: none */
    bool is_woken, is_readable, is_unix;
    uint8_t state;
    struct tocsin__unix_path path; /* path of a Unix socket, removed at the end */
    char *address; /* of a plugin's listener: where it was opened; NULL: not of a plugin */
};

extern tocsin__hidden const struct tocsin__own_type tocsin__acceptor_type;

/* Makes a listener with a reference to the settings. The operation is not started yet. */
int tocsin__acceptor_make(struct tocsin__settings *settings, const struct tocsin_notify *notify,
                          struct tocsin__acceptor **ret_listener);
/* Begins to accept connections from fd. After success, fd belongs to the listener. */
int tocsin__acceptor_begin(struct tocsin__acceptor *listener, int fd);

#endif
