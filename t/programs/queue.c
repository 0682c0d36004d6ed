#include "page.h"

int main(void)
{
    struct tocsin_queue done;
    struct tocsin_info *info;

    tocsin_queue_open(NULL, NULL, &done);
    tocsin_http_get(URL, TOCSIN_QUEUE(done), NULL);
    if (tocsin_queue_wait(done, 5000, &info) == 0) {
        show(info, NULL);
        tocsin_info_unref(info);
    }
    return tocsin_queue_close(done);
}
