#include "page.h"

static int job(void *url)
{
    struct tocsin_op page;
    struct tocsin_info *info;

    tocsin_http_get(url, TOCSIN_FUTURE, &page);
    int status = tocsin_wait(page, 5000, &info);
    if (status == 0) {
        show(info, NULL);
        tocsin_info_unref(info);
    }
    return status;
}

int main(void)
{
    /* without a fiber, this line would be: return job(URL) < 0; */
    return tocsin_spawn(job, URL, NULL, NULL) < 0 || tocsin_drain(-1) < 0 || tocsin_run() < 0;
}
