/* Origins: scheme, host and port of the fetches that are under way, and who has a connection there (per_host). */
#ifndef TOCSIN_NET_ORIGIN_H
#define TOCSIN_NET_ORIGIN_H

#include <sys/queue.h>

#include "net/url.h"

struct tocsin__net_client;
struct tocsin__net_fetch;
TAILQ_HEAD(tocsin__net_queue, tocsin__net_fetch);

struct tocsin__net_origin {
    struct tocsin__net_site site;
    unsigned refs, active;                                 /* active: fetches that hold a place here */
    struct tocsin__net_queue waiting;                      /* for one of its places */
    LIST_ENTRY(tocsin__net_origin) link;
};
LIST_HEAD(tocsin__net_origin_list, tocsin__net_origin);

enum { TOCSIN__NET_ORIGINS = 64 };                         /* buckets */

struct tocsin__net_origins {
    struct tocsin__net_origin_list bucket[TOCSIN__NET_ORIGINS];
    struct tocsin__net_origin *newest;                     /* a program that fetches much fetches from one origin at a stretch */
    char *front;                                           /* how its URLs begin */
    size_t front_size;
};

/* The origin of a URL; its reference is to be given back. As tocsin__net_url_site. */
int  tocsin__net_origin_find(struct tocsin__net_origins *origins, const char *url, struct tocsin__net_origin **ret_origin,
                             const char **ret_reason);
void tocsin__net_origin_unref(struct tocsin__net_origin *origin);
void tocsin__net_origins_free(struct tocsin__net_origins *origins);

#endif
