/* Addresses as text: "tcp:HOST:PORT", "unix:/PATH", "unix:@NAME", "fd:N", "file:PATH",
   "systemd:NAME". */
#ifndef TOCSIN_IO_ADDRESS_H
#define TOCSIN_IO_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

enum tocsin__scheme {
    TOCSIN__SCHEME_TCP,
    TOCSIN__SCHEME_UDP,
    TOCSIN__SCHEME_UNIX,
    TOCSIN__SCHEME_FD,
    TOCSIN__SCHEME_FILE,
    TOCSIN__SCHEME_SYSTEMD
};

/* An address of a socket. */
struct tocsin__endpoint {
    socklen_t size;
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    };
};

struct tocsin_layer_type;

struct tocsin__address {
    enum tocsin__scheme scheme;
    int fd;                                /* for "fd:" */
    const char *path;                      /* for "file:"; points into the text that was parsed */
    int port;                              /* for "tcp:" and "udp:" */
    bool is_any;                           /* the host was "*" */
    const struct tocsin_layer_type *layer; /* NULL: none */
    char host[256];                   /* for "tcp:": the host as it was written, without brackets */
    char name[256];                   /* a host name that must be resolved, or a name for systemd */
    struct tocsin__endpoint endpoint; /* size 0: there is only a name or a path */
};

/* Parses an address. -EINVAL: the text is malformed; -ENAMETOOLONG; -ENOTSUP: the scheme is
   unknown */
int tocsin__address_parse(const char *text, struct tocsin__address *ret_address);
/* Writes the text of an endpoint. An IPv4 address that is mapped into IPv6 is written as IPv4. */
void tocsin__address_text(const struct tocsin__endpoint *endpoint, char *buffer, size_t size);

#endif
