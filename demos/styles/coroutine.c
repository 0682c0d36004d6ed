/* Coroutine: the synchronous style, on fibers. Each fetch waits for the previous fetch of its
   fiber, while other fibers run. */
#include "job.h"

static const char *get(const char *url)
{
    struct tocsin_op fetch;
    struct tocsin_info *info = NULL;

    job_fetch(url, TOCSIN_FUTURE, &fetch);
    int status = tocsin_wait(fetch, -1, &info);
    const char *next = job_ended(status, info);
    tocsin_info_unref(info);
    return next;
}

static int fiber(void *arg)
{
    const char *page, *next;

    (void)arg;
    while ((page = job_page())) {
        next = get(page);
        if (next)
            get(next);
    }
    return 0;
}

int coroutine(void)
{
    for (int i = 0; i < job_at_once; i++)
        tocsin_spawn(fiber, NULL, NULL, NULL);
    tocsin_drain(-1);
    return tocsin_run();
}
