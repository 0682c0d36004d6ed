#include <tocsin/provider.h>

#include "net/cancel.h"
#include "net/catalogue.h"
#include "net/client.h"
#include "net/fetch.h"
#include "net/mem.h"
#include "net/permit.h"
#include "net/status.h"
#include "net/transfer.h"

enum { NAMES_THREADS = 16, NAMES_QUEUED = 1024 };

static __thread struct tocsin__net_client *current;

struct tocsin__net_client *tocsin__net_client_current(void)
{
    return current;
}

/* Closes the client. Called on the thread of the loop after all fetches have ended, because the
   client is a background operation (TOCSIN_BACKGROUND). */
static void client_close(struct tocsin__net_client *client)
{
    int cancel = tocsin__net_cancel_off();

    if (current == client)
        current = NULL;
    tocsin__net_transfers_free(client);
    if (client->multi)
        curl_multi_cleanup(client->multi);
    client->multi = NULL;
    tocsin__net_cancel_back(cancel);
    tocsin__net_clock_free(&client->clock);
    tocsin__net_sockets_free(&client->sockets);
    tocsin__net_resolve_forget(client);
    tocsin__net_origins_free(&client->origins);
    if (client->pool.id)
        tocsin_pool_free(client->pool);
    client->pool.id = 0;
}

static int client_cancel(struct tocsin_op op, void *state, int reason)
{
    client_close(state);
    tocsin_op_complete(op, reason, NULL);
    return 0;
}

/* In the child of a fork (T8) the client is dropped, but not closed. Its connections belong to the
 * parent, and libcurl would shut down TLS on them. */
static void client_drop(void *state)
{
    if (current == state)
        current = NULL;
}

static const struct tocsin_op_type client_type = { .done = &tocsin__net_closed_spec,
                                                   .state_size = sizeof(struct tocsin__net_client),
                                                   .cancel = client_cancel,
                                                   .drop = client_drop };

/* Limits the number of connections. An origin never has more connections than permits: at its
   limit, libcurl first closes an idle connection of the origin. */
static int set_limits(struct tocsin__net_client *client)
{
    CURLMcode code = curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS,
                                       (long)client->options.at_once);

    if (code == CURLM_OK)
        code = curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                                 (long)client->options.per_host);
    return tocsin__net_status_of_multi(code);
}

/* Makes the multi handle of libcurl. curl_multi_init reports no cause of a failure. Newer versions
   need descriptors for a multi handle, so this function checks for missing descriptors itself. */
static int open_multi(struct tocsin__net_client *client)
{
    CURLMcode code;

    errno = 0;
    client->multi = curl_multi_init();
    if (!client->multi)
        return errno == EMFILE || errno == ENFILE ? -errno : -ENOMEM;
    code = tocsin__net_sockets_of_multi(client, client->multi);
    if (code == CURLM_OK)
        code = tocsin__net_clock_of_multi(&client->clock, client->multi);
    return code == CURLM_OK ? set_limits(client) : tocsin__net_status_of_multi(code);
}

static int client_open(struct tocsin__net_client *client, struct tocsin_op op)
{
    int err = tocsin__net_global_init();

    client->op = op;
    client->options.at_once = TOCSIN__NET_AT_ONCE;
    TAILQ_INIT(&client->waiting);
    TAILQ_INIT(&client->running);
    TAILQ_INIT(&client->kept);
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
        err = tocsin_op_new(&client_type, &(struct tocsin_notify){ .mode = TOCSIN_BACKGROUND },
                            &op);
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
        err = tocsin_pool_new(NAMES_THREADS, at_once > NAMES_QUEUED ? at_once : NAMES_QUEUED,
                              &client->pool);
    *ret_pool = client->pool;
    if (err < 0)
        client->pool.id = 0;
    return err;
}

/* Ends the fetches whose socket cannot be watched. The callback of libcurl in which this was
 * noticed must not end a fetch. */
static void end_broken(struct tocsin__net_client *client)
{
    struct tocsin__net_fetch *fetch;

    while (client->broken > 0) {
        TAILQ_FOREACH (fetch, &client->running, link)
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
    int running, cancel = tocsin__net_cancel_off();

    curl_multi_socket_action(client->multi, fd, events, &running);
    tocsin__net_cancel_back(cancel);
    tocsin__net_client_reap(client);
}

/* Applies new options. A new pool is created when it is needed. Tasks of the old pool still run to
   their end. */
static int client_apply(struct tocsin__net_client *client,
                        const struct tocsin_http_options *options)
{
    int err;

    client->options = *options;
    if (client->options.at_once == 0)
        client->options.at_once = TOCSIN__NET_AT_ONCE;
    if (client->pool.id)
        tocsin_pool_free(client->pool);
    client->pool.id = 0;
    tocsin__net_resolve_forget(client);
    err = set_limits(client);
    if (err == 0)
        tocsin__net_permit_review(client);
    return err;
}

static int client_setup(const struct tocsin_http_options *options)
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
    return err < 0 ? err : client_apply(client, options);
}

int tocsin_http_setup(const struct tocsin_http_options *options)
{
    return tocsin_refuse("tocsin_http_setup", client_setup(options), NULL);
}
