#include "net/catalogue.h"
#include "net/client.h"
#include "net/fetch.h"
#include "net/mem.h"
#include "net/place.h"
#include "net/transfer.h"

enum { NAMES_THREADS = 16, NAMES_QUEUED = 1024 };

static __thread struct tocsin__net_client *current;

struct tocsin__net_client *tocsin__net_client_current(void)
{
    return current;
}

/* Its end: all fetches have ended before it (TOCSIN_SERVING). On the loop's thread, whoever drops the state. */
static void client_close(struct tocsin__net_client *client)
{
    if (current == client)
        current = NULL;
    tocsin__net_transfers_free(client);
    if (client->multi)
        curl_multi_cleanup(client->multi);
    client->multi = NULL;
    tocsin__net_clock_free(&client->clock);
    tocsin__net_sockets_free(&client->sockets);
    tocsin__net_origins_free(&client->origins);
    if (client->pool.id)
        tocsin_pool_free(client->pool);
    client->pool.id = 0;
}

static int cancel(struct tocsin_op op, void *state, int reason)
{
    client_close(state);
    tocsin_op_complete(op, reason, NULL);
    return 0;
}

/* T8: in the child of a fork it is not closed, but dropped. Its connections are the parent's, and libcurl would say goodbye on them: they stay as they are. */
static void drop(void *state)
{
    if (current == state)
        current = NULL;
}

static const struct tocsin_op_type client_type = {
    .done = &tocsin__net_closed_spec, .state_size = sizeof(struct tocsin__net_client), .cancel = cancel, .drop = drop
};

/* So many connections are kept. To an origin there are never more than it has places: libcurl closes an idle one instead. */
static int set_limits(struct tocsin__net_client *client)
{
    CURLMcode code = curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)client->options.at_once);

    if (code == CURLM_OK)
        code = curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)client->options.per_host);
    return code == CURLM_OK ? 0 : -ENOMEM;
}

static int open_multi(struct tocsin__net_client *client)
{
    CURLM *multi = client->multi = curl_multi_init();

    if (!multi || tocsin__net_sockets_of_multi(client, multi) != CURLM_OK || tocsin__net_clock_of_multi(&client->clock, multi) != CURLM_OK)
        return -ENOMEM;
    return set_limits(client);
}

static int client_open(struct tocsin__net_client *client, struct tocsin_op op)
{
    int err = tocsin__net_global_init();

    client->op = op;
    client->options.at_once = TOCSIN__NET_AT_ONCE;
    TAILQ_INIT(&client->waiting);
    TAILQ_INIT(&client->running);
    if (err == 0)
        err = tocsin__net_clock_start(&client->clock);
    if (err == 0)
        err = open_multi(client);
    if (err < 0)
        client_close(client);
    return err;
}

int tocsin__net_client_get(struct tocsin__net_client **ret_client)
{
    struct tocsin__net_client *client;
    struct tocsin_op op;
    int err = 0;

    if (!current) {
        err = tocsin_op_new(&client_type, &(struct tocsin_notify){ .how = TOCSIN_SERVING }, &op);
        if (err < 0)
            return err;
        client = tocsin_op_state(op);
        err = tocsin_op_start(op, client_open(client, op), NULL);
        if (err == 0)
            current = client;
    }
    *ret_client = current;
    return err;
}

int tocsin__net_client_pool(struct tocsin__net_client *client, struct tocsin_pool *ret_pool)
{
    size_t at_once = (size_t)client->options.at_once;
    int err = 0;

    if (!client->pool.id)
        err = tocsin_pool_new(NAMES_THREADS, at_once > NAMES_QUEUED ? at_once : NAMES_QUEUED, &client->pool);
    *ret_pool = client->pool;
    if (err < 0)
        client->pool.id = 0;
    return err;
}

/* Fetches whose socket cannot be watched: the callback that found out must not end them. */
static void end_broken(struct tocsin__net_client *client)
{
    struct tocsin__net_fetch *fetch;

    while (client->broken > 0) {
        TAILQ_FOREACH(fetch, &client->running, link)
            if (fetch->broken)
                break;
        client->broken--;
        if (!fetch)
            continue;
        fetch->broken = false;
        if (fetch->transfer)
            tocsin__net_fetch_done(fetch, CURLE_ABORTED_BY_CALLBACK);
    }
}

static struct tocsin__net_fetch *fetch_of(CURL *easy)
{
    struct tocsin__net_transfer *transfer = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    return transfer ? transfer->fetch : NULL;
}

void tocsin__net_client_break(struct tocsin__net_client *client, CURL *easy, int status)
{
    struct tocsin__net_fetch *fetch = fetch_of(easy);

    if (!fetch || fetch->broken)
        return;
    fetch->status = status;
    fetch->broken = true;
    client->broken++;
}

void tocsin__net_client_connected(CURL *easy)
{
    struct tocsin__net_fetch *fetch = fetch_of(easy);

    if (fetch && !fetch->connected_us)
        fetch->connected_us = tocsin_now();
}

void tocsin__net_client_reap(struct tocsin__net_client *client)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(client->multi, &left))) {
        CURLcode code = message->data.result;

        if (message->msg == CURLMSG_DONE)
            tocsin__net_fetch_done(fetch_of(message->easy_handle), code);
    }
    end_broken(client);
}

void tocsin__net_client_act(struct tocsin__net_client *client, curl_socket_t fd, int events)
{
    int running;

    curl_multi_socket_action(client->multi, fd, events, &running);
    tocsin__net_client_reap(client);
}

/* A pool with another queue is made when it is needed; the work of the old one goes on. */
static int setup(struct tocsin__net_client *client, const struct tocsin_http_options *options)
{
    client->options = *options;
    if (client->options.at_once == 0)
        client->options.at_once = TOCSIN__NET_AT_ONCE;
    if (client->pool.id)
        tocsin_pool_free(client->pool);
    client->pool.id = 0;
    if (set_limits(client) < 0)
        return -ENOMEM;
    tocsin__net_place_review(client);
    return 0;
}

int tocsin_http_setup(const struct tocsin_http_options *options)
{
    const struct tocsin_http_options defaults = { .at_once = 0 };
    struct tocsin__net_client *client;
    int err;

    options = options ? options : &defaults;
    if (options->at_once < 0 || options->per_host < 0)
        return -EINVAL;
    for (size_t i = 0; i < sizeof options->spare / sizeof *options->spare; i++)
        if (options->spare[i])
            return -EINVAL;
    err = tocsin__net_client_get(&client);
    return err < 0 ? err : setup(client, options);
}
