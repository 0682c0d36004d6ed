#include "page.h"

int main(void)
{
    struct tocsin_op page;
    struct tocsin_info *info;

    tocsin_http_get(URL, TOCSIN_FUTURE, &page);
    /* If the start failed, tocsin_wait() returns the error of the start. */
    int status = tocsin_wait(page, 5000, &info);
    if (status < 0)
        return fprintf(stderr, "%s: %s\n", URL, tocsin_strerror(status)), 1;
    show(info, NULL);
    tocsin_info_unref(info);
    return 0;
}
