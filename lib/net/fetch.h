/* A fetch: the state of its operation. The fetch waits for a permit, looks up the name, transfers,
   and ends. A redirect begins these steps again. */
#ifndef TOCSIN_NET_FETCH_H
#define TOCSIN_NET_FETCH_H

#include <tocsin/http.h>

#include "net/chunks.h"
#include "net/client.h"
#include "net/framing.h"
#include "net/mem.h"
#include "net/request.h"

enum { TOCSIN__NET_HEADERS, TOCSIN__NET_BODY }; /* the indices of the progress signals */

/* The part of the reply that libcurl passes next. */
enum tocsin__net_part { TOCSIN__NET_STATUS_LINE, TOCSIN__NET_FIELDS, TOCSIN__NET_CONTENT };

struct tocsin__net_transfer;

struct tocsin__net_fetch {
    struct tocsin_http_client_done done;
    struct tocsin_op op;
    struct tocsin__net_client *client;
    struct tocsin__net_origin *origin;
    struct tocsin__net_request *request; /* the request; NULL: a GET without anything else */
    struct tocsin__net_resolve *resolve; /* the lookup that the fetch waits for; NULL: none */
    TAILQ_ENTRY(tocsin__net_fetch) resolve_link;
    struct tocsin__net_transfer *transfer; /* the transfer; NULL: the fetch is not in transfer */
    struct tocsin__net_queue *queue;       /* the queue in which the fetch waits; NULL: none */
    TAILQ_ENTRY(tocsin__net_fetch) link;

    char *url, *reason;
    struct tocsin__net_buffer header; /* header of the reply */
    struct tocsin__net_buffer
        body; /* body of the reply; of a streamed reply, only the part that is being announced */
    size_t limit_bytes;
    uint64_t received;
    int redirects; /* the most redirects that are followed; -1: none */
    int code;
    int status; /* the error for which this library ended the transfer early; 0: none */
    /* a constant sentence about the error in status; NULL: the text of the status is used */
    const char *fault;
    struct tocsin__net_framing framing; /* how the reply states the length of its body */
    struct tocsin__net_chunks chunks;
    void *tls; /* the SSL object, if the reply must end with close_notify */
    enum tocsin__net_part part;
    bool streamed, paused;
    bool following;  /* true if the reply is a redirect that is followed */
    bool broken;     /* the socket of the fetch cannot be watched */
    bool tls_closed; /* close_notify was received */
    bool nameless;   /* the fetch has begun without addresses, because a kept connection may be
                        free */

    int64_t started_us; /* time at which the fetch was started */
    int64_t begun_us;   /* time at which the current phase began */
    /* times at which the fetch was connected and at which its first byte arrived; used if libcurl
       does not report them */
    int64_t connected_us, first_us;
    struct tocsin_http_client_headers headers;
    struct tocsin_http_client_body piece;
};

void tocsin__net_fetch_go(
    struct tocsin__net_fetch *fetch); /* begins the fetch, which must have a permit */
/* Called when the lookup of the name has ended. */
void tocsin__net_fetch_named(struct tocsin__net_fetch *fetch, int status, const char *entry,
                             const char *reason);
/* Called when libcurl has finished the transfer. */
void tocsin__net_fetch_done(struct tocsin__net_fetch *fetch, CURLcode code);
/* Both functions end the operation of a fetch. When they return, the fetch may have been freed. */
void tocsin__net_fetch_end(struct tocsin__net_fetch *fetch, int status, const char *reason);
void tocsin__net_fetch_end_curl(struct tocsin__net_fetch *fetch, CURLcode code);

#endif
