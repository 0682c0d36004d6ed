/* What every part of a datagram socket needs. */
#include "base/assert.h"
#include "io/datagram/socket.h"
#include "loop/ready.h"
#include "op/lifecycle.h"

int tocsin__socket_find(struct tocsin_op id, struct tocsin__socket **ret_socket)
{
    const struct tocsin__datagrams *shared;
    struct tocsin__op *op;
    int err = tocsin__op_find(id, &op);

    if (err < 0)
        return err;
    shared = tocsin__op_engine(op)->io ? tocsin__op_engine(op)->io->datagrams : NULL;
    if (!shared || !tocsin__op_has_type(op, shared->type))
        return -EINVAL;
    *ret_socket = tocsin__op_state_of(op);
    return 0;
}

#define TO(state) (1u << TOCSIN__SOCKET_##state)

/* The transitions that socket.h draws. */
static const uint8_t states_next[] = {
    [TOCSIN__SOCKET_MADE] = TO(RESOLVING) | TO(OPEN) | TO(OVER),
    [TOCSIN__SOCKET_RESOLVING] = TO(OPEN) | TO(CLOSING) | TO(OVER),
    [TOCSIN__SOCKET_OPEN] = TO(CLOSING) | TO(OVER),
    [TOCSIN__SOCKET_CLOSING] = TO(OVER),
    [TOCSIN__SOCKET_OVER] = 0,
};

#undef TO

void tocsin__socket_set_state(struct tocsin__socket *socket, enum tocsin__socket_state state)
{
    tocsin__assert(states_next[socket->state] & 1u << state);
    socket->state = (uint8_t)state;
}

void tocsin__socket_wake(struct tocsin__socket *socket)
{
    if (tocsin__socket_is(socket, TOCSIN__SOCKET_WOKEN) || socket->state == TOCSIN__SOCKET_OVER)
        return;
    tocsin__socket_mark(socket, TOCSIN__SOCKET_WOKEN);
    tocsin__ready_push(tocsin__socket_engine(socket), &socket->node);
}

void tocsin__socket_fail(struct tocsin__socket *socket, int status)
{
    if (!socket->failure)
        socket->failure = status;
    tocsin__socket_wake(socket);
}

/* Pauses before sending is tried again. */
static void on_retry(struct tocsin__timer *timer)
{
    struct tocsin__socket_busy *busy = tocsin__container(timer, struct tocsin__socket_busy, retry);

    tocsin__socket_mark(busy->socket, TOCSIN__SOCKET_WRITABLE);
    tocsin__socket_wake(busy->socket);
}

static void on_limit(struct tocsin__timer *timer)
{
    tocsin__socket_fail(tocsin__container(timer, struct tocsin__socket_busy, limit)->socket,
                        -ETIMEDOUT);
}

int tocsin__socket_occupy(struct tocsin__socket *socket)
{
    struct tocsin__socket_busy *busy = socket->busy;

    if (busy)
        return 0;
    busy = tocsin__alloc(sizeof *busy);
    if (!busy)
        return -ENOMEM;
    busy->socket = socket;
    busy->waiting_last = &busy->waiting;
    busy->retry.fire = on_retry;
    busy->limit.fire = on_limit;
    socket->busy = busy;
    return 0;
}

void tocsin__socket_rest(struct tocsin__socket *socket)
{
    const struct tocsin__socket_busy *busy = socket->busy;

    if (!busy || busy->waiting || busy->kept || busy->opening || socket->lost_untold ||
        tocsin__socket_is(socket, TOCSIN__SOCKET_TELL_DRAINED) ||
        tocsin__timer_armed(&busy->retry) || tocsin__timer_armed(&busy->limit))
        return;
    tocsin__release(socket->busy);
    socket->busy = NULL;
}
