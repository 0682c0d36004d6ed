/* A real HTTP server for the tests: on loopback, on a port that the system chooses, a thread for each connection, in plain
   or over TLS. What it answers depends on the path:

       /echo             the request as it came: method, path, header, body
       /bytes/N          N bytes, each byte_at(its offset)          /chunked/N   the same, chunked, with a trailer
       /status/N         this code, and a short body                /empty       204
       /to/CODE/WHERE    a redirect; WHERE is Location as it is
       /fragment         a redirect to /echo#own
       /loop             a redirect to itself                       /hops/N      N redirects, then /echo
       /slow/MS          /echo, later                               /wait        /echo, when peer_release is called
       /never            nothing, until the peer closes
       /stall            half of a body, then nothing
       /cut  /cut-chunk  half of a body, then the end
       /reset            a reset instead of a reply                 /hang-up     the end instead of a reply
       /garbage          no HTTP                                    /bad-chunk   a chunk that is none
       /early            a 103 before the reply                     /long-header a header without end
       /close            a reply, and the connection is closed */
#ifndef T_NET_PEER_H
#define T_NET_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

struct peer;

struct peer *peer_start(SSL_CTX *tls);                     /* NULL: in plain */
struct peer *peer_start_rude(void);                        /* closes each connection as soon as something comes */
void peer_stop(struct peer *peer);                         /* and every thread and descriptor of it */
void peer_release(struct peer *peer, int count);           /* lets so many /wait go */

int  peer_port(const struct peer *peer);
const char *peer_url(const struct peer *peer, const char *path);   /* one of the last 64 answers */
const char *peer_url_at(const struct peer *peer, const char *host, const char *path);

int  peer_requests(struct peer *peer);                     /* so far */
int  peer_connections(struct peer *peer);                  /* so far */
int  peer_open_most(struct peer *peer);                    /* connections at a time */
int  peer_busy_most(struct peer *peer);                    /* requests at a time */
int  peer_waiting(struct peer *peer);                      /* in /wait, /never and /stall, now */
char peer_byte_at(size_t offset);
int  peer_free_port(void);                                 /* where nobody listens */

/* Certificates, made when they are asked for: an authority, and what it signs. */
struct authority { EVP_PKEY *key; X509 *certificate; char file[64]; };     /* file: PEM */
void authority_make(struct authority *authority);
void authority_free(struct authority *authority);
SSL_CTX *authority_server(const struct authority *authority, const char *names);   /* "DNS:localhost,IP:127.0.0.1" */

#endif
