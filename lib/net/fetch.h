/* A fetch: the state of the operation. It waits for a permit, looks up its name, is in transfer,
   and ends; a redirect begins anew. */
#ifndef TOCSIN_NET_FETCH_H
#define TOCSIN_NET_FETCH_H

#include <tocsin/http.h>

#include "net/chunks.h"
#include "net/client.h"
#include "net/framing.h"
#include "net/mem.h"
#include "net/request.h"

enum { TOCSIN__NET_HEADERS, TOCSIN__NET_BODY }; /* the progress signals */

/* The part of the reply that is expected next. */
enum tocsin__net_part { TOCSIN__NET_STATUS_LINE, TOCSIN__NET_FIELDS, TOCSIN__NET_CONTENT };

struct tocsin__net_transfer;

struct tocsin__net_fetch {
    struct tocsin_http_client_done done;
    struct tocsin_op op;
    struct tocsin__net_client *client;
    struct tocsin__net_origin *origin;
    struct tocsin__net_request *request; /* NULL: a plain GET */
    struct tocsin__net_resolve *resolve; /* NULL: the fetch waits for no lookup */
    TAILQ_ENTRY(tocsin__net_fetch) resolve_link;
    struct tocsin__net_transfer *transfer; /* NULL: not in transfer */
    struct tocsin__net_queue *queue; /* the queue that contains the fetch by its link; NULL: none */
    TAILQ_ENTRY(tocsin__net_fetch) link;

    char *url, *reason;
    struct tocsin__net_buffer header; /* of the reply */
    struct tocsin__net_buffer
        body; /* body of the reply; if streamed: the part that is being announced */
    size_t limit_bytes;
    uint64_t received;
    int redirects; /* the most redirects to follow; -1: follow none */
    int code;
    int status; /* why this library ended the transfer; 0: it did not */
    /* constant sentence for status; NULL: use the text of the status */
    const char *fault;
    struct tocsin__net_framing framing; /* how the reply states the length of its body */
    struct tocsin__net_chunks chunks;
    void *tls; /* the SSL object, if close_notify must end the reply */
    enum tocsin__net_part part;
    bool streamed, paused;
    bool following;  /* the reply is a redirect that is followed */
    bool broken;     /* the socket cannot be watched */
    bool tls_closed; /* close_notify was received */
    bool nameless;   /* begun without addresses, in the hope of a kept connection */

    int64_t started_us; /* when the fetch was started */
    int64_t begun_us;   /* when the current phase began */
    /* when the fetch was connected and got its first byte, where libcurl does not report it */
    int64_t connected_us, first_us;
    struct tocsin_http_client_headers headers;
    struct tocsin_http_client_body piece;
};

void tocsin__net_fetch_go(
    struct tocsin__net_fetch *fetch); /* Begins the fetch, which must have a permit. */
/* Called when the name has been looked up. */
void tocsin__net_fetch_named(struct tocsin__net_fetch *fetch, int status, const char *entry,
                             const char *reason);
/* Called when libcurl has finished the transfer. */
void tocsin__net_fetch_done(struct tocsin__net_fetch *fetch, CURLcode code);
/* End the operation. The fetch may be freed afterwards. */
void tocsin__net_fetch_end(struct tocsin__net_fetch *fetch, int status, const char *reason);
void tocsin__net_fetch_end_curl(struct tocsin__net_fetch *fetch, CURLcode code);

#endif
