/* Opening a datagram socket. */
#define _GNU_SOURCE /* strchrnul */
#include <arpa/inet.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/refusal.h"
#include "io/datagram/bind.h"
#include "io/datagram/opening.h"
#include "io/datagram/peer.h"
#include "io/resolve.h"

enum { SIZE_MOST = 16 * 1024 * 1024 };

/* The two ends of a socket, while it is being opened. */
struct end {
    struct tocsin__address address;
    int count; /* of endpoints; 0 before the name is resolved */
    struct tocsin__endpoint endpoints[TOCSIN__ENDPOINTS_MOST];
};

struct tocsin__opening {
    struct end local, to;
    bool has_to;
    struct tocsin_op resolving; /* zero: no name is being resolved */
    struct tocsin__bind_options options;
    struct tocsin__group groups[];
};

void tocsin__opening_free(struct tocsin__socket_busy *busy)
{
    struct tocsin__opening *opening = busy->opening;

    if (!opening)
        return;
    busy->opening = NULL;
    if (opening->resolving.source.id)
        tocsin_cancel(opening->resolving);
    tocsin__release(opening);
}

/* Checking */

static int interface_find(const char *name, unsigned *ret_interface)
{
    char *end;
    unsigned long number = strtoul(name, &end, 10);

    *ret_interface = tocsin__fault() ? 0 : if_nametoindex(name);
    if (!*ret_interface && *name >= '0' && *name <= '9' && !*end && number <= INT_MAX)
        *ret_interface = (unsigned)number;
    return *ret_interface ? 0 : tocsin__because(-ENODEV, "there is no interface '%s'", name);
}

static int group_parse(const char *text, struct tocsin__group *group)
{
    char address[INET6_ADDRSTRLEN];
    const char *zone = strchrnul(text, '%');
    struct tocsin__endpoint *endpoint = &group->address;

    *group = (struct tocsin__group){ .interface = 0 };
    if ((size_t)(zone - text) >= sizeof address)
        return tocsin__because(-EINVAL, "the multicast group is no address");
    memcpy(address, text, (size_t)(zone - text));
    address[zone - text] = 0;
    if (inet_pton(AF_INET, address, &endpoint->in.sin_addr) == 1)
        endpoint->any.sa_family = AF_INET;
    else if (inet_pton(AF_INET6, address, &endpoint->in6.sin6_addr) == 1)
        endpoint->any.sa_family = AF_INET6;
    if (!(endpoint->any.sa_family == AF_INET &&
          IN_MULTICAST(ntohl(endpoint->in.sin_addr.s_addr))) &&
        !(endpoint->any.sa_family == AF_INET6 && IN6_IS_ADDR_MULTICAST(&endpoint->in6.sin6_addr)))
        return tocsin__because(-EINVAL, "'%s' is no address of a multicast group", address);
    return *zone ? interface_find(zone + 1, &group->interface) : 0;
}

static int numbers_check(const struct tocsin_datagram_options *options)
{
    static const unsigned flags = TOCSIN_DATAGRAM_SHARE | TOCSIN_DATAGRAM_BROADCAST |
                                  TOCSIN_DATAGRAM_NO_LOOPBACK;

    if (options->flags & ~flags || options->spare[0] || options->spare[1] || options->spare[2] ||
        options->spare[3])
        return tocsin__because(-EINVAL, "an unknown flag, or a spare word that is not zero");
    if (options->ttl < 0 || options->ttl > 255 || options->most < 0 || options->mode & ~0777u)
        return tocsin__because(-EINVAL, "ttl is not 0 to 255, most is negative, or mode is more "
                                        "than 0777");
    if (options->size > SIZE_MOST || options->buffer_bytes > INT_MAX)
        return tocsin__because(-EINVAL, "size or buffer_bytes is too large");
    if (options->low_bytes > (options->high_bytes ? options->high_bytes : 64 * 1024))
        return tocsin__because(-EINVAL, "low_bytes is more than high_bytes");
    return 0;
}

/* Options that a scheme has no use for are mistakes. */
static int scheme_check(enum tocsin__scheme scheme, const struct tocsin_datagram_options *options)
{
    bool is_internet = options->join || options->interface || options->ttl || options->flags;

    if (is_internet && scheme != TOCSIN__SCHEME_UDP)
        return tocsin__because(-EINVAL, "join, interface, ttl and flags are for 'udp:' only");
    if (options->mode && scheme != TOCSIN__SCHEME_UNIX)
        return tocsin__because(-EINVAL, "mode is for 'unix:' only");
    if (scheme == TOCSIN__SCHEME_FD && (options->to || options->buffer_bytes))
        return tocsin__because(-EINVAL, "to and buffer_bytes are not for 'fd:'");
    return 0;
}

static int to_check(const char *text, const struct tocsin__address *local,
                    struct tocsin__address *ret_to)
{
    int err = tocsin__peer_address(text, ret_to);

    if (err == 0 && ret_to->scheme != local->scheme)
        err = tocsin__because(-EINVAL, "options.to has another scheme than the address");
    if (err == 0 && (ret_to->is_any || (ret_to->scheme == TOCSIN__SCHEME_UDP && !ret_to->port) ||
                     ret_to->endpoint.size == offsetof(struct sockaddr_un, sun_path)))
        err = tocsin__because(-EINVAL, "no datagram can be sent to '%s'", text);
    return err;
}

static size_t group_count(const struct tocsin_datagram_options *options)
{
    size_t count = 0;

    while (options->join && options->join[count])
        count++;
    return count;
}

int tocsin__opening_check(const char *text, const struct tocsin_datagram_options *options)
{
    struct tocsin__address address, to;
    struct tocsin__group group;
    unsigned interface;
    int err = tocsin__peer_address(text, &address);

    if (err == 0)
        err = numbers_check(options);
    if (err == 0)
        err = scheme_check(address.scheme, options);
    if (err == 0 && options->to)
        err = to_check(options->to, &address, &to);
    for (size_t i = 0; err == 0 && i < group_count(options); i++)
        err = group_parse(options->join[i], &group);
    if (err == 0 && options->interface)
        err = interface_find(options->interface, &interface);
    return err;
}

/* Opening */

/* Tries each pair of addresses, until one can be bound and connected. */
static int opening_try(struct tocsin__socket *socket, const struct tocsin__opening *opening)
{
    int err = TOCSIN_ENAME;

    for (int i = 0; i < opening->local.count; i++)
        for (int j = 0; j < opening->to.count; j++) {
            err = tocsin__bind(socket, &opening->options, &opening->local.endpoints[i],
                               &opening->to.endpoints[j]);
            if (err == 0)
                return 0;
        }
    return err;
}

int tocsin__opening_bind(struct tocsin__socket *socket)
{
    int err = opening_try(socket, socket->busy->opening);

    tocsin__opening_free(socket->busy);
    if (err < 0)
        return err;
    tocsin__socket_mark(socket, TOCSIN__SOCKET_READABLE | TOCSIN__SOCKET_WRITABLE);
    return 0;
}

static int names_next(struct tocsin__socket *socket);

static struct end *end_unresolved(struct tocsin__opening *opening)
{
    return !opening->local.count ? &opening->local : !opening->to.count ? &opening->to : NULL;
}

/* The notify of the work that resolves a name. */
static void on_resolved(struct tocsin__resolve *resolve)
{
    struct tocsin__socket *socket;
    struct tocsin__opening *opening;
    struct end *end;
    int err = resolve->error < 0 ? resolve->error : resolve->count ? 0 : TOCSIN_ENAME;

    if (tocsin__socket_find((struct tocsin_op){ { resolve->stream } }, &socket) < 0 ||
        !socket->busy || !socket->busy->opening)
        return;
    opening = socket->busy->opening;
    opening->resolving.source.id = 0;
    end = end_unresolved(opening);
    end->count = resolve->count;
    memcpy(end->endpoints, resolve->found, (size_t)resolve->count * sizeof resolve->found[0]);
    if (err == 0)
        err = names_next(socket);
    if (err < 0)
        tocsin__socket_fail(socket, err);
}

/* Resolves the next name. Without one, the socket is bound when it is served. */
static int names_next(struct tocsin__socket *socket)
{
    struct tocsin__opening *opening = socket->busy->opening;
    const struct end *end = end_unresolved(opening);
    int err;

    if (!end) {
        tocsin__socket_mark(socket, TOCSIN__SOCKET_RESOLVED);
        tocsin__socket_wake(socket);
        return 0;
    }
    err = tocsin__resolve_start(end->address.name, end->address.port,
                                tocsin__op_id(tocsin__socket_op(socket)), on_resolved,
                                &opening->resolving);
    if (err < 0)
        opening->resolving.source.id = 0;
    return err;
}

/* An address that is no name has one endpoint; that of "*" has only a port. */
static void end_fill(struct end *end)
{
    end->count = end->address.endpoint.size > 0;
    end->endpoints[0] = end->address.endpoint;
    if (end->address.is_any)
        end->endpoints[0].size = 0;
}

static int opening_make(struct tocsin__socket *socket, const char *address,
                        const struct tocsin_datagram_options *options)
{
    size_t count = group_count(options);
    struct tocsin__opening *opening = tocsin__socket_occupy(socket) == 0
                                          ? tocsin__alloc(sizeof *opening +
                                                          count * sizeof opening->groups[0])
                                          : NULL;
    int err;

    if (!opening)
        return -ENOMEM;
    socket->busy->opening = opening;
    opening->options = (struct tocsin__bind_options){ .flags = options->flags,
                                                      .ttl = options->ttl,
                                                      .mode = options->mode,
                                                      .buffer_bytes = options->buffer_bytes,
                                                      .group_count = count,
                                                      .groups = opening->groups };
    err = tocsin__peer_address(address, &opening->local.address);
    end_fill(&opening->local);
    opening->to.count = 1;
    if (err == 0 && options->to) {
        err = tocsin__peer_address(options->to, &opening->to.address);
        end_fill(&opening->to);
        tocsin__socket_mark(socket, TOCSIN__SOCKET_HAS_PEER);
    }
    for (size_t i = 0; err == 0 && i < count; i++)
        err = group_parse(options->join[i], &opening->groups[i]);
    if (err == 0 && options->interface)
        err = interface_find(options->interface, &opening->options.interface);
    return err;
}

int tocsin__opening_begin(struct tocsin__socket *socket, const char *address,
                          const struct tocsin_datagram_options *options)
{
    struct tocsin__opening *opening;
    int err = opening_make(socket, address, options);

    if (err < 0)
        return err;
    opening = socket->busy->opening;
    if (opening->local.address.scheme == TOCSIN__SCHEME_UNIX)
        tocsin__socket_mark(socket, TOCSIN__SOCKET_UNIX);
    if (end_unresolved(opening)) {
        tocsin__socket_set_state(socket, TOCSIN__SOCKET_RESOLVING);
        return names_next(socket);
    }
    err = tocsin__opening_bind(socket);
    if (err == 0)
        tocsin__socket_set_state(socket, TOCSIN__SOCKET_OPEN);
    return err;
}
