/* Callback: the program passes a function, which is called when the fetch has ended, and continues.
   So the job is split into several functions, one for each place where it waits. */
#include "job.h"

static int begin(void);

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
    return next ? job_fetch(next, TOCSIN_CALL(on_next), NULL) : begin();
}

static int begin(void)
{
    const char *page = job_page();

    return page ? job_fetch(page, TOCSIN_CALL(on_page), NULL) : 0;
}

int callback(void)
{
    for (int i = 0; i < job_at_once; i++)
        begin();
    tocsin_drain(-1);
    return tocsin_run();
}
