/* Resolves a host name by getaddrinfo. */
#define _GNU_SOURCE /* EAI_NODATA, strerrordesc_np */
#include <netdb.h>
#include <string.h>

#include <tocsin/handler.h>
#include <tocsin/work.h>

#include "base/mem.h"
#include "io/resolve.h"

static int error_of(int eai)
{
    switch (eai) {
    case 0: return 0;
    case EAI_SYSTEM: return errno ? -errno : TOCSIN_ENAME;
    case EAI_MEMORY: return -ENOMEM;
    default: return TOCSIN_ENAME;
    }
}

static void found_add(struct tocsin__resolve *resolve, const struct addrinfo *one)
{
    struct tocsin__endpoint *endpoint = &resolve->found[resolve->count];

    if ((one->ai_family != AF_INET && one->ai_family != AF_INET6) ||
        one->ai_addrlen > sizeof endpoint->un)
        return;
    memcpy(&endpoint->any, one->ai_addr, one->ai_addrlen);
    endpoint->size = one->ai_addrlen;
    if (one->ai_family == AF_INET)
        endpoint->in.sin_port = htons((uint16_t)resolve->port);
    else
        endpoint->in6.sin6_port = htons((uint16_t)resolve->port);
    resolve->count++;
}

static int resolve_task(void *arg)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct tocsin__resolve *resolve = arg;
    struct addrinfo *found = NULL;
    int eai = tocsin__fault() ? EAI_FAIL : getaddrinfo(resolve->host, NULL, &hints, &found);

    resolve->error = error_of(eai);
    resolve->why = eai == EAI_SYSTEM ? strerrordesc_np(errno) : gai_strerror(eai);
    for (struct addrinfo *one = found; one && resolve->count < TOCSIN__ENDPOINTS_MOST;
         one = one->ai_next)
        found_add(resolve, one);
    if (found)
        freeaddrinfo(found);
    return 0;
}

static int on_resolved(const struct tocsin_info *info, void *arg)
{
    struct tocsin__resolve *resolve = arg;

    if (info->status == 0)
        resolve->done(resolve);
    return TOCSIN_NEXT;
}

int tocsin__resolve_start(const char *host, int port, uint64_t stream,
                          void (*done)(struct tocsin__resolve *resolve), struct tocsin_op *ret_op)
{
    const struct tocsin_work_options options = { .drop = tocsin__release, .flags = TOCSIN_ABANDON };
    struct tocsin__resolve *resolve = tocsin__alloc(sizeof *resolve);
    struct tocsin_notify notify = { .mode = TOCSIN_AT_END | TOCSIN_BACKGROUND | TOCSIN_NO_INJECT,
                                    .fn = on_resolved,
                                    .arg = resolve };
    int err;

    if (!resolve)
        return -ENOMEM;
    resolve->stream = stream;
    resolve->port = port;
    resolve->done = done;
    strcpy(resolve->host, host);
    err = tocsin_work_with(&options, resolve_task, resolve, &notify, ret_op);
    if (err < 0)
        tocsin__release(resolve);
    return err;
}
