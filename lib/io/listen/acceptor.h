/* A listener from inside: the state of its operation.

   The state, changed by listener_set_state (acceptor.c) alone:

       MADE ----> LISTENING <---- a descriptor is free ---- SHORT
                    | | '------- no descriptor, no memory ---^ |
                    | '---- as many streams as allowed ---> FULL
                    |  ^-------------- one has ended --------' |
                    v                                          |
                   OVER <--------------------------------------'

   While it is not LISTENING, or its streams are not wanted, the kernel's backlog waits. */
#ifndef TOCSIN_IO_ACCEPTOR_H
#define TOCSIN_IO_ACCEPTOR_H

#include <tocsin/listen.h>

#include "io/listen/crowd.h"
#include "io/stream/stream.h"

enum tocsin__acceptor_state {
    TOCSIN__ACCEPTOR_MADE,
    TOCSIN__ACCEPTOR_LISTENING,
    TOCSIN__ACCEPTOR_SHORT, /* paused until a descriptor or memory is free */
    TOCSIN__ACCEPTOR_FULL,  /* paused until one of its streams ends */
    TOCSIN__ACCEPTOR_OVER
};

struct tocsin__acceptor {
    struct tocsin_listener_closed closed; /* the payload of the end; counts all the time */
    struct tocsin__readiness readiness;
    struct tocsin__node node;   /* on the ready list */
    struct tocsin__timer retry; /* in SHORT */
    struct tocsin__settings *settings;
    struct tocsin__crowd *crowd;
    struct tocsin__stream *untold; /* accepted, and not announced yet, since there was no room */
    struct tocsin_notify notify;   /* of its streams; mode 0: none */
    int64_t wait_us;               /* how long it pauses next, in SHORT */
    int most, most_per_address;    /* streams at a time; 0: no limit */
    int spare_fd; /* closed when descriptors run out, so that the program has one; -1 */
    bool is_woken, is_readable, is_unix;
    uint8_t state;
    char *path; /* of a Unix socket, to be removed at the end; NULL */
    uint64_t device, inode;
};

extern tocsin__hidden const struct tocsin__own_type tocsin__acceptor_type;

/* Makes the operation, not started yet, with a reference to the settings. */
int tocsin__acceptor_make(struct tocsin__settings *settings, const struct tocsin_notify *notify,
                          struct tocsin__acceptor **ret_listener);
/* Begins to accept on fd, which belongs to the listener if this succeeds. */
int tocsin__acceptor_begin(struct tocsin__acceptor *listener, int fd);

#endif
