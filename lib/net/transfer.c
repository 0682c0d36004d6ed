#include <string.h>

#include "net/cancel.h"
#include "net/mem.h"
#include "net/reply.h"
#include "net/socket.h"
#include "net/status.h"
#include "net/transfer.h"

/* IDLE_MAX is the number of idle handles that are kept. NAMES_S is the time in seconds for which
   libcurl keeps the addresses that it got. */
enum { IDLE_MAX = 64, NAMES_S = 3 };

#define SET(option, value) \
    (code == CURLE_OK ? code = curl_easy_setopt(easy, (option), (value)) : code)

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

/* Called when libcurl is about to look up a name. This is refused, because tocsin_cancel would
   block until the lookup ends. */
static int on_resolve(void *resolver, void *unused, void *arg)
{
    struct tocsin__net_transfer *transfer = arg;

    (void)resolver, (void)unused;
    transfer->asked = !transfer->fetch->origin->site.numeric;
    return transfer->asked;
}

/* Called before libcurl sends the request. libcurl would repeat a request in two cases: after a
   kept connection ended without a reply, and after a 417. Only the first case is allowed, and only
   for idempotent requests. */
static int on_request(void *arg, char *to, char *from, int to_port, int from_port)
{
    struct tocsin__net_transfer *transfer = arg;
    const struct tocsin__net_fetch *fetch = transfer->fetch;

    (void)to, (void)from, (void)to_port, (void)from_port;
    transfer->error[0] = 0; /* clears the message of an earlier attempt */
    if (transfer->sent++ == 0 || (fetch->part == TOCSIN__NET_STATUS_LINE &&
                                  tocsin__net_request_is_idempotent(fetch->request)))
        return CURL_PREREQFUNC_OK;
    transfer->refused = true;
    return CURL_PREREQFUNC_ABORT;
}

/* Sets the options that all fetches share. HTTP/1.1 is used because each fetch then has a
   connection of its own. The limit per_host and pausing need this. */
static CURLcode set_common(struct tocsin__net_transfer *transfer)
{
    CURL *easy = transfer->easy;
    CURLcode code = tocsin__net_sockets_of_transfer(transfer);

    SET(CURLOPT_PRIVATE, transfer);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_ERRORBUFFER, transfer->error);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, transfer);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_RESOLVER_START_FUNCTION, on_resolve);
    SET(CURLOPT_RESOLVER_START_DATA, transfer);
    SET(CURLOPT_PREREQFUNCTION, on_request);
    SET(CURLOPT_PREREQDATA, transfer);
    SET(CURLOPT_DNS_CACHE_TIMEOUT, (long)NAMES_S);
    /* The library decodes chunks itself; chunks.h explains why. */
    SET(CURLOPT_HTTP_TRANSFER_DECODING, 0L);
    /* prevents the use of a proxy, because libcurl would look up the name of the proxy */
    SET(CURLOPT_NOPROXY, "*");
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

/* Returns true if the request sends a Content-Length. A method that expects a body sends
   Content-Length: 0 if there is none (RFC 9110 section 8.6). */
static bool has_body(const struct tocsin__net_request *request)
{
    return request->body.size > 0 || strcmp(request->method, "POST") == 0 ||
           strcmp(request->method, "PUT") == 0 || strcmp(request->method, "PATCH") == 0;
}

static CURLcode set_request(struct tocsin__net_transfer *transfer,
                            const struct tocsin__net_request *request)
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

/* Makes libcurl open a new connection for a request that must not be sent twice, because the peer
   may have closed a kept connection. Idle connections are closed first, because some servers serve
   only one at a time. If other fetches run, the new connection is not kept. Otherwise the number of
   connections would grow. */
static CURLcode set_fresh(struct tocsin__net_transfer *transfer,
                          const struct tocsin__net_fetch *fetch)
{
    CURL *easy = transfer->easy;
    CURLcode code = CURLE_OK;

    SET(CURLOPT_FRESH_CONNECT, 1L);
    if (fetch->origin->active > 1)
        SET(CURLOPT_FORBID_REUSE, 1L);
    else
        tocsin__net_sockets_retire(&fetch->client->sockets, fetch->origin);
    return code;
}

static void transfer_free(struct tocsin__net_transfer *transfer)
{
    int cancel = tocsin__net_cancel_off();

    if (transfer->easy)
        curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->resolve);
    tocsin__net_release(transfer);
    tocsin__net_cancel_back(cancel);
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

static struct tocsin__net_transfer *transfer_take(struct tocsin__net_client *client)
{
    struct tocsin__net_transfer *transfer = client->idle;

    if (!transfer)
        return transfer_new(client);
    client->idle = transfer->next;
    client->idle_count--;
    return transfer;
}

static CURLcode set_options(struct tocsin__net_transfer *transfer,
                            const struct tocsin__net_fetch *fetch, const char *url)
{
    CURL *easy = transfer->easy;
    CURLcode code = CURLE_OK;

    SET(CURLOPT_URL, url);
    if (transfer->resolve)
        SET(CURLOPT_RESOLVE, transfer->resolve);
    if (code == CURLE_OK && fetch->request)
        code = set_request(transfer, fetch->request);
    return code == CURLE_OK && !tocsin__net_request_is_idempotent(fetch->request)
               ? set_fresh(transfer, fetch)
               : code;
}

static int set_fetch(struct tocsin__net_transfer *transfer, const struct tocsin__net_fetch *fetch)
{
    char *plain;
    int err = tocsin__net_url_plain(fetch->url, fetch->origin->site.host, &plain);

    if (err == 0)
        err = tocsin__net_status_of_option(
            set_options(transfer, fetch, plain ? plain : fetch->url));
    curl_free(plain);
    return err;
}

static int transfer_add(struct tocsin__net_transfer *transfer,
                        const struct tocsin__net_fetch *fetch)
{
    struct tocsin__net_client *client = transfer->client;
    int err = set_fetch(transfer, fetch), cancel = tocsin__net_cancel_off();

    client->clock.error = 0;
    if (err == 0)
        err = tocsin__net_status_of_multi(curl_multi_add_handle(client->multi, transfer->easy));
    transfer->added = err == 0;
    tocsin__net_cancel_back(cancel);
    /* If the clock could not be set, libcurl would never be called, so the error is returned. */
    return err < 0 ? err : client->clock.error;
}

int tocsin__net_transfer_start(struct tocsin__net_fetch *fetch, struct curl_slist *names)
{
    struct tocsin__net_transfer *transfer = transfer_take(fetch->client);
    int err;

    if (!transfer) {
        curl_slist_free_all(names);
        return -ENOMEM;
    }
    transfer->fetch = fetch, transfer->resolve = names;
    transfer->sent = 0, transfer->asked = transfer->refused = false;
    transfer->open_error = 0;
    fetch->transfer = transfer;
    err = transfer_add(transfer, fetch);
    if (err < 0)
        tocsin__net_transfer_end(fetch);
    return err;
}

/* Returns true for libcurl before 8.1.1. There a reused handle keeps a dangling pointer to the last
   header line. With a folded first line, a peer can make libcurl write there (curl issue 11101). */
static bool is_dangerous(void)
{
    return curl_version_info(CURLVERSION_NOW)->version_num < 0x080101;
}

/* Returns true if the handle keeps state that would change the next transfer: an errno, or the
   count of repeated requests. */
static bool is_worn(const struct tocsin__net_transfer *transfer)
{
    long number = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
    return number != 0 || transfer->sent > 1 || (transfer->sent > 0 && is_dangerous());
}

/* Restores the state that the handle had before its fetch. */
static bool transfer_restore(struct tocsin__net_transfer *transfer)
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
    int cancel = tocsin__net_cancel_off();

    if (transfer->added)
        curl_multi_remove_handle(client->multi, transfer->easy);
    tocsin__net_cancel_back(cancel);
    transfer->added = false;
    transfer->fetch = NULL;
    fetch->transfer = NULL;
    fetch->tls = NULL;
    if (is_worn(transfer) || !transfer_restore(transfer) || client->idle_count >= IDLE_MAX) {
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
