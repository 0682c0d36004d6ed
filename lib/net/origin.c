#include <string.h>

#include <tocsin/base.h>

#include "net/assert.h"
#include "net/mem.h"
#include "net/origin.h"

static struct tocsin__net_origin_list *bucket_of(struct tocsin__net_origins *origins,
                                                 const struct tocsin__net_site *site)
{
    unsigned hash = site->secure;

    for (const char *c = site->host; *c; c++)
        hash = hash * 31 + (unsigned char)*c;
    for (const char *c = site->port; *c; c++)
        hash = hash * 31 + (unsigned char)*c;
    return &origins->bucket[hash % TOCSIN__NET_ORIGINS];
}

static struct tocsin__net_origin *origin_lookup(struct tocsin__net_origin_list *bucket,
                                                const struct tocsin__net_site *site)
{
    struct tocsin__net_origin *origin;

    LIST_FOREACH (origin, bucket, link)
        if (origin->site.secure == site->secure && strcmp(origin->site.host, site->host) == 0 &&
            strcmp(origin->site.port, site->port) == 0)
            return origin;
    return NULL;
}

static struct tocsin__net_origin *origin_new(struct tocsin__net_origin_list *bucket,
                                             const struct tocsin__net_site *site)
{
    struct tocsin__net_origin *origin = tocsin__net_alloc(sizeof *origin);

    if (!origin)
        return NULL;
    origin->site = *site;
    TAILQ_INIT(&origin->waiting);
    LIST_INSERT_HEAD(bucket, origin, link);
    return origin;
}

/* Remembers the origin that was used last. If there is no memory, the next fetch looks up its
   origin in the table. */
static void origins_set_newest(struct tocsin__net_origins *origins,
                               struct tocsin__net_origin *origin, const char *url)
{
    size_t size = tocsin__net_url_front(url);
    char *front = tocsin__net_copy_text(url, size);

    if (!front)
        return;
    origin->refs++;
    if (origins->newest)
        tocsin__net_origin_unref(origins->newest);
    tocsin__net_release(origins->front);
    origins->newest = origin, origins->front = front, origins->front_size = size;
}

static bool is_newest(const struct tocsin__net_origins *origins, const char *url)
{
    return origins->newest && strncmp(url, origins->front, origins->front_size) == 0 &&
           (url[origins->front_size] == '/' || !url[origins->front_size]);
}

int tocsin__net_origin_find(struct tocsin__net_origins *origins, const char *url,
                            struct tocsin__net_origin **ret_origin, const char **ret_reason)
{
    struct tocsin__net_site site = { .secure = false };
    struct tocsin__net_origin *origin = is_newest(origins, url) ? origins->newest : NULL;

    if (!origin) {
        int err = tocsin__net_url_site(url, &site, ret_reason);

        if (err < 0)
            return err;
        struct tocsin__net_origin_list *bucket = bucket_of(origins, &site);

        origin = origin_lookup(bucket, &site);
        if (!origin && !(origin = origin_new(bucket, &site)))
            return -ENOMEM;
        origins_set_newest(origins, origin, url);
    }
    origin->refs++;
    *ret_origin = origin;
    return 0;
}

void tocsin__net_origin_unref(struct tocsin__net_origin *origin)
{
    tocsin__net_assert(origin->refs > 0);
    if (--origin->refs > 0)
        return;
    tocsin__net_assert(origin->active == 0 && origin->sockets == 0);
    tocsin__net_assert(TAILQ_EMPTY(&origin->waiting));
    LIST_REMOVE(origin, link);
    tocsin__net_release(origin);
}

void tocsin__net_origins_free(struct tocsin__net_origins *origins)
{
    if (origins->newest)
        tocsin__net_origin_unref(origins->newest);
    tocsin__net_release(origins->front);
    *origins = (struct tocsin__net_origins){ .newest = NULL };
}
