#include <string.h>

#include "net/catalogue.h"
#include "net/fetch.h"
#include "net/names.h"
#include "net/phases.h"
#include "net/place.h"
#include "net/redirect.h"
#include "net/status.h"

enum { LIMIT_BYTES = 16 << 20, REDIRECTS = 10, TIMEOUT_MS = 60000 };

void tocsin__net_fetch_end(struct tocsin__net_fetch *fetch, int status, const char *reason)
{
    struct tocsin_http_client_done *done = &fetch->done;

    if (fetch->queue) {
        tocsin__net_place_leave(fetch);
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

void tocsin__net_fetch_end_curl(struct tocsin__net_fetch *fetch, CURLcode code)
{
    struct tocsin__net_transfer *transfer = fetch->transfer;
    const char *text = transfer->error[0] ? transfer->error : curl_easy_strerror(code);
    int status = fetch->status < 0 ? fetch->status : tocsin__net_status(transfer->easy, code, text);

    if (status < 0 && fetch->status == 0)
        fetch->reason = tocsin__net_copy_text(text, strlen(text));   /* without memory, the status says it */
    tocsin__net_transfer_end(fetch);
    tocsin__net_fetch_end(fetch, status, fetch->reason);
}

void tocsin__net_fetch_done(struct tocsin__net_fetch *fetch, CURLcode code)
{
    tocsin__net_phases_add(fetch, true);
    if (code != CURLE_OK || !fetch->following) {
        tocsin__net_fetch_end_curl(fetch, code);
        return;
    }
    tocsin__net_transfer_end(fetch);
    tocsin__net_redirect(fetch);
}

/* Names */

/* A phase that we measure ourselves is over. */
static void phase_over(struct tocsin__net_fetch *fetch, int64_t *phase_us)
{
    int64_t now_us = tocsin_now();

    *phase_us += now_us - fetch->begun_us;
    fetch->begun_us = now_us;
}

static void names_over(struct tocsin__net_fetch *fetch)
{
    phase_over(fetch, &fetch->done.names_us);
    tocsin__net_names_free(fetch->names);
    fetch->names = NULL;
}

static int on_names(const struct tocsin_info *info, void *arg)
{
    struct tocsin__net_fetch *fetch = arg;
    struct curl_slist *list = NULL;
    const char *reason = tocsin__net_names_reason(fetch->names);
    int err = fetch->status < 0 ? fetch->status : info->status;

    if (err == 0)
        err = tocsin__net_names_take(fetch->names, &list);
    names_over(fetch);
    if (err == 0)
        err = tocsin__net_transfer_start(fetch, list);
    if (err < 0)
        tocsin__net_fetch_end(fetch, err, err == TOCSIN_ENAME ? reason : NULL);
    return TOCSIN_NEXT;
}

void tocsin__net_fetch_go(struct tocsin__net_fetch *fetch)
{
    int err;

    phase_over(fetch, &fetch->done.queued_us);
    if (fetch->origin->site.numeric)
        err = tocsin__net_transfer_start(fetch, NULL);
    else
        err = tocsin__net_names_start(fetch->client, fetch->origin, on_names, fetch, &fetch->names);
    if (err < 0)
        tocsin__net_fetch_end(fetch, err, NULL);
}

/* The operation */

/* A name that is looked up is waited for no longer, but it is its own end that tells us so. */
static int cancel(struct tocsin_op op, void *state, int reason)
{
    struct tocsin__net_fetch *fetch = state;

    (void)op;
    if (fetch->names) {
        fetch->status = reason;
        tocsin__net_names_cancel(fetch->names);
        return 0;
    }
    if (fetch->transfer) {
        tocsin__net_phases_add(fetch, false);
        tocsin__net_transfer_end(fetch);
    } else
        phase_over(fetch, &fetch->done.queued_us);
    tocsin__net_fetch_end(fetch, reason, NULL);
    return 0;
}

/* libcurl calls back from inside of this with what it has kept meanwhile. */
static void resume(struct tocsin_op op, void *state)
{
    struct tocsin__net_fetch *fetch = state;
    CURLcode code;

    (void)op;
    if (!fetch->paused || !fetch->transfer)
        return;
    fetch->paused = false;
    code = curl_easy_pause(fetch->transfer->easy, CURLPAUSE_CONT);
    if (code != CURLE_OK) {
        struct tocsin__net_client *client = fetch->client;

        tocsin__net_phases_add(fetch, false);
        tocsin__net_fetch_end_curl(fetch, code);
        tocsin__net_client_reap(client);
        return;
    }
    tocsin__net_client_reap(fetch->client);
}

static void drop(void *state)
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
    .progress = { [TOCSIN__NET_HEADERS] = &tocsin__net_headers_spec, [TOCSIN__NET_BODY] = &tocsin__net_body_spec },
    .state_size = sizeof(struct tocsin__net_fetch), .cancel = cancel, .resume = resume, .drop = drop
};

/* Starting */

static void fill(struct tocsin__net_fetch *fetch, const struct tocsin_http_request *asked, const struct tocsin_notify *notify)
{
    fetch->limit_bytes = asked->limit_bytes ? asked->limit_bytes : LIMIT_BYTES;
    fetch->redirects = asked->redirects ? asked->redirects : REDIRECTS;
    fetch->streamed = asked->flags & TOCSIN_HTTP_STREAM || (notify && notify->how & TOCSIN_AT_EACH);
    fetch->started_us = fetch->begun_us = tocsin_now();
}

/* What can fail for memory comes first; what depends on the URL is announced. */
static int begin(struct tocsin__net_fetch *fetch, const struct tocsin_http_request *asked)
{
    const char *reason = NULL;
    int err = tocsin__net_client_get(&fetch->client);

    if (err == 0)
        err = tocsin__net_request_copy(asked, &fetch->request);
    if (err == 0 && !(fetch->url = tocsin__net_copy_text(asked->url, strlen(asked->url))))
        err = -ENOMEM;
    if (err == 0 && asked->timeout_ms >= 0)
        err = tocsin_deadline(fetch->op, asked->timeout_ms ? asked->timeout_ms : TIMEOUT_MS);
    if (err < 0)
        return err;
    err = tocsin__net_origin_find(&fetch->client->origins, fetch->url, &fetch->origin, &reason);
    if (err == -ENOMEM)
        return err;
    if (err < 0)
        tocsin__net_fetch_end(fetch, err, reason);
    else
        tocsin__net_place_ask(fetch);
    return 0;
}

int tocsin_http_fetch(const struct tocsin_http_request *request, const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    struct tocsin_op op;
    struct tocsin__net_fetch *fetch;
    int err = tocsin_op_new(&fetch_type, notify, &op);

    if (err == 0)
        err = tocsin__net_request_check(request);
    if (err == 0) {
        fetch = tocsin_op_state(op);
        fetch->op = op;
        fill(fetch, request, notify);
        err = begin(fetch, request);
    }
    return tocsin_op_start(op, err, ret_op);
}

int tocsin_http_get(const char *url, const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    return tocsin_http_fetch(&(struct tocsin_http_request){ .url = url }, notify, ret_op);
}
