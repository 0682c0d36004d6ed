#include "net/place.h"

/* A place at the origin comes first, then one of the client:

       origin->waiting ──per_host──▶ client->waiting ──at_once──▶ client->running

   so whoever waits for the client could go at once, and no origin that is slow holds up the others. */

static bool is_full(const struct tocsin__net_client *client, const struct tocsin__net_origin *origin)
{
    return client->options.per_host > 0 && origin->active >= (unsigned)client->options.per_host;
}

static void leave_queue(struct tocsin__net_fetch *fetch)
{
    TAILQ_REMOVE(fetch->queue, fetch, link);
    fetch->queue = NULL;
}

static void enter(struct tocsin__net_fetch *fetch, struct tocsin__net_queue *queue)
{
    TAILQ_INSERT_TAIL(queue, fetch, link);
    fetch->queue = queue;
}

/* One that goes may end at once, and leave: then it is the loop below that goes on, not another inside of it. */
static void serve(struct tocsin__net_client *client)
{
    struct tocsin__net_fetch *fetch;

    if (client->serving)
        return;
    client->serving = true;
    while (client->active < (unsigned)client->options.at_once && (fetch = TAILQ_FIRST(&client->waiting))) {
        leave_queue(fetch);
        client->active++;
        enter(fetch, &client->running);
        tocsin__net_fetch_go(fetch);
    }
    client->serving = false;
}

static void serve_origin(struct tocsin__net_client *client, struct tocsin__net_origin *origin)
{
    struct tocsin__net_fetch *fetch;

    while (!is_full(client, origin) && (fetch = TAILQ_FIRST(&origin->waiting))) {
        leave_queue(fetch);
        origin->active++;
        enter(fetch, &client->waiting);
    }
}

void tocsin__net_place_ask(struct tocsin__net_fetch *fetch)
{
    struct tocsin__net_client *client = fetch->client;

    enter(fetch, &fetch->origin->waiting);
    serve_origin(client, fetch->origin);
    serve(client);
}

void tocsin__net_place_leave(struct tocsin__net_fetch *fetch)
{
    struct tocsin__net_client *client = fetch->client;
    struct tocsin__net_origin *origin = fetch->origin;

    if (fetch->queue == &client->running)
        client->active--;
    if (fetch->queue != &origin->waiting)
        origin->active--;
    leave_queue(fetch);
    serve_origin(client, origin);
    serve(client);
}

void tocsin__net_place_move(struct tocsin__net_fetch *fetch, struct tocsin__net_origin *origin)
{
    struct tocsin__net_client *client = fetch->client;
    struct tocsin__net_origin *was = fetch->origin;
    bool full = origin != was && is_full(client, origin);

    was->active--;
    fetch->origin = origin;
    if (full) {                                            /* its place in the client goes to somebody else */
        leave_queue(fetch);
        client->active--;
        TAILQ_INSERT_HEAD(&origin->waiting, fetch, link);
        fetch->queue = &origin->waiting;
    } else
        origin->active++;
    serve_origin(client, was);
    tocsin__net_origin_unref(was);
    serve(client);
    if (!full)
        tocsin__net_fetch_go(fetch);
}

static void take_back(struct tocsin__net_fetch *fetch)
{
    struct tocsin__net_origin *origin = fetch->origin;

    leave_queue(fetch);
    origin->active--;
    TAILQ_INSERT_HEAD(&origin->waiting, fetch, link);
    fetch->queue = &origin->waiting;
}

void tocsin__net_place_review(struct tocsin__net_client *client)
{
    struct tocsin__net_origin *origin;
    struct tocsin__net_fetch *last;

    while ((last = TAILQ_LAST(&client->waiting, tocsin__net_queue)))
        take_back(last);
    for (unsigned i = 0; i < TOCSIN__NET_ORIGINS; i++)
        LIST_FOREACH(origin, &client->origins.bucket[i], link)
            serve_origin(client, origin);
    serve(client);
}
