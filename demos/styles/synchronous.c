/* Synchronous: the program waits for each reply, and then continues. This style is simple and
   slow. */
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

int synchronous(void)
{
    const char *page, *next;

    while ((page = job_page())) {
        next = get(page);
        if (next)
            get(next);
    }
    return 0;
}
