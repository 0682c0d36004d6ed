#include "net/assert.h"
#include "net/permit.h"

/* A fetch needs two permits: first one of its origin, then one of the client.

       origin->waiting ──per_host──▶ client->waiting ──at_once──▶ client->running

   Only fetches that have the permit of their origin wait for the client's permit. So the fetches
   that wait for a slow origin do not delay the fetches of other origins. */

static bool is_full(const struct tocsin__net_client *client,
                    const struct tocsin__net_origin *origin)
{
    return client->options.per_host > 0 && origin->active >= (unsigned)client->options.per_host;
}

static void queue_leave(struct tocsin__net_fetch *fetch)
{
    TAILQ_REMOVE(fetch->queue, fetch, link);
    fetch->queue = NULL;
}

static void queue_enter(struct tocsin__net_fetch *fetch, struct tocsin__net_queue *queue)
{
    tocsin__net_assert(!fetch->queue);
    TAILQ_INSERT_TAIL(queue, fetch, link);
    fetch->queue = queue;
}

/* Gives the client's permits to waiting fetches. A fetch that starts may end immediately and
 * release its permit, which calls this function again. Such an inner call returns at once, and the
 * outer call continues. */
static void client_grant(struct tocsin__net_client *client)
{
    struct tocsin__net_fetch *fetch;

    if (client->granting)
        return;
    client->granting = true;
    while (client->active < (unsigned)client->options.at_once &&
           (fetch = TAILQ_FIRST(&client->waiting))) {
        queue_leave(fetch);
        client->active++;
        queue_enter(fetch, &client->running);
        tocsin__net_fetch_go(fetch);
    }
    client->granting = false;
}

static void origin_grant(struct tocsin__net_client *client, struct tocsin__net_origin *origin)
{
    struct tocsin__net_fetch *fetch;

    while (!is_full(client, origin) && (fetch = TAILQ_FIRST(&origin->waiting))) {
        queue_leave(fetch);
        origin->active++;
        queue_enter(fetch, &client->waiting);
    }
}

void tocsin__net_permit_request(struct tocsin__net_fetch *fetch)
{
    struct tocsin__net_client *client = fetch->client;

    queue_enter(fetch, &fetch->origin->waiting);
    origin_grant(client, fetch->origin);
    client_grant(client);
}

void tocsin__net_permit_release(struct tocsin__net_fetch *fetch)
{
    struct tocsin__net_client *client = fetch->client;
    struct tocsin__net_origin *origin = fetch->origin;

    if (fetch->queue == &client->running) {
        tocsin__net_assert(client->active > 0);
        client->active--;
    }
    if (fetch->queue != &origin->waiting) {
        tocsin__net_assert(origin->active > 0);
        origin->active--;
    }
    queue_leave(fetch);
    origin_grant(client, origin);
    client_grant(client);
}

void tocsin__net_permit_move(struct tocsin__net_fetch *fetch, struct tocsin__net_origin *origin)
{
    struct tocsin__net_client *client = fetch->client;
    struct tocsin__net_origin *was = fetch->origin;
    bool full = origin != was && is_full(client, origin);

    tocsin__net_assert(fetch->queue == &client->running && was->active > 0);
    was->active--;
    fetch->origin = origin;
    if (full) { /* the new origin has no permit, so the client's permit goes to another fetch */
        queue_leave(fetch);
        client->active--;
        TAILQ_INSERT_HEAD(&origin->waiting, fetch, link);
        fetch->queue = &origin->waiting;
    } else
        origin->active++;
    origin_grant(client, was);
    tocsin__net_origin_unref(was);
    client_grant(client);
    if (!full)
        tocsin__net_fetch_go(fetch);
}

static void origin_take_back(struct tocsin__net_fetch *fetch)
{
    struct tocsin__net_origin *origin = fetch->origin;

    queue_leave(fetch);
    origin->active--;
    TAILQ_INSERT_HEAD(&origin->waiting, fetch, link);
    fetch->queue = &origin->waiting;
}

void tocsin__net_permit_review(struct tocsin__net_client *client)
{
    struct tocsin__net_origin *origin;
    struct tocsin__net_fetch *last;

    while ((last = TAILQ_LAST(&client->waiting, tocsin__net_queue)))
        origin_take_back(last);
    for (unsigned i = 0; i < TOCSIN__NET_ORIGINS; i++)
        LIST_FOREACH (origin, &client->origins.bucket[i], link)
            origin_grant(client, origin);
    client_grant(client);
}
