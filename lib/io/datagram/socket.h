/* The internal struct of a datagram socket, which is the state of an operation. Every file of this
   folder uses it. socket_serve.c does the work of a socket on each turn.

   The states of a socket. Only tocsin__socket_set_state changes the state:

       MADE ---- a host name ----> RESOLVING ---- the names are resolved ----> OPEN
        |                              |  |                                   ^ |
        '---- addresses ---------------|--|-----------------------------------' | close
                                       |  '---- tocsin_datagram_close ----.     |
                                       v                                  v     v
                                      OVER <---- all sent, failed ------- CLOSING
                                       ^
                                       '---- from every state

   In CLOSING the host names may still be unresolved, and there may be no descriptor yet. */
#ifndef TOCSIN_IO_DATAGRAM_SOCKET_H
#define TOCSIN_IO_DATAGRAM_SOCKET_H

#include <tocsin/datagram.h>

#include "io/address.h"
#include "io/unix_path.h"
#include "io/io.h"
#include "io/op_access.h"
#include "loop/fd/readiness.h"

enum tocsin__socket_state {
    TOCSIN__SOCKET_MADE,
    TOCSIN__SOCKET_RESOLVING,
    TOCSIN__SOCKET_OPEN,
    TOCSIN__SOCKET_CLOSING, /* queued datagrams are sent; nothing is received */
    TOCSIN__SOCKET_OVER     /* the end of the socket has been announced, or will be at once */
};

/* Bits of socket->flags. */
enum {
    TOCSIN__SOCKET_WOKEN = 1,         /* the node is on the ready list */
    TOCSIN__SOCKET_READABLE = 2,      /* a datagram may have arrived */
    TOCSIN__SOCKET_WRITABLE = 4,      /* the kernel may accept a datagram */
    TOCSIN__SOCKET_SHOCKED = 8,       /* the descriptor has reported an error */
    TOCSIN__SOCKET_STALLED = 16,      /* more than high_bytes are queued */
    TOCSIN__SOCKET_TELL_STALLED = 32, /* datagram.stalled must be announced */
    TOCSIN__SOCKET_TELL_DRAINED = 64,
    TOCSIN__SOCKET_RESOLVED = 128, /* the host names are resolved, and the socket must be bound */
    TOCSIN__SOCKET_UNIX = 256,
    TOCSIN__SOCKET_IPV6 = 512,
    TOCSIN__SOCKET_HAS_PEER = 1024,      /* the socket is connected to one peer, or will be */
    TOCSIN__SOCKET_SEGMENTS = 2048,      /* the kernel can cut data into datagrams (UDP_SEGMENT) */
    TOCSIN__SOCKET_ASKED_SEGMENTS = 4096 /* the kernel was asked whether it can cut */
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

/* The members that a socket needs only while it works. The struct is freed when all its members are
   empty. */
struct tocsin__socket_busy {
    struct tocsin__socket *socket;
    struct tocsin__waiting *waiting, **waiting_last; /* the queue of datagrams to send */
    size_t waiting_bytes;
    /* time when the socket became stalled; afterwards the length of the stall */
    int64_t stalled_us;
    struct tocsin__arrival *kept;    /* received datagrams that are not announced yet; NULL: none */
    struct tocsin__opening *opening; /* NULL: the socket is not being opened */
    /* timer of a pause, after which sending is tried again */
    struct tocsin__timer retry;
    int64_t retry_us;                  /* length of the last pause */
    struct tocsin__timer limit;        /* time limit of closing */
    struct tocsin__endpoint lost_peer; /* peer of the last loss that must be announced */
};

struct tocsin__socket {
    /* the payload of datagram.closed; its counts are always up to date */
    struct tocsin_datagram_closed closed;
    struct tocsin__readiness readiness;
    struct tocsin__node node; /* the socket's entry in the ready list */
    size_t high_bytes, low_bytes, limit_bytes, size;
    struct tocsin__socket_busy *busy; /* NULL: the socket is idle */
    struct tocsin__endpoint *peer;    /* the peer to which a Unix socket is connected; NULL: none */
    struct tocsin__unix_path path;    /* path of a Unix socket, removed at the end */
    uint64_t lost_untold;             /* number of losses that must be announced */
    int lost_error;                   /* error of the last loss */
    int most;
    int failure;    /* the status with which the socket will end when it is served next; 0: none */
    uint16_t flags; /* TOCSIN__SOCKET_WOKEN … */
    uint8_t state;
};

/* The record that a loop has for its datagram sockets. */
struct tocsin__datagrams {
    struct tocsin__cleanup last;
    const struct tocsin_op_type *type;
    struct tocsin__arrival *arrival; /* the result of the last read; NULL: no socket was read yet */
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

/* Whether the socket may still be used. false: a handler has ended the socket, or has forked and
   this is the child. */
static inline bool tocsin__socket_is_alive(const struct tocsin__socket *socket)
{
    return !tocsin__inherited(tocsin__socket_engine(socket)->loop) &&
           socket->state != TOCSIN__SOCKET_OVER;
}

/* Finds a datagram socket of this thread's loop. -EINVAL: the operation is not a datagram socket;
   other errors as tocsin__op_find. */
int tocsin__socket_find(struct tocsin_op id, struct tocsin__socket **ret_socket);
void tocsin__socket_set_state(struct tocsin__socket *socket, enum tocsin__socket_state state);
/* Puts the socket on the ready list, so it is served in this turn or the next one. */
void tocsin__socket_wake(struct tocsin__socket *socket);
/* Makes the socket end with this status when it is served next. If this is called several times,
   the first status counts. */
void tocsin__socket_fail(struct tocsin__socket *socket, int status);
/* Makes socket->busy if it is NULL. -ENOMEM */
int tocsin__socket_occupy(struct tocsin__socket *socket);
/* Frees socket->busy if all its members are empty. */
void tocsin__socket_rest(struct tocsin__socket *socket);

#endif
