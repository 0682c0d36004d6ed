/* Origins: scheme, host and port of the running fetches. An origin counts its fetches and
   connections, for the limit per_host. */
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
    unsigned active;  /* fetches that have a permit of this origin */
    unsigned sockets; /* connections open or being opened */
    struct tocsin__net_resolve
        *resolve; /* the addresses of the origin, or their lookup; NULL: neither */
    struct tocsin__net_queue waiting; /* fetches that wait for a permit */
    LIST_ENTRY(tocsin__net_origin) link;
};
LIST_HEAD(tocsin__net_origin_list, tocsin__net_origin);

enum { TOCSIN__NET_ORIGINS = 64 }; /* buckets */

struct tocsin__net_origins {
    struct tocsin__net_origin_list bucket[TOCSIN__NET_ORIGINS];
    struct tocsin__net_origin *newest; /* the last one used: often the next fetch has it too */
    char *front;                       /* the beginning of its URLs, up to the path */
    size_t front_size;
};

/* Returns the origin of a URL; call tocsin__net_origin_unref. Errors as tocsin__net_url_site. */
int tocsin__net_origin_find(struct tocsin__net_origins *origins, const char *url,
                            struct tocsin__net_origin **ret_origin, const char **ret_reason);
void tocsin__net_origin_unref(struct tocsin__net_origin *origin);
void tocsin__net_origins_free(struct tocsin__net_origins *origins);

#endif
