/* Converts addresses of datagrams between text and struct sockaddr. The text of an IPv4 address is
   written without inet_ntop and printf, which are slow, since each received datagram needs this
   text. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/refusal.h"
#include "io/datagram/peer.h"

enum { UNIX_BEGIN = offsetof(struct sockaddr_un, sun_path) };

/* Unix names as hexadecimal digits */

static int digit_value(char digit)
{
    return digit >= '0' && digit <= '9'   ? digit - '0'
           : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                                          : -1;
}

static int hex_parse(const char *hex, struct tocsin__endpoint *endpoint)
{
    size_t size = strlen(hex) / 2;

    if (!size || strlen(hex) % 2 || size > sizeof endpoint->un.sun_path)
        return tocsin__because(-EINVAL, "the hexadecimal name is empty, odd or too long");
    endpoint->un.sun_family = AF_UNIX;
    endpoint->size = (socklen_t)(UNIX_BEGIN + size);
    for (size_t i = 0; i < size; i++) {
        int high = digit_value(hex[2 * i]), low = digit_value(hex[2 * i + 1]);

        if (high < 0 || low < 0)
            return tocsin__because(-EINVAL, "the name is not hexadecimal: 0 to 9, a to f");
        endpoint->un.sun_path[i] = (char)(16 * high + low);
    }
    return 0;
}

static void hex_text(const char *name, size_t size, char *text)
{
    text += sprintf(text, "unix:#");
    for (size_t i = 0; i < size; i++)
        text += sprintf(text, "%02x", (unsigned char)name[i]);
}

/* Writes the text of a Unix name. A path may end with a NUL, and an abstract name begins with one.
   A name that contains another NUL is written as hexadecimal digits. */
static void unix_text(const struct tocsin__endpoint *endpoint, char *text)
{
    const char *name = endpoint->un.sun_path;
    size_t size = endpoint->size > UNIX_BEGIN ? endpoint->size - UNIX_BEGIN : 0,
           length = size && *name ? strnlen(name, size) : size;

    if (!size)
        *text = 0;
    else if (*name && *name != '#')
        sprintf(text, "unix:%.*s", (int)length, name);
    else if (*name)
        hex_text(name, length, text);
    else if (size == 1 || memchr(name + 1, 0, size - 1))
        hex_text(name, size, text);
    else
        sprintf(text, "unix:@%.*s", (int)(size - 1), name + 1);
}

/* Internet addresses */

static char *number_write(char *at, unsigned number)
{
    char digits[10], *digit = digits + sizeof digits;

    do
        *--digit = (char)('0' + number % 10);
    while (number /= 10);
    memcpy(at, digit, (size_t)(digits + sizeof digits - digit));
    return at + (digits + sizeof digits - digit);
}

static void ipv4_text(const unsigned char *address, unsigned port, char *text)
{
    memcpy(text, "udp:", 4);
    text += 4;
    for (int i = 0; i < 4; i++) {
        text = number_write(text, address[i]);
        *text++ = i < 3 ? '.' : ':';
    }
    *number_write(text, port) = 0;
}

static void ipv6_text(const struct sockaddr_in6 *in6, char *text)
{
    char host[INET6_ADDRSTRLEN];

    inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
    text += sprintf(text, "udp:[%s", host);
    if (in6->sin6_scope_id)
        text += sprintf(text, "%%%u", in6->sin6_scope_id);
    sprintf(text, "]:%u", ntohs(in6->sin6_port));
}

void tocsin__peer_text(const struct tocsin__endpoint *endpoint, char text[TOCSIN__PEER_TEXT])
{
    const struct sockaddr_in6 *in6 = &endpoint->in6;

    *text = 0;
    if (!endpoint->size)
        return;
    if (endpoint->any.sa_family == AF_UNIX)
        unix_text(endpoint, text);
    else if (endpoint->any.sa_family == AF_INET)
        ipv4_text((const unsigned char *)&endpoint->in.sin_addr, ntohs(endpoint->in.sin_port),
                  text);
    else if (endpoint->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
        ipv4_text(&in6->sin6_addr.s6_addr[12], ntohs(in6->sin6_port), text);
    else if (endpoint->any.sa_family == AF_INET6)
        ipv6_text(in6, text);
}

/* Parsing */

int tocsin__peer_address(const char *text, struct tocsin__address *ret_address)
{
    int err;

    if (text && strncmp(text, "unix:#", 6) == 0) {
        memset(ret_address, 0, sizeof *ret_address);
        ret_address->scheme = TOCSIN__SCHEME_UNIX;
        return hex_parse(text + 6, &ret_address->endpoint);
    }
    if (text && strcmp(text, "unix:@") == 0) {
        memset(ret_address, 0, sizeof *ret_address);
        ret_address->scheme = TOCSIN__SCHEME_UNIX;
        ret_address->endpoint.un.sun_family = AF_UNIX;
        ret_address->endpoint.size = UNIX_BEGIN;
        return 0;
    }
    err = tocsin__address_parse(text, ret_address);
    if (err == 0 && ret_address->scheme != TOCSIN__SCHEME_UDP &&
        ret_address->scheme != TOCSIN__SCHEME_UNIX && ret_address->scheme != TOCSIN__SCHEME_FD)
        err = tocsin__because(-ENOTSUP,
                              "this scheme has no datagrams: use udp:HOST:PORT or unix:/PATH");
    return err;
}

int tocsin__peer_parse(const char *text, struct tocsin__endpoint *ret_endpoint)
{
    struct tocsin__address address;
    int err = tocsin__peer_address(text, &address);

    if (err < 0)
        return err;
    if (address.scheme == TOCSIN__SCHEME_FD || address.is_any ||
        (address.scheme == TOCSIN__SCHEME_UDP && !address.port) ||
        address.endpoint.size == UNIX_BEGIN)
        return tocsin__because(-EINVAL, "no datagram can be sent to '%s'", text);
    if (!address.endpoint.size)
        return tocsin__because(-EINVAL, "'%s' is a host name: only options.to is resolved",
                               address.name);
    *ret_endpoint = address.endpoint;
    return 0;
}

void tocsin__peer_of(int fd, bool is_local, struct tocsin__endpoint *ret_endpoint)
{
    ret_endpoint->size = sizeof ret_endpoint->un;
    if ((is_local ? getsockname(fd, &ret_endpoint->any, &ret_endpoint->size)
                  : getpeername(fd, &ret_endpoint->any, &ret_endpoint->size)) < 0)
        ret_endpoint->size = 0;
}
