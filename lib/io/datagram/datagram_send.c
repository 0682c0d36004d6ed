/* Sending datagrams: the calls of the program. */
#include "base/refusal.h"
#include "io/datagram/arrival.h"
#include "io/datagram/outbox.h"
#include "io/datagram/peer.h"

enum { IPV4_MOST = 65507, IPV6_MOST = 65527 };

static int outgoing_check(const struct tocsin_datagram_outgoing *outgoing)
{
    if (!outgoing || outgoing->spare[0] || outgoing->spare[1])
        return tocsin__because(-EINVAL, "outgoing is NULL, or a spare word is not zero");
    if (outgoing->count > TOCSIN__DATAGRAM_PARTS || (outgoing->count && !outgoing->parts))
        return tocsin__because(-EINVAL, "there are more than %d parts, or parts is NULL",
                               TOCSIN__DATAGRAM_PARTS);
    for (size_t i = 0; i < outgoing->count; i++)
        if (!outgoing->parts[i].data && outgoing->parts[i].size)
            return tocsin__because(-EINVAL, "the data of a part is NULL");
    return 0;
}

static size_t outgoing_size(const struct tocsin_datagram_outgoing *outgoing)
{
    size_t size = 0;

    for (size_t i = 0; i < outgoing->count; i++)
        size = outgoing->parts[i].size > SIZE_MAX / 2 - size ? SIZE_MAX / 2
                                                             : size + outgoing->parts[i].size;
    return size;
}

/* What the kernel would find out only when a waiting datagram is sent. */
static int size_check(const struct tocsin__socket *socket, const struct tocsin__endpoint *to,
                      const struct tocsin_datagram_outgoing *outgoing, size_t size)
{
    size_t each = outgoing->segment && outgoing->segment < size ? outgoing->segment : size,
           most = to && to->any.sa_family == AF_INET ? IPV4_MOST : IPV6_MOST;

    if (size >= SIZE_MAX / 2)
        return -EMSGSIZE;
    if (tocsin__socket_is(socket, TOCSIN__SOCKET_UNIX))
        return 0;
    return each > most ? tocsin__because(-EMSGSIZE, "a datagram has at most %zu bytes", most) : 0;
}

/* A reply to the datagram that came last needs no parsing. */
static int peer_find(const struct tocsin__socket *socket, const char *text,
                     struct tocsin__endpoint *storage, const struct tocsin__endpoint **ret_peer)
{
    int err = 0;

    *ret_peer = NULL;
    if (!text || !*text)
        return tocsin__socket_is(socket, TOCSIN__SOCKET_HAS_PEER)
                   ? 0
                   : tocsin__because(-EDESTADDRREQ, "no peer is given, and options.to was not set");
    *ret_peer = tocsin__arrival_peer(socket, text);
    if (!*ret_peer) {
        err = tocsin__peer_parse(text, storage);
        *ret_peer = storage;
    }
    if (err == 0 &&
        tocsin__peer_is_unix(*ret_peer) != tocsin__socket_is(socket, TOCSIN__SOCKET_UNIX))
        err = tocsin__because(-EAFNOSUPPORT, "the peer '%s' is of another kind than the socket",
                              text);
    return err;
}

static int send_with(struct tocsin_op id, const struct tocsin_datagram_outgoing *outgoing)
{
    struct tocsin__socket *socket;
    struct tocsin__endpoint storage;
    const struct tocsin__endpoint *to = NULL;
    size_t size;
    int err = tocsin__socket_find(id, &socket);

    if (err == 0)
        err = outgoing_check(outgoing);
    if (err == 0 && (socket->state >= TOCSIN__SOCKET_CLOSING || socket->failure))
        err = -EPIPE;
    if (err == 0)
        err = peer_find(socket, outgoing->peer, &storage, &to);
    if (err < 0)
        return err;
    size = outgoing_size(outgoing);
    err = size_check(socket, to, outgoing, size);
    if (err == 0)
        err = tocsin__outbox_add(socket, &(struct tocsin__sending){ .to = to,
                                                                    .parts = outgoing->parts,
                                                                    .count = outgoing->count,
                                                                    .size = size,
                                                                    .segment = outgoing->segment });
    return err < 0 ? err : tocsin__socket_is(socket, TOCSIN__SOCKET_STALLED) ? 1 : 0;
}

int tocsin_datagram_send(struct tocsin_op socket, const char *peer, const void *data, size_t size)
{
    const struct tocsin_bytes part = { data, size };
    const struct tocsin_datagram_outgoing outgoing = { .peer = peer, .parts = &part, .count = 1 };

    return tocsin__traced(send_with(socket, &outgoing));
}

int tocsin_datagram_send_with(struct tocsin_op socket,
                              const struct tocsin_datagram_outgoing *outgoing)
{
    return tocsin__traced(send_with(socket, outgoing));
}
