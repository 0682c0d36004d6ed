/* For providers: a layer between streams and their descriptors, such as TLS, and a resolver of host
   names. libtocsin-net is to provide both.

   A layer transforms the bytes between a stream and its socket. A stream with a layer is opened by
   the scheme of the layer: "tls:HOST:PORT". It is connected when the handshake has succeeded. The
   functions of a layer are called on the thread of the stream's loop, never wait, and make the
   system calls on the descriptor, which is non-blocking. If a function cannot go on, it returns
   -EAGAIN and says what it waits for. A function may wait for the other direction: a read for
   TOCSIN_LAYER_WRITE. Then it is called again, with the
   same bytes, perhaps at another address, and perhaps more.

   A layer may hold bytes that it has received, but not returned: read is called until it returns
   -EAGAIN, before the loop waits for the descriptor again. */
#ifndef TOCSIN_LAYER_H
#define TOCSIN_LAYER_H

#include <tocsin/stream.h>

TOCSIN__BEGIN

/* A layer that returns -EAGAIN sets these flags: it waits until the descriptor can be read or
   written. */
enum { TOCSIN_LAYER_READ = 1, TOCSIN_LAYER_WRITE = 2 };

/* The functions of a layer. get and reason may be NULL. spare: zero. */
struct tocsin_layer_type {
    /* Begins. config: tocsin_stream_options.tls.id. host: the name of the peer; NULL: the stream is
       a server. Returns 0 and sets ret_state; or -errno, or a status of a protocol */
    int (*open)(uint64_t config, const char *host, int fd, void **ret_state);
    /* Returns 0: the layer is ready; -EAGAIN and ret_wants; or an error, which ends the stream. */
    int (*handshake)(void *state, unsigned *ret_wants);
    /* As read(2): bytes; 0: the peer has ended its side; -EAGAIN and ret_wants; another error,
       such as TOCSIN_ETRUNCATED: the connection has ended without an end of the layer. */
    int64_t (*read)(void *state, void *buffer, size_t size, unsigned *ret_wants);
    /* As write(2): bytes that the kernel has accepted; -EAGAIN and ret_wants; another error. */
    int64_t (*write)(void *state, const void *data, size_t size, unsigned *ret_wants);
    /* Ends the outgoing side, after all data. 0: it has ended, also for a second call; -EAGAIN and
       ret_wants; an error */
    int (*shutdown)(void *state, unsigned *ret_wants);
    /* Fills in protocol, tls_version and subject. */
    int (*get)(void *state, struct tocsin_stream_facts *facts);
    /* Why handshake, read or write has failed: a text that is never freed, for stream.closed. */
    const char *(*reason)(void *state);
    /* Frees the state. It neither closes nor uses the descriptor. */
    void (*free)(void *state);
    uintptr_t spare[4];
};

/**
 * Registers a layer for the addresses "SCHEME:HOST:PORT", once in a process. The layer "tls" also
 * serves "tcp:" addresses with tocsin_stream_options.tls.
 *
 * @owner   scheme and type are borrowed for the life of the process, and stay registered
 * @return  0; -EINVAL: an argument is NULL, a function is missing, a spare word is not zero, or the
 *          scheme is not made of lower-case letters; -EEXIST: the scheme is taken; -ENOSPC: eight
 *          layers are registered
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_layer_provide(const char *scheme, const struct tocsin_layer_type *type);

/* The functions of a resolver, called on the thread of the stream's loop. spare: zero. */
struct tocsin_resolver_type {
    /* Begins to find the addresses of a host. The resolver calls tocsin_resolver_done once, perhaps
       before this returns, unless it was cancelled. Returns 0 and sets ret_state; or -errno, and
       tocsin_resolver_done is not called */
    int (*start)(const char *host, uint64_t request, void **ret_state);
    /* The addresses are not wanted any more. Not called after tocsin_resolver_done. */
    void (*cancel)(void *state);
    uintptr_t spare[4];
};

/**
 * Registers the resolver of the process, once. Until then getaddrinfo(3) resolves names, on a
 * thread of the process's pool.
 *
 * @owner   type is borrowed for the life of the process
 * @return  0; -EINVAL: type is NULL, a function is missing, or a spare word is not zero; -EEXIST:
 *          there is a resolver
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_resolver_provide(const struct tocsin_resolver_type *type);

/**
 * Gives a stream the addresses that a resolver has found. Each is a struct sockaddr_in or
 * sockaddr_in6, whose port is not used; others are left out, as are those behind the sixteenth.
 * status: 0, or a negative error, such as TOCSIN_ENAME.
 *
 * @owner   the addresses are borrowed until this returns
 * @return  0; -EINVAL: status is positive, or addresses is NULL; -ENOENT: nobody waits for this
 *          request any more; -EXDEV: it belongs to the loop of another thread
 * @emits   none
 * @thread  loop
 * @source  POSIX getaddrinfo(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_resolver_done(uint64_t request, int status,
                                    const struct tocsin_bytes *addresses, size_t count);

TOCSIN__END
#endif
