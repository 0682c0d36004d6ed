/* Converts addresses between text and struct sockaddr. */
#define _GNU_SOURCE /* strchrnul */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/refusal.h"
#include "io/address.h"
#include "io/layer.h"

static int number_parse(const char *text, int most)
{
    long number = 0;

    for (const char *at = text; *at; at++) {
        if (*at < '0' || *at > '9')
            return -EINVAL;
        number = 10 * number + (*at - '0');
        if (number > most)
            return -EINVAL;
    }
    return *text ? (int)number : -EINVAL;
}

/* Parses an IPv6 address with or without a zone, such as "fe80::1%eth0". */
static int in6_parse(char *host, struct tocsin__endpoint *endpoint)
{
    char *zone = strchrnul(host, '%');
    bool has_zone = *zone;
    unsigned scope = has_zone ? if_nametoindex(zone + 1) : 0;

    if (has_zone && !scope && number_parse(zone + 1, 1 << 30) > 0)
        scope = (unsigned)number_parse(zone + 1, 1 << 30);
    *zone = 0;
    endpoint->in6.sin6_scope_id = scope;
    if (inet_pton(AF_INET6, host, &endpoint->in6.sin6_addr) != 1 || (has_zone && !scope))
        return -EINVAL;
    endpoint->in6.sin6_family = AF_INET6;
    endpoint->size = sizeof endpoint->in6;
    return 0;
}

static int host_parse(char *host, bool is_bracketed, struct tocsin__address *address)
{
    struct tocsin__endpoint *endpoint = &address->endpoint;

    if (is_bracketed || strchr(host, ':')) {
        int err = in6_parse(host, endpoint);

        endpoint->in6.sin6_port = htons((uint16_t)address->port);
        return err < 0 ? tocsin__because(err, "malformed IPv6 address") : 0;
    }
    address->is_any = strcmp(host, "*") == 0;
    if (address->is_any || inet_pton(AF_INET, host, &endpoint->in.sin_addr) == 1) {
        endpoint->in.sin_family = AF_INET;
        endpoint->in.sin_port = htons((uint16_t)address->port);
        endpoint->size = sizeof endpoint->in;
        return 0;
    }
    if (!*host)
        return tocsin__because(-EINVAL, "the address has no host");
    strcpy(address->name, host);
    return 0;
}

/* Parses "HOST:PORT" or "[HOST]:PORT". */
static int internet_parse(const char *text, struct tocsin__address *address)
{
    const char *colon = strrchr(text, ':'), *end = colon;
    bool is_bracketed = *text == '[';
    char host[sizeof address->name];

    if (!colon)
        return tocsin__because(-EINVAL, "the address has no port: HOST:PORT");
    address->port = number_parse(colon + 1, 65535);
    if (address->port < 0)
        return tocsin__because(-EINVAL, "the port is not a number from 0 to 65535");
    if (is_bracketed) {
        text++;
        if (end == text || *--end != ']')
            return tocsin__because(-EINVAL, "']' is missing behind the IPv6 address");
    }
    if (memchr(text, '/', (size_t)(end - text)))
        return tocsin__because(-EINVAL, "the host has a slash: write HOST:PORT, without slashes");
    if (!is_bracketed && memchr(text, ':', (size_t)(end - text)))
        return tocsin__because(-EINVAL, "an IPv6 address needs brackets: [2001:db8::1]:80");
    if ((size_t)(end - text) >= sizeof host)
        return tocsin__because(-EINVAL, "the host name is too long");
    memcpy(host, text, (size_t)(end - text));
    host[end - text] = 0;
    strcpy(address->host, host);
    return host_parse(host, is_bracketed, address);
}

/* The name of an abstract socket has no NUL at its end: the address's size says where it ends. */
static int unix_parse(const char *text, struct tocsin__address *address)
{
    struct tocsin__endpoint *endpoint = &address->endpoint;
    size_t size = strlen(text);

    if (!size || (*text == '@' && size == 1))
        return tocsin__because(-EINVAL, "the address has no path: use unix:/PATH or unix:@NAME");
    if (size >= sizeof endpoint->un.sun_path)
        return tocsin__because(-EINVAL, "the path is longer than %zu bytes",
                               sizeof endpoint->un.sun_path - 1);
    endpoint->un.sun_family = AF_UNIX;
    memcpy(endpoint->un.sun_path, text, size + 1);
    endpoint->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (*text != '@'));
    if (*text == '@')
        endpoint->un.sun_path[0] = 0;
    return 0;
}

static int name_parse(const char *text, struct tocsin__address *address)
{
    if (!*text || strlen(text) >= sizeof address->name)
        return tocsin__because(-EINVAL, "the name is empty or too long");
    strcpy(address->name, text);
    return 0;
}

static int fd_parse(const char *text, struct tocsin__address *address)
{
    address->fd = number_parse(text, 1 << 30);
    return address->fd < 0 ? tocsin__because(-EINVAL, "the descriptor is not a number") : 0;
}

static int file_parse(const char *text, struct tocsin__address *address)
{
    if (!*text)
        return tocsin__because(-EINVAL, "the address has no path: use file:PATH");
    if (strlen(text) >= PATH_MAX)
        return tocsin__because(-ENAMETOOLONG, "the path is longer than %d bytes", PATH_MAX - 1);
    address->path = text;
    return 0;
}

/* "SCHEME:HOST:PORT", with a layer that was registered for the scheme. */
static int layered_parse(const char *text, struct tocsin__address *address)
{
    size_t size = strcspn(text, ":");

    address->layer = tocsin__layer_find(text, size);
    if (address->layer)
        return internet_parse(text + size + 1, address);
    if (strncmp(text, "tls:", 4) == 0)
        return tocsin__because(-ENOTSUP, "no library has registered TLS: link libtocsin-net");
    return tocsin__because(-ENOTSUP,
                           "'%s' does not begin with a scheme that is supported here, such as "
                           "tcp:HOST:PORT, unix:/PATH or fd:N",
                           text);
}

int tocsin__address_parse(const char *text, struct tocsin__address *ret_address)
{
    static const struct {
        const char *scheme;
        int (*parse)(const char *text, struct tocsin__address *address);
    } schemes[] = {
        [TOCSIN__SCHEME_TCP] = { "tcp:", internet_parse },
        [TOCSIN__SCHEME_UDP] = { "udp:", internet_parse },
        [TOCSIN__SCHEME_UNIX] = { "unix:", unix_parse },
        [TOCSIN__SCHEME_FD] = { "fd:", fd_parse },
        [TOCSIN__SCHEME_FILE] = { "file:", file_parse },
        [TOCSIN__SCHEME_SYSTEMD] = { "systemd:", name_parse },
    };

    memset(ret_address, 0, sizeof *ret_address);
    if (!text)
        return tocsin__because(-EINVAL, "the address is NULL");
    if (!strchr(text, ':'))
        return tocsin__because(-EINVAL,
                               "the address has no scheme: use tcp:HOST:PORT or unix:/PATH");
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t size = strlen(schemes[i].scheme);

        if (strncmp(text, schemes[i].scheme, size) != 0)
            continue;
        ret_address->scheme = (enum tocsin__scheme)i;
        return schemes[i].parse(text + size, ret_address);
    }
    return layered_parse(text, ret_address);
}

static void unix_text(const struct tocsin__endpoint *endpoint, char *buffer, size_t size)
{
    size_t length = endpoint->size - offsetof(struct sockaddr_un, sun_path);
    bool is_abstract = endpoint->size > offsetof(struct sockaddr_un, sun_path) &&
                       !endpoint->un.sun_path[0];

    if (endpoint->size <= offsetof(struct sockaddr_un, sun_path))
        snprintf(buffer, size, "unix:");
    else if (is_abstract)
        snprintf(buffer, size, "unix:@%.*s", (int)(length - 1), endpoint->un.sun_path + 1);
    else
        snprintf(buffer, size, "unix:%.*s", (int)length, endpoint->un.sun_path);
}

void tocsin__address_text(const struct tocsin__endpoint *endpoint, char *buffer, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "";
    const struct in6_addr *in6 = &endpoint->in6.sin6_addr;
    char zone[IF_NAMESIZE + 1] = "";

    *buffer = 0;
    if (endpoint->any.sa_family == AF_UNIX) {
        unix_text(endpoint, buffer, size);
    } else if (endpoint->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &endpoint->in.sin_addr, host, sizeof host);
        snprintf(buffer, size, "tcp:%s:%u", host, ntohs(endpoint->in.sin_port));
    } else if (endpoint->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(in6)) {
        inet_ntop(AF_INET, &in6->s6_addr[12], host, sizeof host);
        snprintf(buffer, size, "tcp:%s:%u", host, ntohs(endpoint->in6.sin6_port));
    } else if (endpoint->any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, in6, host, sizeof host);
        if (endpoint->in6.sin6_scope_id)
            snprintf(zone, sizeof zone, "%%%u", endpoint->in6.sin6_scope_id);
        snprintf(buffer, size, "tcp:[%s%s]:%u", host, zone, ntohs(endpoint->in6.sin6_port));
    }
}
