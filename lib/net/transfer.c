#include <string.h>

#include "net/mem.h"
#include "net/reply.h"
#include "net/socket.h"
#include "net/transfer.h"

enum { IDLE_MAX = 64, NAMES_S = 3 };                       /* handles that are kept; how long libcurl keeps a name it was handed, at least */

#define SET(option, value) (code == CURLE_OK ? code = curl_easy_setopt(easy, (option), (value)) : code)

static size_t on_header(char *line, size_t one, size_t size, void *arg)
{
    struct tocsin__net_transfer *transfer = arg;

    (void)one;
    return tocsin__net_reply_header(transfer->fetch, line, size);
}

static size_t on_body(char *data, size_t one, size_t size, void *arg)
{
    struct tocsin__net_transfer *transfer = arg;

    (void)one;
    return tocsin__net_reply_body(transfer->fetch, data, size);
}

/* libcurl is about to look a name up: never, since it would block tocsin_cancel until it has the answer. */
static int on_resolve(void *resolver, void *unused, void *arg)
{
    struct tocsin__net_transfer *transfer = arg;

    (void)resolver, (void)unused;
    return !transfer->fetch->origin->site.numeric;
}

/* What all fetches have in common. HTTP/1.1, so that a fetch has a connection to itself (per_host, pausing). */
static CURLcode set_common(struct tocsin__net_transfer *transfer)
{
    CURL *easy = transfer->easy;
    CURLcode code = tocsin__net_sockets_of_easy(transfer->client, easy);

    SET(CURLOPT_PRIVATE, transfer);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_ERRORBUFFER, transfer->error);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, transfer);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_RESOLVER_START_FUNCTION, on_resolve);
    SET(CURLOPT_RESOLVER_START_DATA, transfer);
    SET(CURLOPT_DNS_CACHE_TIMEOUT, (long)NAMES_S);
    SET(CURLOPT_NOPROXY, "*");                             /* it would look its name up */
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
#if LIBCURL_VERSION_NUM >= 0x075500
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
#else
    SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    return code;
}

static CURLcode set_trust(CURL *easy, const struct tocsin__net_request *request)
{
    CURLcode code = CURLE_OK;

    if (request->ca_file) {
        SET(CURLOPT_CAINFO, request->ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
    if (request->flags & TOCSIN_HTTP_INSECURE) {
        SET(CURLOPT_SSL_VERIFYPEER, 0L);
        SET(CURLOPT_SSL_VERIFYHOST, 0L);
    }
    return code;
}

/* RFC 9110 section 8.6: a method that expects a body sends Content-Length: 0 if it has none. */
static bool has_body(const struct tocsin__net_request *request)
{
    return request->body.size > 0 || strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0 ||
           strcmp(request->method, "PATCH") == 0;
}

static CURLcode set_request(struct tocsin__net_transfer *transfer, const struct tocsin__net_request *request)
{
    CURL *easy = transfer->easy;
    CURLcode code = set_trust(easy, request);

    transfer->altered = true;
    SET(CURLOPT_HTTPHEADER, request->header);
    if (has_body(request)) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
        SET(CURLOPT_POSTFIELDS, request->body.size > 0 ? request->body.data : "");
    }
    if (strcmp(request->method, "HEAD") == 0)
        SET(CURLOPT_NOBODY, 1L);
    else
        SET(CURLOPT_CUSTOMREQUEST, request->method);
    return code;
}

static void transfer_free(struct tocsin__net_transfer *transfer)
{
    if (transfer->easy)
        curl_easy_cleanup(transfer->easy);
    tocsin__net_release(transfer);
}

static struct tocsin__net_transfer *transfer_new(struct tocsin__net_client *client)
{
    struct tocsin__net_transfer *transfer = tocsin__net_alloc(sizeof *transfer);

    if (!transfer)
        return NULL;
    transfer->client = client;
    transfer->easy = curl_easy_init();
    if (transfer->easy && set_common(transfer) == CURLE_OK)
        return transfer;
    transfer_free(transfer);
    return NULL;
}

static struct tocsin__net_transfer *take(struct tocsin__net_client *client)
{
    struct tocsin__net_transfer *transfer = client->idle;

    if (!transfer)
        return transfer_new(client);
    client->idle = transfer->next;
    client->idle_count--;
    return transfer;
}

static CURLcode set_fetch(struct tocsin__net_transfer *transfer, const struct tocsin__net_fetch *fetch)
{
    CURL *easy = transfer->easy;
    CURLcode code = CURLE_OK;

    SET(CURLOPT_URL, fetch->url);
    if (transfer->resolve)
        SET(CURLOPT_RESOLVE, transfer->resolve);
    return code == CURLE_OK && fetch->request ? set_request(transfer, fetch->request) : code;
}

int tocsin__net_transfer_start(struct tocsin__net_fetch *fetch, struct curl_slist *names)
{
    struct tocsin__net_client *client = fetch->client;
    struct tocsin__net_transfer *transfer = take(client);

    if (!transfer) {
        curl_slist_free_all(names);
        return -ENOMEM;
    }
    transfer->fetch = fetch, transfer->resolve = names;
    fetch->transfer = transfer;
    client->clock.error = 0;
    if (set_fetch(transfer, fetch) != CURLE_OK || curl_multi_add_handle(client->multi, transfer->easy) != CURLM_OK) {
        tocsin__net_transfer_end(fetch);
        return -ENOMEM;
    }
    transfer->added = true;
    if (client->clock.error < 0)                           /* nobody would call libcurl */
        tocsin__net_transfer_end(fetch);
    return client->clock.error;
}

/* As it was before its fetch. */
static bool restore(struct tocsin__net_transfer *transfer)
{
    CURL *easy = transfer->easy;
    CURLcode code = CURLE_OK;

    if (transfer->resolve)
        SET(CURLOPT_RESOLVE, NULL);
    curl_slist_free_all(transfer->resolve);
    transfer->resolve = NULL;
    if (transfer->altered) {
        curl_easy_reset(easy);
        code = set_common(transfer);
    }
    transfer->altered = false;
    return code == CURLE_OK;
}

void tocsin__net_transfer_end(struct tocsin__net_fetch *fetch)
{
    struct tocsin__net_transfer *transfer = fetch->transfer;
    struct tocsin__net_client *client = transfer->client;

    if (transfer->added)
        curl_multi_remove_handle(client->multi, transfer->easy);
    transfer->added = false;
    transfer->fetch = NULL;
    fetch->transfer = NULL;
    if (!restore(transfer) || client->idle_count >= IDLE_MAX) {
        transfer_free(transfer);
        return;
    }
    transfer->next = client->idle;
    client->idle = transfer;
    client->idle_count++;
}

void tocsin__net_transfers_free(struct tocsin__net_client *client)
{
    for (struct tocsin__net_transfer *transfer; (transfer = client->idle);) {
        client->idle = transfer->next;
        transfer_free(transfer);
    }
    client->idle_count = 0;
}
