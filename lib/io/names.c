/* The local address and the peer's address of a descriptor, as text. */
#define _GNU_SOURCE /* struct ucred */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "io/address.h"
#include "io/names.h"

static void credentials_get(int fd, struct tocsin_stream_facts *facts)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    facts->pid = facts->uid = facts->gid = -1;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.pid <= 0)
        return;
    facts->pid = peer.pid;
    facts->uid = (int)peer.uid;
    facts->gid = (int)peer.gid;
}

void tocsin__names_get(int fd, struct tocsin_stream_facts *ret_facts)
{
    struct tocsin__endpoint endpoint;

    memset(ret_facts, 0, sizeof *ret_facts);
    ret_facts->pid = ret_facts->uid = ret_facts->gid = -1;
    if (fd < 0)
        return;
    endpoint.size = sizeof endpoint.un;
    if (getsockname(fd, &endpoint.any, &endpoint.size) < 0) {
        snprintf(ret_facts->local, sizeof ret_facts->local, "fd:%d", fd);
        return;
    }
    tocsin__address_text(&endpoint, ret_facts->local, sizeof ret_facts->local);
    if (endpoint.any.sa_family == AF_UNIX)
        credentials_get(fd, ret_facts);
    endpoint.size = sizeof endpoint.un;
    if (getpeername(fd, &endpoint.any, &endpoint.size) == 0)
        tocsin__address_text(&endpoint, ret_facts->peer, sizeof ret_facts->peer);
}
