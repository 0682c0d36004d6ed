/* A datagram socket from inside: the state of its operation. This file has what every part of it
   needs; socket_serve.c is its life.

   The state, changed by tocsin__socket_set_state alone:

       MADE ---- a host name ----> RESOLVING ---- the names are resolved ----> OPEN
        |                              |  |                                   ^ |
        '---- addresses ---------------|--|-----------------------------------' | close
                                       |  '---- tocsin_datagram_close ----.     |
                                       v                                  v     v
                                      OVER <---- all sent, failed ------- CLOSING
                                       ^
                                       '---- from every state

   In CLOSING the names may still be unresolved: then there is no descriptor yet. */
#ifndef TOCSIN_IO_DATAGRAM_SOCKET_H
#define TOCSIN_IO_DATAGRAM_SOCKET_H

#include <tocsin/datagram.h>

#include "io/address.h"
#include "io/io.h"
#include "io/op_access.h"
#include "loop/fd/readiness.h"

enum tocsin__socket_state {
    TOCSIN__SOCKET_MADE,
    TOCSIN__SOCKET_RESOLVING,
    TOCSIN__SOCKET_OPEN,
    TOCSIN__SOCKET_CLOSING, /* what waits is sent; nothing is received */
    TOCSIN__SOCKET_OVER     /* its end is announced, or about to be */
};

/* Bits of socket->flags. */
enum {
    TOCSIN__SOCKET_WOKEN = 1,         /* the node is on the ready list */
    TOCSIN__SOCKET_READABLE = 2,      /* a datagram may have arrived */
    TOCSIN__SOCKET_WRITABLE = 4,      /* a datagram may be accepted */
    TOCSIN__SOCKET_SHOCKED = 8,       /* the descriptor has reported an error */
    TOCSIN__SOCKET_STALLED = 16,      /* more than high_bytes wait */
    TOCSIN__SOCKET_TELL_STALLED = 32, /* these are to be announced */
    TOCSIN__SOCKET_TELL_DRAINED = 64,
    TOCSIN__SOCKET_RESOLVED = 128, /* the names are resolved: it is to be bound */
    TOCSIN__SOCKET_UNIX = 256,
    TOCSIN__SOCKET_IPV6 = 512,
    TOCSIN__SOCKET_HAS_PEER = 1024,      /* it is connected, or will be */
    TOCSIN__SOCKET_SEGMENTS = 2048,      /* the kernel cuts datagrams (UDP_SEGMENT) */
    TOCSIN__SOCKET_ASKED_SEGMENTS = 4096 /* the kernel was asked whether it does */
};

/* The progress signals, by their index in the type. */
enum tocsin__socket_progress {
    TOCSIN__SOCKET_RECEIVED,
    TOCSIN__SOCKET_LOST,
    TOCSIN__SOCKET_IS_STALLED,
    TOCSIN__SOCKET_IS_DRAINED
};

enum { TOCSIN__PEER_TEXT = 240 }; /* bytes of the text of an address, with its NUL */

struct tocsin__arrival;
struct tocsin__opening;
struct tocsin__socket;
struct tocsin__waiting;

/* What only a socket at work needs: freed when all of it is empty. */
struct tocsin__socket_busy {
    struct tocsin__socket *socket;
    struct tocsin__waiting *waiting, **waiting_last; /* datagrams to be sent, in their order */
    size_t waiting_bytes;
    int64_t stalled_us;           /* since when it is stalled, or for how long it was */
    struct tocsin__arrival *kept; /* received datagrams that were not announced yet; NULL: none */
    struct tocsin__opening *opening;   /* NULL: it is open */
    struct tocsin__timer retry;        /* sending is tried again, without a report of the kernel */
    int64_t retry_us;                  /* how long the next pause is */
    struct tocsin__timer limit;        /* of closing */
    struct tocsin__endpoint lost_peer; /* of the loss that is to be announced */
};

struct tocsin__socket {
    struct tocsin_datagram_closed closed; /* the payload of the end; counts all the time */
    struct tocsin__readiness readiness;
    struct tocsin__node node; /* on the ready list */
    size_t high_bytes, low_bytes, limit_bytes, size;
    struct tocsin__socket_busy *busy; /* NULL: idle */
    struct tocsin__endpoint *peer;    /* the only peer of a Unix socket; NULL */
    char *path;                       /* of a Unix socket, to be removed at the end; NULL */
    uint64_t device, inode;           /* of path */
    uint64_t lost_untold;             /* losses that are to be announced */
    int lost_error;                   /* of the last one */
    int most;
    int failure;    /* it ends with this status when it is served next; 0: none */
    uint16_t flags; /* TOCSIN__SOCKET_WOKEN … */
    uint8_t state;
};

/* The record that a loop has for its datagram sockets. */
struct tocsin__datagrams {
    struct tocsin__cleanup last;
    const struct tocsin_op_type *type;
    struct tocsin__arrival *arrival; /* what the last read has returned; NULL: nothing was read */
};

static inline struct tocsin__op *tocsin__socket_op(const struct tocsin__socket *socket)
{
    return tocsin__op_of_state(socket);
}

static inline struct tocsin__engine *tocsin__socket_engine(const struct tocsin__socket *socket)
{
    return tocsin__op_engine(tocsin__op_of_state(socket));
}

/* NULL: the loop is being freed. */
static inline struct tocsin__datagrams *tocsin__socket_shared(const struct tocsin__socket *socket)
{
    struct tocsin__io *io = tocsin__socket_engine(socket)->io;

    return io ? io->datagrams : NULL;
}

static inline bool tocsin__socket_is(const struct tocsin__socket *socket, unsigned flag)
{
    return socket->flags & flag;
}

static inline void tocsin__socket_mark(struct tocsin__socket *socket, unsigned flags)
{
    socket->flags = (uint16_t)(socket->flags | flags);
}

static inline void tocsin__socket_unmark(struct tocsin__socket *socket, unsigned flags)
{
    socket->flags = (uint16_t)(socket->flags & ~flags);
}

static inline size_t tocsin__socket_waiting(const struct tocsin__socket *socket)
{
    return socket->busy ? socket->busy->waiting_bytes : 0;
}

/* false: a handler has ended the socket, or the process is the child of a fork. */
static inline bool tocsin__socket_is_alive(const struct tocsin__socket *socket)
{
    return !tocsin__inherited(tocsin__socket_engine(socket)->loop) &&
           socket->state != TOCSIN__SOCKET_OVER;
}

/* Finds a datagram socket of this thread's loop. -EINVAL: another operation; else as
   tocsin__op_find. */
int tocsin__socket_find(struct tocsin_op id, struct tocsin__socket **ret_socket);
void tocsin__socket_set_state(struct tocsin__socket *socket, enum tocsin__socket_state state);
/* The socket is served in this turn or the next one. */
void tocsin__socket_wake(struct tocsin__socket *socket);
/* The socket ends with this status when it is served. The first one counts. */
void tocsin__socket_fail(struct tocsin__socket *socket, int status);
/* Makes socket->busy. -ENOMEM */
int tocsin__socket_occupy(struct tocsin__socket *socket);
/* Frees socket->busy if nothing is in it. */
void tocsin__socket_rest(struct tocsin__socket *socket);

#endif
