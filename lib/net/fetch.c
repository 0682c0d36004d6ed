#include <string.h>

#include <tocsin/provider.h>

#include "net/cancel.h"
#include "net/catalogue.h"
#include "net/fetch.h"
#include "net/phases.h"
#include "net/permit.h"
#include "net/redirect.h"
#include "net/reply.h"
#include "net/transfer.h"
#include "net/status.h"

enum { LIMIT_BYTES = 16 << 20, REDIRECTS = 10, TIMEOUT_MS = 60000 };

void tocsin__net_fetch_end(struct tocsin__net_fetch *fetch, int status, const char *reason)
{
    struct tocsin_http_client_done *done = &fetch->done;

    if (fetch->queue) {
        tocsin__net_permit_release(fetch);
        tocsin__net_origin_unref(fetch->origin);
    }
    done->tocsin.layout = tocsin__net_done_spec.layout;
    done->url = fetch->url;
    done->code = fetch->code;
    done->header = fetch->header.size > 0 ? fetch->header.data : "";
    done->body = (struct tocsin_bytes){ fetch->body.data, fetch->streamed ? 0 : fetch->body.size };
    done->reason = status == 0 ? "" : reason ? reason : tocsin_strerror(status);
    done->total_us = fetch->begun_us - fetch->started_us;
    tocsin_op_complete(fetch->op, status, &done->tocsin);
}

static int fetch_status(const struct tocsin__net_fetch *fetch, CURLcode code, const char *text)
{
    const struct tocsin__net_transfer *transfer = fetch->transfer;
    struct tocsin__net_failure failure = { .code = code,
                                           .text = text,
                                           .open_error = transfer->open_error,
                                           .begun = transfer->sent > 0,
                                           .in_header = fetch->part != TOCSIN__NET_CONTENT };
    long number = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
    curl_easy_getinfo(transfer->easy, CURLINFO_SSL_VERIFYRESULT, &failure.verdict);
    failure.number = (int)number;
    return tocsin__net_status_of_curl(&failure);
}

/* Returns the error of a request that libcurl wanted to repeat, which this library has refused.
 * A 417 reply is reported as an error, because libcurl drops its body before it repeats the
 * request. */
static int result_of_unrepeated(const struct tocsin__net_fetch *fetch, const char **ret_reason)
{
    bool silent = fetch->part == TOCSIN__NET_STATUS_LINE;

    *ret_reason =
        silent
            ? "The peer closed the connection without a reply, and the request was not sent again"
            : "The peer refused Expect: 100-continue, and the request was not sent again without "
              "it";
    return silent ? TOCSIN_ETRUNCATED : TOCSIN_EPEER;
}

/* Returns the status of a fetch. An error that this library found has precedence over the error of
   libcurl. */
static int fetch_result(struct tocsin__net_fetch *fetch, CURLcode code, const char **ret_reason)
{
    struct tocsin__net_transfer *transfer = fetch->transfer;
    const char *text = transfer->error[0] ? transfer->error : curl_easy_strerror(code);

    *ret_reason = fetch->fault;
    if (fetch->status < 0)
        return fetch->status;
    if (code == CURLE_OK)
        return tocsin__net_reply_check(fetch, ret_reason);
    if (transfer->refused)
        return result_of_unrepeated(fetch, ret_reason);
    /* If there is no memory, the text is NULL, and only the status is reported. */
    fetch->reason = tocsin__net_copy_text(text, strlen(text));
    *ret_reason = transfer->open_error ? NULL : fetch->reason;
    return fetch_status(fetch, code, text);
}

void tocsin__net_fetch_end_curl(struct tocsin__net_fetch *fetch, CURLcode code)
{
    const char *reason;
    int status = fetch_result(fetch, code, &reason);

    tocsin__net_transfer_end(fetch);
    tocsin__net_fetch_end(fetch, status, reason);
}

/* Functions for the phases before the transfer */

/* Ends a phase that libcurl does not measure, and adds its time. */
static void phase_end(struct tocsin__net_fetch *fetch, int64_t *phase_us)
{
    int64_t now_us = tocsin_now();

    *phase_us += now_us - fetch->begun_us;
    fetch->begun_us = now_us;
}

void tocsin__net_fetch_named(struct tocsin__net_fetch *fetch, int status, const char *entry,
                             const char *reason)
{
    struct curl_slist *list = NULL;

    phase_end(fetch, &fetch->done.names_us);
    if (status == 0 && !(list = curl_slist_append(NULL, entry)))
        status = -ENOMEM;
    if (status == 0)
        status = tocsin__net_transfer_start(fetch, list);
    if (status < 0)
        tocsin__net_fetch_end(fetch, status, reason);
}

/* Begins the fetch again and looks up addresses, because the kept connection has ended and nothing
   was sent. */
static void resolve_late(struct tocsin__net_fetch *fetch)
{
    int err;

    fetch->nameless = false;
    fetch->connected_us = 0;
    tocsin__net_transfer_end(fetch);
    err = tocsin__net_resolve_start(fetch);
    if (err < 0)
        tocsin__net_fetch_end(fetch, err, NULL);
}

void tocsin__net_fetch_done(struct tocsin__net_fetch *fetch, CURLcode code)
{
    const char *reason;

    tocsin__net_phases_add(fetch, true);
    if (fetch->nameless && fetch->transfer->asked && fetch->status == 0) {
        resolve_late(fetch);
        return;
    }
    if (code != CURLE_OK || !fetch->following || tocsin__net_reply_check(fetch, &reason) < 0) {
        tocsin__net_fetch_end_curl(fetch, code);
        return;
    }
    tocsin__net_transfer_end(fetch);
    tocsin__net_redirect(fetch);
}

/* Returns true if the fetch may begin without addresses, on a kept connection. If the kept
 * connection has ended meanwhile, libcurl calls on_resolve. A request that must not be sent twice
 * always gets a new connection. */
static bool has_connection(const struct tocsin__net_fetch *fetch)
{
    return fetch->origin->sockets >= fetch->origin->active &&
           tocsin__net_request_is_idempotent(fetch->request);
}

void tocsin__net_fetch_go(struct tocsin__net_fetch *fetch)
{
    int err;

    phase_end(fetch, &fetch->done.queued_us);
    fetch->nameless = !fetch->origin->site.numeric && has_connection(fetch);
    if (fetch->origin->site.numeric || fetch->nameless)
        err = tocsin__net_transfer_start(fetch, NULL);
    else
        err = tocsin__net_resolve_start(fetch);
    if (err < 0)
        tocsin__net_fetch_end(fetch, err, NULL);
}

/* The operation */

static int fetch_cancel(struct tocsin_op op, void *state, int reason)
{
    struct tocsin__net_fetch *fetch = state;

    (void)op;
    if (fetch->resolve) {
        phase_end(fetch, &fetch->done.names_us);
        tocsin__net_resolve_leave(fetch);
    } else if (fetch->transfer) {
        tocsin__net_phases_add(fetch, false);
        tocsin__net_transfer_end(fetch);
    } else
        phase_end(fetch, &fetch->done.queued_us);
    tocsin__net_fetch_end(fetch, reason, NULL);
    return 0;
}

/* Continues a paused fetch. Inside curl_easy_pause, libcurl calls back with the data that it has
   kept. */
static void fetch_resume(struct tocsin_op op, void *state)
{
    struct tocsin__net_fetch *fetch = state;
    CURLcode code;
    int cancel;

    (void)op;
    if (!fetch->paused || !fetch->transfer)
        return;
    fetch->paused = false;
    cancel = tocsin__net_cancel_off();
    code = curl_easy_pause(fetch->transfer->easy, CURLPAUSE_CONT);
    tocsin__net_cancel_back(cancel);
    if (code != CURLE_OK) {
        struct tocsin__net_client *client = fetch->client;

        tocsin__net_phases_add(fetch, false);
        tocsin__net_fetch_end_curl(fetch, code);
        tocsin__net_client_reap(client);
        return;
    }
    tocsin__net_client_reap(fetch->client);
}

static void fetch_drop(void *state)
{
    struct tocsin__net_fetch *fetch = state;

    tocsin__net_request_free(fetch->request);
    tocsin__net_buffer_free(&fetch->header);
    tocsin__net_buffer_free(&fetch->body);
    tocsin__net_release(fetch->reason);
    tocsin__net_release(fetch->url);
}

static const struct tocsin_op_type fetch_type = {
    .done = &tocsin__net_done_spec,
    .progress = { [TOCSIN__NET_HEADERS] = &tocsin__net_headers_spec,
                  [TOCSIN__NET_BODY] = &tocsin__net_body_spec },
    .state_size = sizeof(struct tocsin__net_fetch),
    .cancel = fetch_cancel,
    .resume = fetch_resume,
    .drop = fetch_drop
};

/* Starting */

static void fetch_fill(struct tocsin__net_fetch *fetch, const struct tocsin_http_request *asked,
                       const struct tocsin_notify *notify)
{
    fetch->limit_bytes = asked->limit_bytes ? asked->limit_bytes : LIMIT_BYTES;
    fetch->redirects = asked->redirects ? asked->redirects : REDIRECTS;
    fetch->streamed = asked->flags & TOCSIN_HTTP_STREAM ||
                      (notify && notify->mode & TOCSIN_AT_EACH);
    fetch->started_us = fetch->begun_us = tocsin_now();
}

/* Begins a fetch. Missing memory is returned as an error. An error of the URL ends the operation,
   so it is announced by the terminal signal. */
static int fetch_begin(struct tocsin__net_fetch *fetch, const struct tocsin_http_request *asked)
{
    const char *reason = NULL;
    int err = tocsin__net_client_get(&fetch->client);

    if (err == 0)
        err = tocsin__net_request_copy(asked, &fetch->request);
    if (err == 0 && !(fetch->url = tocsin__net_copy_text(asked->url, strlen(asked->url))))
        err = -ENOMEM;
    if (err == 0 && asked->timeout_ms >= 0)
        err = tocsin_op_deadline(fetch->op, asked->timeout_ms ? asked->timeout_ms : TIMEOUT_MS);
    if (err < 0)
        return err;
    err = tocsin__net_origin_find(&fetch->client->origins, fetch->url, &fetch->origin, &reason);
    if (err == -ENOMEM)
        return err;
    if (err < 0)
        tocsin__net_fetch_end(fetch, err, reason);
    else
        tocsin__net_permit_request(fetch);
    return 0;
}

static int fetch_new(const struct tocsin_http_request *request, const struct tocsin_notify *notify,
                     struct tocsin_op *ret_op)
{
    struct tocsin_op op;
    struct tocsin__net_fetch *state;
    int err = tocsin_op_new(&fetch_type, notify, &op);

    if (err == 0)
        err = tocsin__net_request_check(request);
    if (err == 0) {
        state = tocsin_op_state(op);
        state->op = op;
        fetch_fill(state, request, notify);
        err = fetch_begin(state, request);
    }
    return tocsin_op_start(op, err, ret_op);
}

int tocsin_http_fetch(const struct tocsin_http_request *request, const struct tocsin_notify *notify,
                      struct tocsin_op *ret_op)
{
    return tocsin_refuse("tocsin_http_fetch", fetch_new(request, notify, ret_op), NULL);
}

int tocsin_http_get(const char *url, const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    return tocsin_refuse("tocsin_http_get",
                         fetch_new(&(struct tocsin_http_request){ .url = url }, notify, ret_op),
                         NULL);
}
