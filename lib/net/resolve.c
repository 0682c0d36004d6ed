#include <arpa/inet.h>
#include <netdb.h>
#include <stdatomic.h>
#include <string.h>

#include <curl/curl.h>

#include "net/assert.h"
#include "net/client.h"
#include "net/fetch.h"
#include "net/mem.h"
#include "net/resolve.h"
#include "net/status.h"

/* The most addresses of one name. libcurl tries them in their order. */
enum { ADDRESSES_MAX = 32 };

/* The argument of the lookup task. The loop and the task share it. The task may still run after the
   loop has cancelled it. So the loop reads the result only if the task has ended by itself. */
struct query {
    atomic_int refs;
    int (*resolve)(const char *host, const char *port, const struct addrinfo *hints,
                   struct addrinfo **ret_list);
    struct addrinfo *list;
    int error; /* the error that getaddrinfo returned (EAI_…), or 0 */
    char port[6];
    char host[TOCSIN__NET_HOST_MAX + 1];
};

/* The addresses of an origin. During the lookup, `query` is set. Afterwards the addresses are kept
   for other fetches, and `entry` is set. */
struct tocsin__net_resolve {
    struct tocsin__net_client *client;
    /* the origin; this struct has a reference to it. NULL: no fetch waits for the lookup */
    struct tocsin__net_origin *origin;
    struct query *query;
    struct tocsin_op work;
    /* the fetches that wait for this lookup, linked by resolve_link */
    struct tocsin__net_queue waiting;
    char *entry;                           /* the addresses in the format of CURLOPT_RESOLVE */
    int64_t until_us;                      /* time until which the addresses are kept */
    TAILQ_ENTRY(tocsin__net_resolve) link; /* link in client->kept, the oldest first */
};

/* The task */

static void query_unref(void *arg)
{
    struct query *query = arg;

    if (atomic_fetch_sub(&query->refs, 1) > 1)
        return;
    if (query->list)
        freeaddrinfo(query->list);
    tocsin__net_release(query);
}

static bool is_localhost(const char *host)
{
    static const char local[] = "localhost";
    size_t size = strlen(host), tail = sizeof local - 1;

    size -= size && host[size - 1] == '.';
    return size >= tail && curl_strnequal(host + size - tail, local, tail) &&
           (size == tail || host[size - tail - 1] == '.');
}

/* Looks up a name. localhost is always the loopback address (RFC 6761 section 6.3), whatever the
   files of the system say. */
static int resolve_by_system(const char *host, const char *port, const struct addrinfo *hints,
                             struct addrinfo **ret_list)
{
    return getaddrinfo(is_localhost(host) ? NULL : host, port, hints, ret_list);
}

static int on_task(void *arg)
{
    struct query *query = arg;
    const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICSERV };

    errno = 0;
    query->error = query->resolve(query->host, query->port, &hints, &query->list);
    return tocsin__net_status_of_name(query->error, errno);
}

static struct query *query_new(const struct tocsin__net_client *client,
                               const struct tocsin__net_origin *origin)
{
    struct query *query = tocsin__net_alloc(sizeof *query);

    if (!query)
        return NULL;
    atomic_init(&query->refs, 2);
    query->resolve = client->options.resolve ? client->options.resolve : resolve_by_system;
    strcpy(query->host, origin->site.host);
    strcpy(query->port, origin->site.port);
    return query;
}

/* The result has the form "+host:port:address,[address]". The plus sign means that the entry of
 * libcurl expires. */

/* Appends an address. Addresses that are neither IPv4 nor IPv6 are skipped. */
static int add_address(struct tocsin__net_buffer *text, const struct sockaddr *address)
{
    char number[INET6_ADDRSTRLEN + 3] = "[";
    bool six = address->sa_family == AF_INET6;
    const void *bytes = six ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)address)->sin_addr;

    if (!six && address->sa_family != AF_INET)
        return 0;
    inet_ntop(address->sa_family, bytes, number + six, INET6_ADDRSTRLEN);
    strcat(number, six ? "]," : ",");
    return tocsin__net_buffer_add(text, number, strlen(number));
}

static int write_addresses(const struct query *query, struct tocsin__net_buffer *text)
{
    size_t front = text->size;
    int err = 0, count = 0;

    for (const struct addrinfo *info = query->list; info && err == 0 && count < ADDRESSES_MAX;
         info = info->ai_next, count++)
        err = add_address(text, info->ai_addr);
    if (err == 0 && text->size == front)
        return TOCSIN_ENAME;
    text->data[text->size - 1] = 0; /* replaces the last comma by a NUL */
    return err;
}

static int write_entry(const struct query *query, char **ret_entry)
{
    const char *const parts[] = { "+", query->host, ":", query->port, ":" };
    struct tocsin__net_buffer text = { NULL, 0, 0 };
    int err = tocsin__net_buffer_reserve(&text, strlen(query->host) + 64);

    for (size_t i = 0; i < sizeof parts / sizeof *parts && err == 0; i++)
        err = tocsin__net_buffer_add(&text, parts[i], strlen(parts[i]));
    if (err == 0)
        err = write_addresses(query, &text);
    if (err == 0)
        *ret_entry = text.data;
    else
        tocsin__net_buffer_free(&text);
    return err;
}

/* Kept results */

static void resolve_free(struct tocsin__net_resolve *resolve)
{
    if (resolve->origin) {
        if (resolve->origin->resolve == resolve)
            resolve->origin->resolve = NULL;
        tocsin__net_origin_unref(resolve->origin);
    }
    tocsin__net_release(resolve->entry);
    tocsin__net_release(resolve);
}

static void kept_drop_oldest(struct tocsin__net_client *client)
{
    struct tocsin__net_resolve *resolve = TAILQ_FIRST(&client->kept);

    tocsin__net_assert(resolve && client->kept_count > 0);
    TAILQ_REMOVE(&client->kept, resolve, link);
    client->kept_count--;
    resolve_free(resolve);
}

static void kept_expire(struct tocsin__net_client *client)
{
    int64_t now_us = tocsin_now();

    while (client->kept_count > 0 && TAILQ_FIRST(&client->kept)->until_us <= now_us)
        kept_drop_oldest(client);
}

static void kept_add(struct tocsin__net_resolve *resolve)
{
    struct tocsin__net_client *client = resolve->client;

    resolve->until_us = tocsin_now() + TOCSIN__NET_RESOLVE_MS * INT64_C(1000);
    TAILQ_INSERT_TAIL(&client->kept, resolve, link);
    if (++client->kept_count > TOCSIN__NET_RESOLVE_MAX)
        kept_drop_oldest(client);
}

void tocsin__net_resolve_forget(struct tocsin__net_client *client)
{
    struct tocsin__net_origin *origin;

    while (client->kept_count > 0)
        kept_drop_oldest(client);
    for (unsigned i = 0; i < TOCSIN__NET_ORIGINS; i++)
        LIST_FOREACH (origin, &client->origins.bucket[i], link)
            origin->resolve = NULL; /* removes the lookup from its origin; the waiting fetches still
                                     * receive its result */
}

/* Lookups */

/* Called when the lookup has ended or was cancelled. A callback of a fetch may request the same
 * name again. If the lookup was successful, the callback gets its addresses; otherwise it starts a
 * new lookup. The result is kept only after the loop below, so that no callback can expire it. */
static int on_work(const struct tocsin_info *info, void *arg)
{
    struct tocsin__net_resolve *resolve = arg;
    struct query *query = resolve->query;
    int status = info->status;
    struct tocsin__net_fetch *fetch;
    const char *reason;

    if (status == 0 && resolve->origin)
        status = write_entry(query, &resolve->entry);
    reason = info->status == TOCSIN_ENAME ? gai_strerror(query->error)
             : status == TOCSIN_ENAME     ? "The name has no address"
                                          : NULL;
    resolve->query = NULL;
    if (status < 0 && resolve->origin && resolve->origin->resolve == resolve)
        resolve->origin->resolve = NULL;
    while ((fetch = TAILQ_FIRST(&resolve->waiting))) {
        TAILQ_REMOVE(&resolve->waiting, fetch, resolve_link);
        fetch->resolve = NULL;
        tocsin__net_fetch_named(fetch, status, resolve->entry, reason);
    }
    query_unref(query);
    if (status == 0 && resolve->origin && resolve->origin->resolve == resolve)
        kept_add(resolve);
    else
        resolve_free(resolve);
    return TOCSIN_NEXT;
}

static int lookup_start(struct tocsin__net_client *client, struct tocsin__net_origin *origin,
                        struct tocsin__net_resolve *resolve)
{
    const struct tocsin_notify notify = { .mode = TOCSIN_AT_END | TOCSIN_BACKGROUND,
                                          .fn = on_work,
                                          .arg = resolve };
    struct tocsin_work_options options = { .drop = query_unref, .flags = TOCSIN_ABANDON };
    int err = tocsin__net_client_pool(client, &options.pool);

    if (err == 0 && !(resolve->query = query_new(client, origin)))
        err = -ENOMEM;
    if (err < 0)
        return err;
    err = tocsin_work_with(&options, on_task, resolve->query, &notify, &resolve->work);
    if (err < 0)
        tocsin__net_release(resolve->query);
    return err;
}

static int resolve_new(struct tocsin__net_client *client, struct tocsin__net_origin *origin)
{
    struct tocsin__net_resolve *resolve = tocsin__net_alloc(sizeof *resolve);
    int err = resolve ? lookup_start(client, origin, resolve) : -ENOMEM;

    if (err < 0) {
        tocsin__net_release(resolve);
        return err;
    }
    TAILQ_INIT(&resolve->waiting);
    resolve->client = client;
    resolve->origin = origin;
    origin->refs++;
    origin->resolve = resolve;
    return 0;
}

int tocsin__net_resolve_start(struct tocsin__net_fetch *fetch)
{
    struct tocsin__net_origin *origin = fetch->origin;
    int err = 0;

    kept_expire(fetch->client);
    if (!origin->resolve)
        err = resolve_new(fetch->client, origin);
    if (err < 0)
        return err;
    if (origin->resolve->entry) {
        tocsin__net_fetch_named(fetch, 0, origin->resolve->entry, NULL);
        return 0;
    }
    fetch->resolve = origin->resolve;
    TAILQ_INSERT_TAIL(&fetch->resolve->waiting, fetch, resolve_link);
    return 0;
}

/* Ends the wait of a fetch. If no other fetch waits, cancels the lookup. The origin is released
   now, because the client may be freed before the task ends. */
void tocsin__net_resolve_leave(struct tocsin__net_fetch *fetch)
{
    struct tocsin__net_resolve *resolve = fetch->resolve;
    struct tocsin__net_origin *origin = resolve->origin;

    TAILQ_REMOVE(&resolve->waiting, fetch, resolve_link);
    fetch->resolve = NULL;
    if (!TAILQ_EMPTY(&resolve->waiting))
        return;
    if (origin->resolve == resolve)
        origin->resolve = NULL;
    resolve->origin = NULL;
    tocsin__net_origin_unref(origin);
    tocsin_cancel(resolve->work);
}
