/* The facts of a datagram socket. */
#include <string.h>

#include "base/refusal.h"
#include "io/datagram/arrival.h"
#include "io/datagram/bind.h"
#include "io/datagram/peer.h"

static void text_of(const struct tocsin__socket *socket, bool is_local, char *text)
{
    struct tocsin__endpoint endpoint = { .size = 0 };

    if (socket->readiness.fd >= 0)
        tocsin__peer_of(socket->readiness.fd, is_local, &endpoint);
    tocsin__peer_text(&endpoint, text);
}

int tocsin_datagram_get(struct tocsin_op id, struct tocsin_datagram_facts *ret_facts)
{
    struct tocsin__socket *socket;
    int err = ret_facts ? tocsin__socket_find(id, &socket) : -EINVAL;

    if (err < 0)
        return tocsin__traced(err);
    memset(ret_facts, 0, sizeof *ret_facts);
    text_of(socket, true, ret_facts->local);
    text_of(socket, false, ret_facts->peer);
    ret_facts->received = socket->closed.received;
    ret_facts->sent = socket->closed.sent;
    ret_facts->lost = socket->closed.lost;
    ret_facts->dropped = socket->closed.dropped;
    if (socket->readiness.fd >= 0)
        ret_facts->dropped += tocsin__bind_drops(socket);
    ret_facts->waiting_bytes = tocsin__socket_waiting(socket);
    return 0;
}
