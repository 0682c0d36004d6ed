/* An origin is the scheme, host and port of running fetches. It counts its fetches and connections,
   for the limit per_host. */
#ifndef TOCSIN_NET_ORIGIN_H
#define TOCSIN_NET_ORIGIN_H

#include <sys/queue.h>

#include "net/url.h"

struct tocsin__net_client;
struct tocsin__net_fetch;
struct tocsin__net_resolve;
TAILQ_HEAD(tocsin__net_queue, tocsin__net_fetch);

struct tocsin__net_origin {
    struct tocsin__net_site site;
    unsigned refs;
    unsigned active;  /* number of fetches that have a permit of this origin */
    unsigned sockets; /* number of connections that are open or being opened */
    struct tocsin__net_resolve
        *resolve; /* the addresses of the origin, or the running lookup; NULL: neither */
    struct tocsin__net_queue waiting; /* queue of the fetches that wait for a permit */
    LIST_ENTRY(tocsin__net_origin) link;
};
LIST_HEAD(tocsin__net_origin_list, tocsin__net_origin);

enum { TOCSIN__NET_ORIGINS = 64 }; /* number of buckets of the hash table */

struct tocsin__net_origins {
    struct tocsin__net_origin_list bucket[TOCSIN__NET_ORIGINS];
    struct tocsin__net_origin *newest; /* the origin that was used last: the next fetch often has
                                          the same origin */
    char *front;                       /* the beginning of the newest origin's URLs, up to the
                                          path */
    size_t front_size;
};

/* Finds the origin of a URL. The caller must give the origin back with tocsin__net_origin_unref.
   Returns 0, or an error as tocsin__net_url_site does. */
int tocsin__net_origin_find(struct tocsin__net_origins *origins, const char *url,
                            struct tocsin__net_origin **ret_origin, const char **ret_reason);
void tocsin__net_origin_unref(struct tocsin__net_origin *origin);
void tocsin__net_origins_free(struct tocsin__net_origins *origins);

#endif
