/* A fetch: the state of the operation. Queued, looking its name up, in transfer, ended; a redirect leads back. */
#ifndef TOCSIN_NET_FETCH_H
#define TOCSIN_NET_FETCH_H

#include <tocsin/http.h>

#include "net/client.h"
#include "net/mem.h"
#include "net/request.h"

enum { TOCSIN__NET_HEADERS, TOCSIN__NET_BODY };            /* its progress signals */

enum tocsin__net_part { TOCSIN__NET_STATUS_LINE, TOCSIN__NET_FIELDS, TOCSIN__NET_CONTENT };   /* of the reply, expected next */

struct tocsin__net_names;
struct tocsin__net_transfer;

struct tocsin__net_fetch {
    struct tocsin_http_client_done done;
    struct tocsin_op op;
    struct tocsin__net_client *client;
    struct tocsin__net_origin *origin;
    struct tocsin__net_request *request;                   /* NULL: a plain GET */
    struct tocsin__net_names *names;                       /* while they are looked up */
    struct tocsin__net_transfer *transfer;                 /* while it is in transfer */
    struct tocsin__net_queue *queue;                       /* that it stands in */
    TAILQ_ENTRY(tocsin__net_fetch) link;

    char *url, *reason;
    struct tocsin__net_buffer header, body;                /* of the reply; body: of a streamed one the part that is told */
    size_t limit_bytes;
    uint64_t received;
    int redirects;                                         /* how many are followed; -1: they are not followed */
    int code;
    int status;                                            /* why the transfer was given up */
    enum tocsin__net_part part;
    bool streamed, paused, following, broken;

    int64_t started_us, begun_us;                          /* when it was started; when what it does now began */
    int64_t connected_us, first_us;                        /* when these were reached, in cases in which libcurl does not say it */
    struct tocsin_http_client_headers headers;
    struct tocsin_http_client_body piece;
};

void tocsin__net_fetch_go(struct tocsin__net_fetch *fetch);                       /* it has a place */
void tocsin__net_fetch_done(struct tocsin__net_fetch *fetch, CURLcode code);      /* its transfer has ended */
void tocsin__net_fetch_end(struct tocsin__net_fetch *fetch, int status, const char *reason);   /* do not touch it afterwards */
void tocsin__net_fetch_end_curl(struct tocsin__net_fetch *fetch, CURLcode code);  /* likewise */

#endif
