/* Datagrams that wait to be sent. */
#include <string.h>

#include "base/assert.h"
#include "io/datagram/lost.h"
#include "io/datagram/outbox.h"
#include "loop/clock.h"

enum {
    CHARGE = 128,        /* bytes that a waiting datagram counts beside its data */
    SENT_MOST = 1 << 18, /* bytes that one turn sends for one socket */
    FULL_MOST = 8        /* receivers without room that one pass steps over */
};

/* A datagram, or several of one size. */
struct tocsin__waiting {
    struct tocsin__waiting *next;
    struct tocsin__endpoint to; /* size 0: the only peer */
    size_t size, at;            /* bytes before `at` were sent */
    size_t segment;
    size_t charge; /* in waiting_bytes */
    unsigned char data[];
};

static struct tocsin__sending waiting_sending(const struct tocsin__waiting *waiting,
                                              struct tocsin_bytes *part)
{
    *part = (struct tocsin_bytes){ waiting->data, waiting->size };
    return (struct tocsin__sending){ .to = waiting->to.size ? &waiting->to : NULL,
                                     .parts = part,
                                     .count = 1,
                                     .size = waiting->size,
                                     .segment = waiting->segment };
}

static uint64_t waiting_count(const struct tocsin__waiting *waiting)
{
    struct tocsin_bytes part;
    struct tocsin__sending sending = waiting_sending(waiting, &part);

    return tocsin__sending_left(&sending, waiting->at);
}

/* The announcements */

static void outbox_note_stalled(struct tocsin__socket *socket)
{
    if (tocsin__socket_is(socket, TOCSIN__SOCKET_STALLED) ||
        socket->busy->waiting_bytes <= socket->high_bytes)
        return;
    tocsin__socket_unmark(socket, TOCSIN__SOCKET_TELL_DRAINED);
    tocsin__socket_mark(socket, TOCSIN__SOCKET_STALLED | TOCSIN__SOCKET_TELL_STALLED);
    socket->busy->stalled_us = tocsin__now(tocsin__socket_engine(socket));
}

/* If nobody was told that it was stalled, nobody is told that it is not. */
static void outbox_note_drained(struct tocsin__socket *socket)
{
    size_t bytes = socket->busy->waiting_bytes;

    if (!tocsin__socket_is(socket, TOCSIN__SOCKET_STALLED) || (bytes && bytes >= socket->low_bytes))
        return;
    tocsin__socket_unmark(socket, TOCSIN__SOCKET_STALLED);
    socket->busy->stalled_us = tocsin__now(tocsin__socket_engine(socket)) -
                               socket->busy->stalled_us;
    if (tocsin__socket_is(socket, TOCSIN__SOCKET_TELL_STALLED))
        tocsin__socket_unmark(socket, TOCSIN__SOCKET_TELL_STALLED);
    else
        tocsin__socket_mark(socket, TOCSIN__SOCKET_TELL_DRAINED);
}

/* Queueing */

static size_t charge_of(const struct tocsin__sending *sending, size_t at)
{
    return sending->size - at + CHARGE;
}

static int outbox_check(const struct tocsin__socket *socket, const struct tocsin__sending *sending)
{
    size_t waiting = tocsin__socket_waiting(socket), charge = charge_of(sending, 0);

    return waiting && (charge > socket->limit_bytes || waiting > socket->limit_bytes - charge)
               ? -EAGAIN
               : 0;
}

static void waiting_fill(struct tocsin__waiting *waiting, const struct tocsin__sending *sending,
                         size_t at)
{
    unsigned char *end = waiting->data;

    for (size_t i = 0; i < sending->count; i++) {
        size_t have = sending->parts[i].size, skip = at < have ? at : have;

        at -= skip;
        if (have > skip)
            memcpy(end, (const char *)sending->parts[i].data + skip, have - skip);
        end += have - skip;
    }
}

static int outbox_queue(struct tocsin__socket *socket, const struct tocsin__sending *sending,
                        size_t at)
{
    size_t size = sending->size - at;
    struct tocsin__waiting *waiting = tocsin__socket_occupy(socket) == 0
                                          ? tocsin__alloc(sizeof *waiting + size)
                                          : NULL;

    if (!waiting)
        return -ENOMEM;
    waiting->size = size;
    waiting->segment = sending->segment;
    waiting->charge = charge_of(sending, at);
    if (sending->to)
        waiting->to = *sending->to;
    waiting_fill(waiting, sending, at);
    *socket->busy->waiting_last = waiting;
    socket->busy->waiting_last = &waiting->next;
    socket->busy->waiting_bytes += waiting->charge;
    outbox_note_stalled(socket);
    return 0;
}

/* Whether the kernel reports when there is room again: it does not know to which receiver an
   unconnected Unix socket wants to send. */
static bool is_reported(const struct tocsin__socket *socket, const struct tocsin__endpoint *to)
{
    return !to || !tocsin__socket_is(socket, TOCSIN__SOCKET_UNIX);
}

/* Datagrams that were sent cannot be taken back: then the others are lost. */
static int outbox_fail(struct tocsin__socket *socket, const struct tocsin__sending *sending,
                       size_t at, int err)
{
    if (!at)
        return err;
    tocsin__lost_note(socket, sending->to, err, tocsin__sending_left(sending, at));
    return 0;
}

int tocsin__outbox_add(struct tocsin__socket *socket, const struct tocsin__sending *sending)
{
    int err = outbox_check(socket, sending), full = 0;
    size_t at = 0;

    if (err < 0)
        return err;
    if (socket->state == TOCSIN__SOCKET_OPEN && !tocsin__socket_waiting(socket)) {
        full = tocsin__transmit(socket, sending, &at);
        if (full == 0)
            return 0;
        if (!tocsin__transmit_is_full(full))
            return outbox_fail(socket, sending, at, full);
    }
    err = outbox_queue(socket, sending, at);
    if (err < 0)
        return outbox_fail(socket, sending, at, err);
    if (full == -EAGAIN && is_reported(socket, sending->to))
        tocsin__socket_unmark(socket, TOCSIN__SOCKET_WRITABLE);
    else if (full < 0)
        tocsin__transmit_pause(socket);
    tocsin__socket_wake(socket); /* it waits for the descriptor from now on */
    return 0;
}

/* Sending */

static void waiting_remove(struct tocsin__socket_busy *busy, struct tocsin__waiting **link)
{
    struct tocsin__waiting *waiting = *link;

    tocsin__assert(busy->waiting_bytes >= waiting->charge);
    busy->waiting_bytes -= waiting->charge;
    *link = waiting->next;
    if (!*link)
        busy->waiting_last = link;
    tocsin__release(waiting);
}

uint64_t tocsin__outbox_drop(struct tocsin__socket *socket)
{
    uint64_t count = 0;

    while (socket->busy && socket->busy->waiting) {
        count += waiting_count(socket->busy->waiting);
        waiting_remove(socket->busy, &socket->busy->waiting);
    }
    return count;
}

/* The receivers of a Unix socket have a queue each: one that is full holds up its own datagrams
   only. */
struct full {
    const struct tocsin__endpoint *peers[FULL_MOST];
    int count;
};

static bool full_has(const struct full *full, const struct tocsin__endpoint *to)
{
    for (int i = 0; i < full->count; i++)
        if (full->peers[i]->size == to->size &&
            memcmp(&full->peers[i]->any, &to->any, to->size) == 0)
            return true;
    return false;
}

/* The kernel has no room. false: nothing more can be sent now. */
static bool outbox_step_over(struct tocsin__socket *socket, const struct tocsin__waiting *waiting,
                             struct full *full, int err)
{
    if (err == -EAGAIN && is_reported(socket, waiting->to.size ? &waiting->to : NULL)) {
        while (tocsin__lost_take(socket)) /* an unread report is reported as readiness, too */
            continue;
        tocsin__socket_unmark(socket, TOCSIN__SOCKET_WRITABLE);
        return false;
    }
    if (err != -EAGAIN || full->count == FULL_MOST)
        return false;
    full->peers[full->count++] = &waiting->to;
    return true;
}

/* Sends one entry. true: it is done with, and was removed. */
static bool outbox_send(struct tocsin__socket *socket, struct tocsin__waiting **link, int *ret_err)
{
    struct tocsin__waiting *waiting = *link;
    struct tocsin_bytes part;
    struct tocsin__sending sending = waiting_sending(waiting, &part);
    size_t before = waiting->at;
    int err = tocsin__transmit(socket, &sending, &waiting->at);

    socket->busy->waiting_bytes -= waiting->at - before;
    waiting->charge -= waiting->at - before;
    *ret_err = err;
    if (err < 0 && tocsin__transmit_is_full(err))
        return false;
    if (err < 0)
        tocsin__lost_note(socket, sending.to, err, tocsin__sending_left(&sending, waiting->at));
    waiting_remove(socket->busy, link);
    return true;
}

void tocsin__outbox_serve(struct tocsin__socket *socket)
{
    struct tocsin__socket_busy *busy = socket->busy;
    struct tocsin__waiting **link = &busy->waiting;
    struct full full = { .count = 0 };
    size_t before = busy->waiting_bytes;
    int err = 0;
    bool is_stuck = false;

    while (*link && before - busy->waiting_bytes < SENT_MOST) {
        if (full_has(&full, &(*link)->to)) {
            link = &(*link)->next;
            continue;
        }
        if (outbox_send(socket, link, &err))
            continue;
        is_stuck = true;
        if (!outbox_step_over(socket, *link, &full, err))
            break;
        link = &(*link)->next;
    }
    if (busy->waiting_bytes != before)
        busy->retry_us = 0;
    if (is_stuck && tocsin__socket_is(socket, TOCSIN__SOCKET_WRITABLE))
        tocsin__transmit_pause(socket);
    outbox_note_drained(socket);
}
