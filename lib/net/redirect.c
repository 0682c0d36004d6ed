#include <string.h>

#include "net/permit.h"
#include "net/redirect.h"
#include "net/reply.h"

bool tocsin__net_redirect_is(const struct tocsin__net_fetch *fetch)
{
    size_t size;
    int code = fetch->code;
    bool moved = code == 301 || code == 302 || code == 303 || code == 307 || code == 308;

    return moved && fetch->redirects >= 0 && tocsin__net_reply_find(fetch, "Location", &size) &&
           size > 0;
}

/* Changes the request as RFC 9110 section 15.4 requires. `stranger` is true if the redirect leads
   to another origin. */
static void request_rewrite(struct tocsin__net_request *request, int code, bool stranger)
{
    bool post = strcmp(request->method, "POST") == 0;
    bool safe = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;

    if ((code == 303 && !safe) || ((code == 301 || code == 302) && post))
        tocsin__net_request_to_get(request);
    if (stranger)
        tocsin__net_request_to_stranger(request);
}

static void reply_reset(struct tocsin__net_fetch *fetch)
{
    fetch->header.size = 0;
    fetch->received = 0;
    fetch->code = 0;
    fetch->framing = (struct tocsin__net_framing){ .fault = NULL };
    fetch->chunks = (struct tocsin__net_chunks){ .left = 0 };
    fetch->connected_us = fetch->first_us = 0;
    fetch->following = false;
    fetch->part = TOCSIN__NET_STATUS_LINE;
}

static int redirect_follow(struct tocsin__net_fetch *fetch, struct tocsin__net_origin **ret_origin,
                           const char **ret_reason)
{
    size_t size = 0;
    const char *location = tocsin__net_reply_find(fetch, "Location", &size);
    char *url = NULL;
    int err = tocsin__net_url_follow(fetch->url, location, size, &url, ret_reason);

    if (err == 0)
        err = tocsin__net_origin_find(&fetch->client->origins, url, ret_origin, ret_reason);
    if (err < 0) {
        tocsin__net_release(url);
        return err;
    }
    tocsin__net_release(fetch->url);
    fetch->url = url;
    return 0;
}

void tocsin__net_redirect(struct tocsin__net_fetch *fetch)
{
    struct tocsin__net_origin *origin = NULL;
    const char *reason = NULL;
    int err;

    if (fetch->done.redirects == (unsigned)fetch->redirects) {
        tocsin__net_fetch_end(fetch, TOCSIN_EREDIRECTS,
                              "The reply has more redirects than the limit");
        return;
    }
    err = redirect_follow(fetch, &origin, &reason);
    if (err < 0) {
        tocsin__net_fetch_end(fetch, err, reason);
        return;
    }
    fetch->done.redirects++;
    if (fetch->request)
        request_rewrite(fetch->request, fetch->code, origin != fetch->origin);
    reply_reset(fetch);
    tocsin__net_permit_move(fetch, origin);
}
