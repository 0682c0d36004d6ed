/* The end of a datagram socket. */
#include "io/datagram/arrival.h"
#include "io/datagram/bind.h"
#include "io/datagram/opening.h"
#include "io/datagram/outbox.h"
#include "io/datagram/socket_end.h"
#include "op/complete.h"

void tocsin__socket_disarm(void *state)
{
    struct tocsin__socket *socket = state;
    struct tocsin__engine *engine = tocsin__socket_engine(socket);

    if (socket->state != TOCSIN__SOCKET_OVER)
        tocsin__socket_set_state(socket, TOCSIN__SOCKET_OVER);
    tocsin__bind_undo(socket);
    tocsin__readiness_close(engine, &socket->readiness);
    tocsin__arrival_forget(socket);
    socket->closed.lost += tocsin__outbox_drop(socket);
    if (socket->busy) {
        tocsin__timer_disarm(engine, &socket->busy->retry);
        tocsin__timer_disarm(engine, &socket->busy->limit);
        tocsin__opening_free(socket->busy);
        tocsin__release(socket->busy);
        socket->busy = NULL;
    }
    tocsin__release(socket->peer);
    socket->peer = NULL;
}

/* What was kept and is not announced any more counts as dropped. */
void tocsin__socket_end(struct tocsin__socket *socket, int status)
{
    if (socket->state == TOCSIN__SOCKET_OVER)
        return;
    if (socket->readiness.place != TOCSIN__PLACE_CLOSED)
        socket->closed.dropped += tocsin__bind_drops(socket);
    socket->closed.dropped += tocsin__arrival_left(socket);
    tocsin__socket_disarm(socket);
    tocsin__op_complete(tocsin__socket_op(socket), status, &socket->closed.tocsin);
}
