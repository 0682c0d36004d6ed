#include "job.h"

#include <stdio.h>
#include <unistd.h>

#include "harness/ledger.h"
#include "harness/link.h"
#include "harness/text.h"

enum { URL_MAX = 2048 };

static const char *const *pages;
static int pages_count, pages_taken, deadline_ms;

int job_at_once;

void job_prepare(const char *const *urls, int count, int at_once, int timeout_ms)
{
    pages = urls;
    pages_count = count;
    job_at_once = at_once;
    deadline_ms = timeout_ms;
}

const char *job_page(void)
{
    return pages_taken < pages_count ? pages[pages_taken++] : NULL;
}

int job_fetch(const char *url, const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    ledger_started();
    int err = tocsin_http_fetch(
        &(struct tocsin_http_request){ .url = url, .timeout_ms = deadline_ms }, notify, ret_op);

    /* The program ends: no handler would be called for this fetch, so the job would never end. */
    if (err < 0) {
        fprintf(stderr, "styles: cannot start the fetch of %s: %s\n", text_plain(url),
                tocsin_strerror(err));
        _exit(1);
    }
    return err;
}

const char *job_ended(int status, const struct tocsin_info *info)
{
    static _Thread_local char next[URL_MAX];
    const struct tocsin_http_client_done *page = status < 0 ? NULL
                                                            : tocsin_http_client_done_of(info);
    int failed = !page || page->code >= 400;

    ledger_ended(page ? page->body.size : 0, failed);
    return !failed && link_next(page, next, sizeof next) == 0 ? next : NULL;
}
