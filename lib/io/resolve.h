/* Resolves a host name on a thread of the process's pool, by getaddrinfo. */
#ifndef TOCSIN_IO_RESOLVE_H
#define TOCSIN_IO_RESOLVE_H

#include "io/address.h"

enum { TOCSIN__ENDPOINTS_MOST = 16 };

/* A lookup of a name, shared by the thread that looks and the loop. */
struct tocsin__resolve {
    uint64_t stream; /* id of the stream */
    int error;       /* 0; TOCSIN_ENAME, another negative error */
    const char *why; /* the text of the error */
    int port, count;
    struct tocsin__endpoint found[TOCSIN__ENDPOINTS_MOST];
    void (*done)(struct tocsin__resolve *resolve); /* on the loop */
    char host[256];
};

/* Starts an operation that calls done, unless it is cancelled. */
int tocsin__resolve_start(const char *host, int port, uint64_t stream,
                          void (*done)(struct tocsin__resolve *resolve), struct tocsin_op *ret_op);

#endif
