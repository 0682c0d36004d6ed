/* Closing a datagram socket. */
#include "base/refusal.h"
#include "io/datagram/socket.h"
#include "loop/clock.h"

enum { CLOSE_MS = 10000 };

/* Before its names are resolved, what waits is still sent. */
int tocsin_datagram_close(struct tocsin_op id)
{
    struct tocsin__socket *socket;
    struct tocsin__engine *engine;
    int err = tocsin__socket_find(id, &socket);

    if (err == 0 && socket->state >= TOCSIN__SOCKET_CLOSING)
        err = -EALREADY;
    if (err == 0)
        err = tocsin__socket_occupy(socket);
    if (err < 0)
        return tocsin__traced(err);
    engine = tocsin__socket_engine(socket);
    tocsin__timer_arm(engine, &socket->busy->limit, tocsin__due_in(engine, CLOSE_MS));
    tocsin__socket_set_state(socket, TOCSIN__SOCKET_CLOSING);
    tocsin__socket_wake(socket);
    return 0;
}
