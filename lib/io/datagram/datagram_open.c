/* Opening a datagram socket: the call of the program. */
#include "base/refusal.h"
#include "io/datagram/bind.h"
#include "io/datagram/opening.h"
#include "io/datagram/peer.h"
#include "io/datagram/socket_make.h"

static int adopt(struct tocsin__socket *socket, int fd)
{
    int err = tocsin__bind_adopt(socket, fd);

    if (err < 0)
        return err;
    tocsin__socket_mark(socket, TOCSIN__SOCKET_READABLE | TOCSIN__SOCKET_WRITABLE);
    tocsin__socket_set_state(socket, TOCSIN__SOCKET_OPEN);
    return 0;
}

/* If making the socket fails halfway, it is undone as one that could not begin. */
static int open_with(const char *text, const struct tocsin_datagram_options *options,
                     const struct tocsin_notify *notify, struct tocsin_op *ret_socket)
{
    struct tocsin__socket *socket = NULL;
    struct tocsin__address address;
    int err = tocsin__socket_make(options, notify, &socket);

    if (!socket)
        return tocsin__op_failed(err, ret_socket);
    if (err == 0)
        err = tocsin__peer_address(text, &address);
    if (err == 0)
        err = address.scheme == TOCSIN__SCHEME_FD ? adopt(socket, address.fd)
                                                  : tocsin__opening_begin(socket, text, options);
    if (err == 0)
        tocsin__socket_wake(socket);
    return tocsin__op_started(tocsin__socket_op(socket), err, ret_socket);
}

int tocsin_datagram_open(const char *address, const struct tocsin_datagram_options *options,
                         const struct tocsin_notify *notify, struct tocsin_op *ret_socket)
{
    static const struct tocsin_datagram_options plain;
    int err;

    options = options ? options : &plain;
    err = tocsin__opening_check(address, options);
    if (err < 0)
        return tocsin__traced(tocsin__op_failed(err, ret_socket));
    return tocsin__traced(open_with(address, options, notify, ret_socket));
}
