/* The life of a datagram socket. It is served from the ready list of its loop: in a turn, and with
   no handler on the stack. Everything else (a callback of libevent, a call of the program) records
   and wakes it. */
#include "io/datagram/bind.h"
#include "io/datagram/lost.h"
#include "io/datagram/opening.h"
#include "io/datagram/outbox.h"
#include "io/datagram/peer.h"
#include "io/datagram/receive.h"
#include "io/datagram/socket_end.h"
#include "io/datagram/socket_serve.h"
#include "op/demand.h"
#include "op/pause.h"
#include "op/progress.h"

enum { REPORTS_MOST = 64 }; /* taken from the error queue in one turn */

/* Announcements */

/* Announces progress if it is wanted. false: those who want it cannot take it now. */
static bool tell(struct tocsin__socket *socket, enum tocsin__socket_progress which,
                 const struct tocsin_payload *payload)
{
    struct tocsin__op *op = tocsin__socket_op(socket);
    int wanted = tocsin__op_progress_admission(op, (int)which);

    if (wanted == 1)
        wanted = tocsin__op_progress_now(op, (int)which, payload);
    else if (wanted < 0)
        tocsin__op_pause(op);
    return wanted >= 0;
}

/* Without a peer of its own, a loss concerns the only peer. */
static void tell_lost(struct tocsin__socket *socket)
{
    struct tocsin_datagram_lost lost = tocsin_datagram_lost_make();
    struct tocsin__endpoint peer = { .size = 0 };
    char text[TOCSIN__PEER_TEXT];
    uint64_t count = socket->lost_untold;

    if (socket->busy)
        peer = socket->busy->lost_peer;
    if (!peer.size && socket->readiness.place != TOCSIN__PLACE_CLOSED)
        tocsin__peer_of(socket->readiness.fd, false, &peer);
    tocsin__peer_text(&peer, text);
    lost.peer = text;
    lost.error = socket->lost_error;
    lost.count = count;
    socket->lost_untold = 0;
    if (!tell(socket, TOCSIN__SOCKET_LOST, &lost.tocsin) && tocsin__socket_is_alive(socket))
        socket->lost_untold += count;
}

static void tell_stalled(struct tocsin__socket *socket)
{
    struct tocsin_datagram_stalled stalled = tocsin_datagram_stalled_make();

    stalled.waiting_bytes = tocsin__socket_waiting(socket);
    tocsin__socket_unmark(socket, TOCSIN__SOCKET_TELL_STALLED);
    if (!tell(socket, TOCSIN__SOCKET_IS_STALLED, &stalled.tocsin))
        tocsin__socket_mark(socket, TOCSIN__SOCKET_TELL_STALLED);
}

static void tell_drained(struct tocsin__socket *socket)
{
    struct tocsin_datagram_drained drained = tocsin_datagram_drained_make();

    drained.waiting_bytes = tocsin__socket_waiting(socket);
    drained.stalled_us = socket->busy ? socket->busy->stalled_us : 0;
    tocsin__socket_unmark(socket, TOCSIN__SOCKET_TELL_DRAINED);
    if (!tell(socket, TOCSIN__SOCKET_IS_DRAINED, &drained.tocsin))
        tocsin__socket_mark(socket, TOCSIN__SOCKET_TELL_DRAINED);
}

static void serve_announcements(struct tocsin__socket *socket)
{
    if (tocsin__socket_is_alive(socket) && socket->lost_untold)
        tell_lost(socket);
    if (tocsin__socket_is_alive(socket) && tocsin__socket_is(socket, TOCSIN__SOCKET_TELL_STALLED))
        tell_stalled(socket);
    if (tocsin__socket_is_alive(socket) && tocsin__socket_is(socket, TOCSIN__SOCKET_TELL_DRAINED))
        tell_drained(socket);
}

/* The parts of a turn */

/* An error without a report: a socket of "fd:" without IP_RECVERR. */
static void serve_error(struct tocsin__socket *socket)
{
    int err = 0;
    socklen_t size = sizeof err;

    if (!tocsin__fault() &&
        getsockopt(socket->readiness.fd, SOL_SOCKET, SO_ERROR, &err, &size) == 0 && err)
        tocsin__lost_note(socket, NULL, -err, 1);
}

/* Each report is announced alone if that is possible. */
static void serve_reports(struct tocsin__socket *socket)
{
    int count = 0;

    tocsin__socket_unmark(socket, TOCSIN__SOCKET_SHOCKED);
    while (tocsin__socket_is_alive(socket) && count < REPORTS_MOST && tocsin__lost_take(socket)) {
        count++;
        if (socket->lost_untold)
            tell_lost(socket);
    }
    if (tocsin__socket_is_alive(socket) && count == REPORTS_MOST) {
        tocsin__socket_mark(socket, TOCSIN__SOCKET_SHOCKED);
        tocsin__socket_wake(socket);
    }
    if (count == 0)
        serve_error(socket);
}

/* The names are resolved. */
static void serve_opening(struct tocsin__socket *socket)
{
    int err = tocsin__opening_bind(socket);

    tocsin__socket_unmark(socket, TOCSIN__SOCKET_RESOLVED);
    if (err < 0)
        tocsin__socket_fail(socket, err);
    else if (socket->state == TOCSIN__SOCKET_RESOLVING)
        tocsin__socket_set_state(socket, TOCSIN__SOCKET_OPEN);
}

static void serve_closing(struct tocsin__socket *socket)
{
    if (!tocsin__socket_waiting(socket))
        tocsin__socket_end(socket, 0);
}

/* What the descriptor is to be watched for. An error that nobody reads would be reported again and
   again, so reading finds out about it. */
static void arm(struct tocsin__socket *socket)
{
    struct tocsin__engine *engine = tocsin__socket_engine(socket);
    bool is_kept = socket->busy && socket->busy->kept,
         reads = !is_kept && tocsin__receive_is_wanted(socket),
         writes = tocsin__socket_waiting(socket) && !tocsin__timer_armed(&socket->busy->retry);
    int err;

    if ((reads && tocsin__socket_is(socket, TOCSIN__SOCKET_READABLE)) ||
        (is_kept && tocsin__receive_is_wanted(socket)) ||
        (writes && tocsin__socket_is(socket, TOCSIN__SOCKET_WRITABLE)))
        tocsin__socket_wake(socket);
    err = tocsin__readiness_want(engine, &socket->readiness,
                                 (reads ? TOCSIN__READY_IN : 0u) |
                                     (writes ? TOCSIN__READY_OUT : 0u));
    if (err < 0)
        tocsin__socket_fail(socket, err);
}

static void serve_open(struct tocsin__socket *socket)
{
    if (tocsin__socket_is(socket, TOCSIN__SOCKET_SHOCKED))
        serve_reports(socket);
    if (tocsin__socket_is_alive(socket) && tocsin__socket_waiting(socket) &&
        tocsin__socket_is(socket, TOCSIN__SOCKET_WRITABLE) &&
        !tocsin__timer_armed(&socket->busy->retry))
        tocsin__outbox_serve(socket);
    serve_announcements(socket);
    if (tocsin__socket_is_alive(socket))
        tocsin__receive_serve(socket);
    if (tocsin__socket_is_alive(socket) && socket->state == TOCSIN__SOCKET_CLOSING)
        serve_closing(socket);
    if (!tocsin__socket_is_alive(socket))
        return;
    arm(socket);
    tocsin__socket_rest(socket);
}

void tocsin__socket_serve(struct tocsin__node *node)
{
    struct tocsin__socket *socket = tocsin__container(node, struct tocsin__socket, node);

    tocsin__socket_unmark(socket, TOCSIN__SOCKET_WOKEN);
    if (!tocsin__socket_is_alive(socket) || tocsin__socket_engine(socket)->loop->life.thread_ended)
        return;
    if (!socket->failure && tocsin__socket_is(socket, TOCSIN__SOCKET_RESOLVED))
        serve_opening(socket);
    if (socket->failure)
        tocsin__socket_end(socket, socket->failure);
    else if (socket->readiness.place != TOCSIN__PLACE_CLOSED)
        serve_open(socket);
    else if (socket->state == TOCSIN__SOCKET_CLOSING)
        serve_closing(socket); /* before its names were resolved */
}
