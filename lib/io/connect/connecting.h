/* What a stream has until it is connected, and its last steps: the layer begins, the stream is
 * open.
 */
#ifndef TOCSIN_IO_CONNECTING_H
#define TOCSIN_IO_CONNECTING_H

#include <tocsin/layer.h>

#include "io/address.h"
#include "io/resolve.h"
#include "io/stream/stream.h"
#include "loop/clock.h"

struct tocsin__connecting {
    struct tocsin__stream *stream;
    struct tocsin__timer retry;       /* until the next attempt */
    struct tocsin__attempt *attempts; /* beside the one with the readiness of the stream */
    struct tocsin_op resolving;       /* on the pool; zero: no name is being resolved there */
    const struct tocsin_resolver_type *resolver; /* it has been asked; NULL: it has not */
    void *asked;                                 /* the state of the resolver */
    const struct tocsin_layer_type *layer;       /* NULL: none */
    int64_t began_us, resolved_us, connected_us, secured_us;
    int port;
    struct tocsin__endpoint local;          /* the address to bind to; size 0: none */
    int error;                              /* of the attempt that has failed last */
    const struct tocsin__endpoint *failed;  /* its address; NULL: none has failed */
    const char *failed_step;                /* what has failed with that address: "connect to" */
    const char *step;                       /* what the attempt that begins is about to do */
    const struct tocsin__endpoint *primary; /* the address of the readiness of the stream */
    int count, at; /* number of addresses, and the index of the one that is tried next */
    struct tocsin__endpoint endpoints[TOCSIN__ENDPOINTS_MOST];
    char name[256]; /* the host that is resolved */
    char host[256]; /* the name that the layer expects the peer to have */
};

/* Makes busy->connecting. -ENOMEM */
int tocsin__connecting_make(struct tocsin__stream *stream);
/* Sets the options of a TCP socket. */
void tocsin__connecting_set_options(const struct tocsin__stream *stream, int fd);
/* The descriptor is connected: the layer begins, if there is one. */
void tocsin__connecting_connected(struct tocsin__stream *stream);
/* Goes on with the handshake of the layer. */
void tocsin__connecting_handshake(struct tocsin__stream *stream);
/* Gives the reason of a stream whose open_ms has passed. */
void tocsin__connecting_timed_out(struct tocsin__stream *stream);
/* Fills in how long resolving and connecting took. */
void tocsin__connecting_times(const struct tocsin__stream *stream,
                              struct tocsin_stream_connected *ret_connected);

#endif
