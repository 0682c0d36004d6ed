/* Future: the start of a fetch returns a value that stands for the later reply. The program can
   pass this value on. The code that has the value decides what happens at the end of the fetch. */
#include "job.h"

static int begin(void);

static struct tocsin_op get(const char *url)
{
    struct tocsin_op fetch;

    job_fetch(url, TOCSIN_FUTURE, &fetch);
    return fetch;
}

static int on_next(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    job_ended(info->status, info);
    return begin();
}

static int on_page(const struct tocsin_info *info, void *arg)
{
    const char *next = job_ended(info->status, info);

    (void)arg;
    return next ? tocsin_then(get(next), on_next, NULL) : begin();
}

static int begin(void)
{
    const char *page = job_page();

    return page ? tocsin_then(get(page), on_page, NULL) : 0;
}

int future(void)
{
    for (int i = 0; i < job_at_once; i++)
        begin();
    tocsin_drain(-1);
    return tocsin_run();
}
