/* A real HTTP server for the tests. It listens on the loopback interface, on a port that the system
   chooses, with or without TLS. Each connection has a thread. The reply depends on the path:

   /echo              the request: method, path, header, body
   /bytes/N           N bytes, each byte_at(its offset)
   /chunked/N         the same, chunked, with a trailer
   /status/N          this code, and a short body
   /empty             204
   /to/CODE/WHERE     a redirect; Location is WHERE
   /fragment          a redirect to /echo#own
   /loop              a redirect to itself
   /hops/N            N redirects, then /echo
   /slow/MS           /echo after MS milliseconds
   /wait              /echo when peer_release is called
   /never             nothing, until the client closes
   /stall             half of a body, then nothing
   /cut  /cut-chunk   half of a body, then the end
   /reset             a reset instead of a reply
   /hang-up           the end instead of a reply
   /garbage           no HTTP
   /bad-chunk         a malformed chunk
   /early             a 103 before the reply
   /long-header       a header without end
   /close             a reply, then the connection is closed
   /refuse            417, before the body of the request
   /raw               what peer_raw was given */
#ifndef T_NET_PEER_H
#define T_NET_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

struct peer;

struct peer *peer_start(SSL_CTX *tls); /* If tls is NULL, the server does not use TLS. */
/* Starts a server that closes each connection when it receives data. */
struct peer *peer_start_rude(void);
/* Starts a server that serves one connection at a time. A new connection waits until the old one
   has ended. */
struct peer *peer_start_alone(void);
/* ends the server, its threads and its connections */
void peer_stop(struct peer *peer);
/* lets `count` requests of /wait get their reply */
void peer_release(struct peer *peer, int count);

int peer_port(const struct peer *peer);
/* the returned string stays valid during the next 63 calls of this function */
const char *peer_url(const struct peer *peer, const char *path);
const char *peer_url_at(const struct peer *peer, const char *host, const char *path);

/* returns the number of requests that the server has received */
int peer_requests(struct peer *peer);
/* returns the number of connections that the server has accepted */
int peer_connections(struct peer *peer);
/* returns the largest number of connections at the same time */
int peer_open_most(struct peer *peer);
/* returns the largest number of requests at the same time */
int peer_busy_most(struct peer *peer);
/* returns the number of requests that wait in /wait, /never and /stall */
int peer_waiting(struct peer *peer);

/* Sets the reply to each later request of /raw. The reply consists of these bytes, and `end` says
   how the connection ends. Over TLS, PEER_CLOSES sends no close_notify. */
enum peer_end { PEER_KEEPS, PEER_CLOSES, PEER_NOTIFIES, PEER_RESETS };
void peer_raw(struct peer *peer, const void *data, size_t size, enum peer_end end);
char peer_byte_at(size_t offset);
int peer_free_port(void); /* returns a port on which nothing listens */

/* A certificate authority that the tests create. It signs the certificates of their servers. */
struct authority {
    EVP_PKEY *key;
    X509 *certificate;
    char file[64];
}; /* `file` is the name of a file with the certificate, in PEM format */
void authority_make(struct authority *authority);
void authority_free(struct authority *authority);
/* for example "DNS:localhost,IP:127.0.0.1" */
SSL_CTX *authority_server(const struct authority *authority, const char *names);

#endif
