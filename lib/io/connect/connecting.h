/* The data that a stream has until it is connected, and the last steps of connecting: beginning the
 * layer, opening the stream. */
#ifndef TOCSIN_IO_CONNECTING_H
#define TOCSIN_IO_CONNECTING_H

#include <tocsin/layer.h>

#include "io/address.h"
#include "io/resolve.h"
#include "io/stream/stream.h"
#include "loop/clock.h"

struct tocsin__connecting {
    struct tocsin__stream *stream;
    struct tocsin__timer retry; /* timer of the next attempt */
    /* attempts beside the one that uses the readiness of the stream */
    struct tocsin__attempt *attempts;
    struct tocsin_op resolving;                  /* the lookup on the pool; zero: none is running */
    const struct tocsin_resolver_type *resolver; /* the resolver that was asked; NULL: none */
    void *asked;                                 /* the state of the resolver */
    const struct tocsin_layer_type *layer;       /* NULL: none */
    int64_t began_us, resolved_us, connected_us, secured_us;
    int port;
    struct tocsin__endpoint local; /* the address to bind to; size 0: none */
    int error;                     /* error of the last failed attempt */
    /* address of the last failed attempt; NULL: none has failed */
    const struct tocsin__endpoint *failed;
    const char *failed_step; /* step that has failed with this address, such as "connect to" */
    const char *step;        /* step that the current attempt is taking */
    /* address of the attempt that uses the readiness of the stream */
    const struct tocsin__endpoint *primary;
    int count, at; /* number of addresses, and the index of the one that is tried next */
    struct tocsin__endpoint endpoints[TOCSIN__ENDPOINTS_MOST];
    char name[256]; /* the host name to resolve */
    char host[256]; /* the name that the layer expects the peer to have */
};

/* Makes busy->connecting. -ENOMEM */
int tocsin__connecting_make(struct tocsin__stream *stream);
/* Sets the options of a TCP socket. */
void tocsin__connecting_set_options(const struct tocsin__stream *stream, int fd);
/* Called when the descriptor is connected: begins the layer, if there is one. */
void tocsin__connecting_connected(struct tocsin__stream *stream);
/* Continues the handshake of the layer. */
void tocsin__connecting_handshake(struct tocsin__stream *stream);
/* Gives the reason of a stream whose open_ms has passed. */
void tocsin__connecting_timed_out(struct tocsin__stream *stream);
/* Fills in how long resolving and connecting took. */
void tocsin__connecting_times(const struct tocsin__stream *stream,
                              struct tocsin_stream_connected *ret_connected);

#endif
