/* Registry: a fetch names no receiver. The program connects handlers to the signal once, for all
   fetches. The handlers are called one after the other. */
#include "job.h"

static char a_next[] = "a next"; /* the data word of each fetch of a next page */

static int begin(const struct tocsin_info *info, void *arg)
{
    const char *page = job_page();

    (void)info, (void)arg;
    return page ? job_fetch(page, NULL, NULL) : TOCSIN_NEXT;
}

static int follow(const struct tocsin_info *info, void *arg)
{
    const char *next = job_ended(info->status, info);
    struct tocsin_op fetch;

    (void)arg;
    if (!next || tocsin_source_get(info->source) == a_next)
        return TOCSIN_NEXT;
    job_fetch(next, NULL, &fetch);
    tocsin_source_set(fetch.source, a_next);
    /* returns TOCSIN_STOP, since the handler `begin` must not be called for this fetch */
    return TOCSIN_STOP;
}

int registry(void)
{
    if (tocsin_on("http.client.done", follow, NULL) < 0 ||
        tocsin_on("http.client.done", begin, NULL) < 0)
        return -ENOENT;
    for (int i = 0; i < job_at_once; i++)
        begin(NULL, NULL);
    tocsin_drain(-1);
    return tocsin_run();
}
