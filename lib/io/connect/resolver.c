/* Finds the addresses of a host: by the registered resolver, or on a pool. */
#include <stdatomic.h>
#include <string.h>

#include "base/refusal.h"
#include "io/connect/attempts.h"
#include "io/connect/resolver.h"
#include "io/stream/reason.h"

/* The registered resolver. It is never removed, so it is read without a lock. */
static const struct tocsin_resolver_type *_Atomic registered;

int tocsin_resolver_provide(const struct tocsin_resolver_type *type)
{
    const struct tocsin_resolver_type *none = NULL;

    if (!type || !type->start || !type->cancel || type->spare[0] || type->spare[1] ||
        type->spare[2] || type->spare[3])
        return tocsin__traced(-EINVAL);
    return tocsin__traced(atomic_compare_exchange_strong(&registered, &none, type) ? 0 : -EEXIST);
}

/* why: the text of the error; NULL: that of err. */
static void resolved(struct tocsin__stream *stream, int err, const char *why)
{
    struct tocsin__connecting *connecting = stream->busy->connecting;

    connecting->resolved_us = tocsin__now(tocsin__stream_engine(stream));
    if (err == 0 && connecting->count == 0) {
        err = TOCSIN_ENAME;
        why = "it has no address";
    }
    if (err < 0) {
        tocsin__reason_set(stream, "resolve %s: %s", connecting->name,
                           why ? why : tocsin__reason_text(err));
        tocsin__stream_fail(stream, err);
        return;
    }
    tocsin__attempts_order(connecting);
    tocsin__stream_set_state(stream, TOCSIN__STREAM_CONNECTING);
    tocsin__stream_wake(stream);
}

static bool is_resolving(const struct tocsin__stream *stream)
{
    return stream->state == TOCSIN__STREAM_RESOLVING && !stream->failure;
}

/* Called on the loop when the host name has been resolved. */
static void on_resolved(struct tocsin__resolve *resolve)
{
    struct tocsin__stream *stream;
    struct tocsin__connecting *connecting;

    if (tocsin__stream_find((struct tocsin_op){ { resolve->stream } }, &stream) < 0 ||
        !is_resolving(stream))
        return;
    connecting = stream->busy->connecting;
    connecting->resolving.source.id = 0;
    connecting->count = resolve->count;
    memcpy(connecting->endpoints, resolve->found,
           (size_t)resolve->count * sizeof resolve->found[0]);
    resolved(stream, resolve->error, resolve->why);
}

static void endpoint_add(struct tocsin__connecting *connecting, const struct tocsin_bytes *address)
{
    struct tocsin__endpoint *endpoint = &connecting->endpoints[connecting->count];
    sa_family_t family = AF_UNSPEC;

    if (address->size >= sizeof endpoint->any)
        family = ((const struct sockaddr *)address->data)->sa_family;
    if (family == AF_INET && address->size == sizeof endpoint->in) {
        memcpy(&endpoint->in, address->data, address->size);
        endpoint->in.sin_port = htons((uint16_t)connecting->port);
    } else if (family == AF_INET6 && address->size == sizeof endpoint->in6) {
        memcpy(&endpoint->in6, address->data, address->size);
        endpoint->in6.sin6_port = htons((uint16_t)connecting->port);
    } else {
        return;
    }
    endpoint->size = (socklen_t)address->size;
    connecting->count++;
}

int tocsin_resolver_done(uint64_t request, int status, const struct tocsin_bytes *addresses,
                         size_t count)
{
    struct tocsin__connecting *connecting;
    struct tocsin__stream *stream;
    int err = status > 0 || (count && !addresses) ? -EINVAL : 0;

    if (err == 0)
        err = tocsin__stream_find((struct tocsin_op){ { request } }, &stream);
    if (err == 0 && (!is_resolving(stream) || !stream->busy->connecting->resolver))
        err = -ENOENT;
    if (err < 0)
        return tocsin__traced(err);
    connecting = stream->busy->connecting;
    connecting->resolver = NULL;
    for (size_t i = 0; i < count && connecting->count < TOCSIN__ENDPOINTS_MOST; i++)
        endpoint_add(connecting, &addresses[i]);
    resolved(stream, status, NULL);
    return 0;
}

/* The resolver may call tocsin_resolver_done before its start returns. */
void tocsin__resolver_serve(struct tocsin__stream *stream)
{
    struct tocsin__connecting *connecting = stream->busy->connecting;
    void *asked = NULL;
    int err;

    if (connecting->resolver || connecting->resolving.source.id)
        return;
    connecting->resolver = atomic_load(&registered);
    err = connecting->resolver->start(connecting->name, tocsin__op_id(tocsin__stream_op(stream)),
                                      &asked);
    if (!is_resolving(stream))
        return;
    if (err < 0) {
        connecting->resolver = NULL;
        tocsin__stream_fail(stream, err);
        return;
    }
    connecting->asked = asked;
}

int tocsin__resolver_begin(struct tocsin__stream *stream, const struct tocsin__address *address)
{
    struct tocsin__connecting *connecting = stream->busy->connecting;
    int err = 0;

    strcpy(connecting->name, address->name);
    connecting->port = address->port;
    if (!atomic_load(&registered))
        err = tocsin__resolve_start(address->name, address->port,
                                    tocsin__op_id(tocsin__stream_op(stream)), on_resolved,
                                    &connecting->resolving);
    if (err < 0) {
        connecting->resolving.source.id = 0;
        return err;
    }
    tocsin__stream_set_state(stream, TOCSIN__STREAM_RESOLVING);
    tocsin__stream_wake(stream);
    return 0;
}

void tocsin__resolver_drop(struct tocsin__connecting *connecting)
{
    if (connecting->resolving.source.id)
        tocsin_cancel(connecting->resolving);
    if (connecting->resolver)
        connecting->resolver->cancel(connecting->asked);
}
