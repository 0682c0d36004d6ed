/* The type of datagram sockets, and their making. */
#include "io/datagram/arrival.h"
#include "io/datagram/socket_end.h"
#include "io/datagram/socket_make.h"
#include "io/datagram/socket_serve.h"
#include "registry/catalogue.h"

enum { SIZE = 65536, MOST = 64, HIGH = 64 * 1024, LIMIT = 1024 * 1024 };

static int socket_cancel(struct tocsin_op op, void *state, int reason)
{
    (void)op;
    tocsin__socket_end(state, reason);
    return 0;
}

/* Somebody wants progress again. */
static void socket_resume(struct tocsin_op op, void *state)
{
    (void)op;
    tocsin__socket_wake(state);
}

static const struct tocsin__own_type socket_type = {
    .type = { .done = &tocsin__datagram_closed_spec,
              .progress = { &tocsin__datagram_received_spec, &tocsin__datagram_lost_spec,
                            &tocsin__datagram_stalled_spec, &tocsin__datagram_drained_spec },
              .state_size = sizeof(struct tocsin__socket),
              .cancel = socket_cancel,
              .resume = socket_resume,
              .flags = TOCSIN_PERSISTENT | TOCSIN__OWN | TOCSIN__DISARMS },
    .disarm = tocsin__socket_disarm,
};

/* Runs in a callback of libevent: it only records. */
static void on_report(struct tocsin__readiness *readiness, unsigned what)
{
    struct tocsin__socket *socket = tocsin__container(readiness, struct tocsin__socket, readiness);

    if (what & TOCSIN__READY_IN)
        tocsin__socket_mark(socket, TOCSIN__SOCKET_READABLE);
    if (what & TOCSIN__READY_OUT)
        tocsin__socket_mark(socket, TOCSIN__SOCKET_WRITABLE);
    if (what & TOCSIN__READY_BROKEN)
        tocsin__socket_mark(socket, TOCSIN__SOCKET_SHOCKED);
    if (what & TOCSIN__READY_LEFT) /* the program has shut the descriptor of "fd:" down */
        tocsin__socket_fail(socket, -EPIPE);
    tocsin__socket_wake(socket);
}

static void shared_free(struct tocsin__cleanup *last, struct tocsin__engine *engine)
{
    struct tocsin__datagrams *shared = tocsin__container(last, struct tocsin__datagrams, last);

    if (engine->io)
        engine->io->datagrams = NULL;
    tocsin__arrival_free(shared->arrival);
    tocsin__release(shared);
}

static int shared_make(struct tocsin__engine *engine)
{
    struct tocsin__datagrams *shared;
    int err = tocsin__io_make(engine);

    if (err < 0 || engine->io->datagrams)
        return err;
    shared = tocsin__alloc(sizeof *shared);
    if (!shared)
        return -ENOMEM;
    shared->type = &socket_type.type;
    shared->last.run = shared_free;
    engine->io->datagrams = shared;
    tocsin__engine_add_cleanup(engine, &shared->last);
    return 0;
}

int tocsin__socket_make(const struct tocsin_datagram_options *options,
                        const struct tocsin_notify *notify, struct tocsin__socket **ret_socket)
{
    struct tocsin__socket *socket;
    struct tocsin__op *op;
    int err = tocsin__op_new(&socket_type.type, notify, &op);

    if (err < 0)
        return err;
    socket = tocsin__op_state_of(op);
    socket->closed = tocsin_datagram_closed_make();
    socket->readiness.fd = -1;
    socket->readiness.report = on_report;
    socket->node.run = tocsin__socket_serve;
    socket->size = options->size ? options->size : SIZE;
    socket->most = options->most ? options->most : MOST;
    socket->high_bytes = options->high_bytes ? options->high_bytes : HIGH;
    socket->low_bytes = options->low_bytes ? options->low_bytes : socket->high_bytes / 4;
    socket->limit_bytes = options->limit_bytes ? options->limit_bytes : LIMIT;
    *ret_socket = socket;
    return shared_make(tocsin__op_engine(op));
}
